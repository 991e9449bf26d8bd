#include "procedures/quoted_template.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "core/json.h"
#include "core/text.h"
#include "procedures/url_template.h"

namespace wellrun::procedures {
namespace {

/// Goes through `text`: `place` reads what stands between the templates and says what each value
/// becomes there.
template <typename Place>
std::string fill(std::string_view text, const ValueOf& value_of, Place place) {
  std::string result;
  while (true) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) return result.append(text);
    const auto before = text.substr(0, open);
    place.read(before);
    result.append(before);
    result += place.put(value_of(trimmed(text.substr(open + 2, close - open - 2))));
    text.remove_prefix(close + 2);
  }
}

/// Whether what is read so far leaves a string open, and at a backslash that waits for what it
/// escapes.
struct OpenString {
  char quote = '\0';  ///< that it began with; NUL: none is open
  bool escapes = false;

  void read(char c) {
    if (escapes) {
      escapes = false;
    } else if (c == '\\' && quote != '`') {
      escapes = true;
    } else if (c == quote) {
      quote = '\0';
    }
  }
  /// The backslash before a template stands for itself: it would take the value's first character
  /// away from its own escape.
  std::string finish_escape() { return std::exchange(escapes, false) ? "\\" : ""; }
};

bool is_word(std::string_view value) {
  double number = 0;
  const auto* end = value.data() + value.size();
  if (const auto [stop, problem] = std::from_chars(value.data(), end, number);
      problem == std::errc() && stop == end)
    return true;
  return std::ranges::all_of(value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':' || c == '.';
  });
}

/// Source: Prometheus, "Querying basics": string literals, comments.
class QueryPlace {
 public:
  void read(std::string_view text) {
    for (const char c : text) {
      if (is_comment_) {
        is_comment_ = c != '\n';
      } else if (string_.quote != '\0') {
        string_.read(c);
      } else if (c == '"' || c == '\'' || c == '`') {
        string_.quote = c;
      } else {
        is_comment_ = c == '#';
      }
    }
  }

  std::string put(const std::string& value) {
    if (string_.quote != '\0') return string_.finish_escape() + escaped(value, string_.quote);
    return is_word(value) ? value : '"' + escaped(value, '"') + '"';
  }

 private:
  static std::string escaped(std::string_view value, char quote) {
    std::string result;
    for (const char c : value) {
      if (quote == '`') {
        if (c != quote) result += c;
      } else if (c == '\n') {
        result += "\\n";
      } else {
        if (c == '\\' || c == quote) result += '\\';
        result += c;
      }
    }
    return result;
  }

  OpenString string_;
  bool is_comment_ = false;
};

/// Source: RFC 8259, section 7.
class JsonPlace {
 public:
  void read(std::string_view text) {
    for (const char c : text) {
      if (string_.quote != '\0') {
        string_.read(c);
      } else if (c == '"') {
        string_.quote = c;
      }
    }
  }

  std::string put(const std::string& value) {
    const auto as_string = to_text(Json(value));
    if (string_.quote != '\0')
      return string_.finish_escape() + as_string.substr(1, as_string.size() - 2);
    return parse_json(value) ? value : as_string;
  }

 private:
  OpenString string_;
};

struct FormPlace {
  void read(std::string_view) {}
  std::string put(const std::string& value) { return percent_encoded(value); }
};

struct AnyPlace {
  void read(std::string_view) {}
  std::string put(const std::string& value) { return value; }
};

/// Without a type many peers read what looks like JSON as JSON. What begins with a template does
/// not look like anything yet.
bool looks_like_json(std::string_view text) {
  text = trimmed(text);
  return text.starts_with('[') || (text.starts_with('{') && !text.starts_with("{{"));
}

}  // namespace

std::string fill_query(std::string_view text, const ValueOf& value_of) {
  const auto whole = trimmed(text);
  const bool is_one_template = whole.starts_with("{{") && whole.find("}}") + 2 == whole.size();
  return is_one_template ? fill(whole, value_of, AnyPlace{}) : fill(text, value_of, QueryPlace{});
}

std::string fill_body(std::string_view text, std::string_view content_type,
                      const ValueOf& value_of) {
  std::string type(content_type);
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  if (type.contains("json") || (type.empty() && looks_like_json(text)))
    return fill(text, value_of, JsonPlace{});
  if (type.starts_with("application/x-www-form-urlencoded"))
    return fill(text, value_of, FormPlace{});
  return fill(text, value_of, AnyPlace{});
}

}  // namespace wellrun::procedures
