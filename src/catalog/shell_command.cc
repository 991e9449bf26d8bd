#include "catalog/shell_command.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <utility>

#include "core/text.h"

namespace wellrun::catalog {
namespace {

/// What encloses a place of the command, innermost last.
enum class Place {
  kPlain,            ///< words
  kGroup,            ///< ( … ) and $( … )
  kBackquotes,       ///< ` … `
  kParameter,        ///< ${ … }
  kQuotedParameter,  ///< ${ … } inside of double quotes
  kDouble,           ///< " … "
  kSingle,           ///< ' … '
  kArithmetic,       ///< $(( … ))
  kParentheses,      ///< ( … ) inside of it
  kComment,
  kHereDocument,
};

struct HereDocument {
  std::string end;  ///< the line that ends it
  bool is_quoted = false, strips_tabs = false;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  ShellCommand read() {
    while (!rest_.empty()) {
      if (!take_template()) take_character();
    }
    return std::move(result_);
  }

 private:
  Place place() const { return places_.back(); }
  bool has_words() const {
    return place() == Place::kPlain || place() == Place::kGroup || place() == Place::kBackquotes;
  }
  bool in_text() const {
    return place() == Place::kDouble || place() == Place::kHereDocument ||
           place() == Place::kQuotedParameter;
  }
  void copy(std::size_t count) {
    result_.text += rest_.substr(0, count);
    rest_.remove_prefix(std::min(count, rest_.size()));
  }
  void enter(Place place, std::size_t count) {
    copy(count);
    places_.push_back(place);
  }
  void leave(std::size_t count) {
    copy(count);
    if (places_.size() > 1) places_.pop_back();
  }

  bool take_template() {
    if (!rest_.starts_with("{{")) return false;
    const auto close = rest_.find("}}");
    if (close == std::string_view::npos) return false;
    const std::string name(trimmed(rest_.substr(2, close - 2)));
    rest_.remove_prefix(close + 2);
    is_line_begin_ = false;
    auto& names = result_.names;
    const auto index = std::ranges::find(names, name) - names.begin();
    if (index == std::ssize(names)) names.push_back(name);
    result_.text += written(name, "${" + shell_variable(static_cast<std::size_t>(index)) + "}");
    return true;
  }

  /// `variable` as it has to be written here.
  std::string written(const std::string& name, const std::string& variable) {
    const auto problem = [&](const char* why) {
      result_.problems.push_back(
          fmt::format("{} cannot be put in here: {}", quote("{{" + name + "}}"), why));
    };
    switch (place()) {
      case Place::kSingle:
        return "'\"" + variable + "\"'";
      case Place::kArithmetic:
      case Place::kParentheses:
        problem("a value in $(( )) is read as an expression");
        return variable;
      case Place::kHereDocument:
        if (open_.back().is_quoted)
          problem("nothing is filled in where the end of a here-document is quoted; write <<END");
        return variable;
      case Place::kDouble:
      case Place::kQuotedParameter:
        return variable;
      default:
        return "\"" + variable + "\"";
    }
  }

  void take_character() {
    switch (place()) {
      case Place::kSingle:
        return rest_.front() == '\'' ? leave(1) : copy(1);
      case Place::kComment:
        return rest_.front() == '\n' ? places_.pop_back() : copy(1);
      case Place::kHereDocument:
        if (ends_document()) return;
        return open_.back().is_quoted ? copy(1) : take_expansion();
      case Place::kDouble:
        return rest_.front() == '"' ? leave(1) : take_expansion();
      case Place::kParameter:
      case Place::kQuotedParameter:
        if (rest_.front() == '}') return leave(1);
        break;
      case Place::kArithmetic:
      case Place::kParentheses:
        return take_arithmetic();
      default:
        break;
    }
    if (rest_.front() == '"') return enter(Place::kDouble, 1);
    if (rest_.front() == '\'' && !in_text()) return enter(Place::kSingle, 1);
    if (has_words() && take_operator()) return;
    take_expansion();
  }

