#include "health/template/lexer.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "core/text.h"
#include "core/unicode.h"

namespace wellrun::health::templates {
namespace {

using Kind = Token::Kind;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (at_ < text_.size()) TRY_STATUS(text_then_action());
    add(Kind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  std::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorCode::kInvalid, fmt::format("line {}: {}", line_, what));
  }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool ahead(std::string_view wanted) const { return text_.substr(at_).starts_with(wanted); }
  void advance(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); --count) line_ += text_[at_++] == '\n' ? 1 : 0;
  }
  void add(Kind kind, std::string text) {
    tokens_.push_back({kind, std::move(text), line_, std::exchange(space_, false)});
  }
  Status symbol(Kind kind, std::size_t length) {
    add(kind, std::string(text_.substr(at_, length)));
    advance(length);
    return {};
  }

  Status text_then_action() {
    const auto open = text_.find("{{", at_);
    auto before = text_.substr(at_, open == std::string_view::npos ? open : open - at_);
    const auto length = before.size();
    const bool trims = open != std::string_view::npos && open + 3 < text_.size() &&
                       text_[open + 2] == '-' && is_space(text_[open + 3]);
    if (trims) {
      while (!before.empty() && is_space(before.back())) before.remove_suffix(1);
    }
    if (!before.empty()) add(Kind::kText, std::string(before));
    advance(length);
    if (open == std::string_view::npos) return {};
    advance(trims ? 4 : 2);
    return action();
  }

  Status action() {
    if (ahead("/*")) return comment();
    add(Kind::kOpen, "{{");
    while (true) {
      if (at_ >= text_.size()) return wrong("{{ is not closed by }}");
      if (closes()) {
        add(Kind::kClose, "}}");
        close();
        return {};
      }
      TRY_STATUS(word());
    }
  }

  /// At "}}", or at " -}}" of which the space has not been read yet.
  bool closes() const {
    return ahead("}}") || (is_space(peek()) && text_.substr(at_ + 1).starts_with("-}}"));
  }
  void close() {
    const bool trims = !ahead("}}");
    advance(trims ? 4 : 2);
    while (trims && at_ < text_.size() && is_space(text_[at_])) advance(1);
  }

  Status comment() {
    const auto end = text_.find("*/", at_);
    if (end == std::string_view::npos) return wrong("a comment is not closed by */");
    advance(end + 2 - at_);
    if (!closes()) return wrong("a comment must end right before }}");
    close();
    return {};
  }

  Status word() {
    const char c = peek();
    if (is_space(c)) {
      advance(1);
      space_ = true;
      return {};
    }
    if (c == '"') return quoted();
    if (c == '`') return raw();
    if (c == '\'') return character();
    if (c == '|') return symbol(Kind::kPipe, 1);
    if (c == '(') return symbol(Kind::kLeftParen, 1);
    if (c == ')') return symbol(Kind::kRightParen, 1);
    if (c == ',') return symbol(Kind::kComma, 1);
    if (ahead(":=")) return symbol(Kind::kDeclare, 2);
    if (c == '=') return symbol(Kind::kAssign, 1);
    const bool is_number = is_digit(c) ||
                           ((c == '+' || c == '-' || c == '.') && is_digit(peek(1))) ||
                           ((c == '+' || c == '-') && peek(1) == '.' && is_digit(peek(2)));
    if (is_number) return number();
    if (c == '.') return dotted();
    if (c == '$') return name(Kind::kVariable, 1);
    if (is_word(c)) return name(Kind::kIdentifier, 0);
    return wrong(fmt::format("unexpected {} in an action", quote(std::string(1, c))));
  }

  Status dotted() {
    if (!is_word(peek(1))) return symbol(Kind::kDot, 1);
    const bool space = std::exchange(space_, false);
    advance(1);
    TRY_STATUS(name(Kind::kField, 0));
    tokens_.back().space_before = space;
    return {};
  }

  Status name(Kind kind, std::size_t prefix) {
    std::size_t length = prefix;
    while (at_ + length < text_.size() && is_word(text_[at_ + length])) ++length;
    return symbol(kind, length);
  }

  Status number() {
    std::size_t length = 1;
    const auto continues = [&] {
      const char c = peek(length);
      const char last = peek(length - 1);
      return is_word(c) || c == '.' ||
             ((c == '+' || c == '-') &&
              (last == 'e' || last == 'E' || last == 'p' || last == 'P') &&
              !text_.substr(at_, 3).contains('x'));
    };
    while (at_ + length < text_.size() && continues()) ++length;
    return symbol(Kind::kNumber, length);
  }

  Status raw() {
    const auto end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return wrong("a raw text is not closed by `");
    add(Kind::kString, std::string(text_.substr(at_ + 1, end - at_ - 1)));
    advance(end + 1 - at_);
    return {};
  }

  Status quoted() {
    std::string meant;
    advance(1);
    while (peek() != '"') {
      if (at_ >= text_.size() || peek() == '\n') return wrong("a text is not closed by \"");
      TRY_STATUS(one_character(meant));
    }
    advance(1);
    add(Kind::kString, std::move(meant));
    return {};
  }

  Status character() {
    std::string meant;
    advance(1);
    if (peek() == '\'' || at_ >= text_.size()) return wrong("an empty character constant");
    TRY_STATUS(one_character(meant));
    while (peek() != '\'' && (peek() & 0x80) != 0) TRY_STATUS(one_character(meant));
    if (peek() != '\'') return wrong("a character constant holds one character");
    advance(1);
    std::string_view rest = meant;
    add(Kind::kCharacter, std::to_string(static_cast<std::uint32_t>(next_code_point(rest))));
    return {};
  }

  /// One character of a quoted text, escapes as in Go.
  Status one_character(std::string& into) {
    const char c = peek();
    advance(1);
    if (c != '\\') {
      into += c;
      return {};
    }
    const char escape = peek();
    advance(1);
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kMeant = "\a\b\f\n\r\t\v\\'\"";
    if (const auto index = kNames.find(escape); index != std::string_view::npos) {
      into += kMeant[index];
      return {};
    }
    if (escape == 'x') return by_number(into, 2, 16, false);
    if (escape == 'u') return by_number(into, 4, 16, true);
    if (escape == 'U') return by_number(into, 8, 16, true);
    if (escape >= '0' && escape <= '7') {
      --at_;
      return by_number(into, 3, 8, false);
    }
    return wrong(fmt::format("unknown escape \\{} in a text", escape));
  }

  Status by_number(std::string& into, std::size_t digits, int base, bool code_point) {
    const auto text = text_.substr(at_, digits);
    std::uint32_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (text.size() != digits || read.ptr != text.data() + digits ||
        (code_point ? number > 0x10FFFF : number > 0xFF))
      return wrong("a broken number in an escape of a text");
    advance(digits);
    if (code_point)
      append_utf8(into, static_cast<char32_t>(number));
    else
      into += static_cast<char>(number);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool space_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokens_of(std::string_view text) {
  return Lexer(text).run();
}

std::string described(const Token& token) {
  switch (token.kind) {
    case Kind::kEnd:
      return "the end of the template";
    case Kind::kText:
      return "text";
    case Kind::kField:
      return quote("." + token.text);
    default:
      return quote(token.text);
  }
}

}  // namespace wellrun::health::templates