  /// What means something among words only.
  bool take_operator() {
    const bool begins_word =
        result_.text.empty() || std::string_view(" \t\n;&|()`").contains(result_.text.back());
    if (rest_.front() == '#' && begins_word) {
      enter(Place::kComment, 1);
    } else if (rest_.front() == '(') {
      enter(Place::kGroup, 1);
    } else if (rest_.front() == ')' && place() == Place::kGroup) {
      leave(1);
    } else if (rest_.starts_with("<<")) {
      announce_document();
    } else if (rest_.front() == '\n' && !announced_.empty()) {
      open_document();
    } else {
      return false;
    }
    return true;
  }

  /// What means something inside of double quotes too.
  void take_expansion() {
    if (rest_.front() == '\\') return take_escaped();
    if (rest_.front() == '`') return take_backquote();
    if (rest_.starts_with("$((")) return enter(Place::kArithmetic, 3);
    if (rest_.starts_with("$(")) return enter(Place::kGroup, 2);
    if (rest_.starts_with("${") && !rest_.starts_with("${{"))
      return enter(in_text() ? Place::kQuotedParameter : Place::kParameter, 2);
    copy(1);
  }

  /// A backslash before a template stands for itself: it must not take the variable's meaning away.
  void take_escaped() {
    if (!rest_.substr(1).starts_with("{{")) return copy(2);
    result_.text += "\\\\";
    rest_.remove_prefix(1);
  }

  void take_backquote() {
    const auto open = std::ranges::find(places_, Place::kBackquotes);
    if (open == places_.end()) return enter(Place::kBackquotes, 1);
    places_.erase(open, places_.end());
    open_.resize(static_cast<std::size_t>(std::ranges::count(places_, Place::kHereDocument)));
    copy(1);
  }

  void take_arithmetic() {
    if (rest_.front() == '(') return enter(Place::kParentheses, 1);
    if (rest_.front() == ')' && place() == Place::kParentheses) return leave(1);
    if (rest_.starts_with("))")) return leave(2);
    take_expansion();
  }

  /// "<<END", "<<-END", "<< 'END'": its text begins after this line.
  void announce_document() {
    copy(2);
    if (rest_.starts_with('<')) return copy(1);
    HereDocument document;
    document.strips_tabs = rest_.starts_with('-');
    if (document.strips_tabs) copy(1);
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) copy(1);
    while (!rest_.empty() && !std::string_view(" \t\n;&|<>()").contains(rest_.front())) {
      if (std::string_view("'\"\\").contains(rest_.front())) {
        document.is_quoted = true;
      } else {
        document.end += rest_.front();
      }
      copy(1);
    }
    announced_.push_back(std::move(document));
  }

  void open_document() {
    enter(Place::kHereDocument, 1);
    open_.push_back(std::move(announced_.front()));
    announced_.pop_front();
    is_line_begin_ = true;
  }

  /// At the line that ends the document: takes it.
  bool ends_document() {
    const bool is_line_begin = std::exchange(is_line_begin_, rest_.front() == '\n');
    if (!is_line_begin) return false;
    const auto document = open_.back();
    auto line = rest_.substr(0, rest_.find('\n'));
    const auto size = line.size();
    while (document.strips_tabs && line.starts_with('\t')) line.remove_prefix(1);
    if (line != document.end) return false;
    leave(size);
    open_.pop_back();
    return true;
  }

  std::string_view rest_;
  ShellCommand result_;
  std::vector<Place> places_ = {Place::kPlain};
  std::deque<HereDocument> announced_;  ///< their text begins after this line
  std::vector<HereDocument> open_;      ///< one for each kHereDocument of places_
  bool is_line_begin_ = false;          ///< of a here-document
};

}  // namespace

ShellCommand shell_command(std::string_view command) {
  return Reader(command).read();
}

std::string shell_variable(std::size_t index) {
  return fmt::format("WELLRUN_VALUE_{}", index + 1);
}

}  // namespace wellrun::catalog
