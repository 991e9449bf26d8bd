#include "telemetry/promql/lexer.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "core/text.h"

namespace wellrun::telemetry::promql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

/// All of `digits` as one number of 63 bits; nothing when they are no such number.
std::optional<std::int64_t> whole_number(std::string_view digits, int base) {
  std::int64_t value = 0;
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (problem != std::errc() || end != digits.data() + digits.size() || value < 0)
    return std::nullopt;
  return value;
}

class Lexer {
 public:
  explicit Lexer(std::string_view query) : query_(query) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      skip_blank();
      Token token;
      token.position.start = at_;
      TRY_STATUS(next(token));
      token.position.end = at_;
      tokens.push_back(std::move(token));
      if (tokens.back().kind == TokenKind::kEnd) break;
    }
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < query_.size() ? query_[at_ + ahead] : '\0';
  }

  std::unexpected<Error> error(std::size_t where, std::string_view what) const {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: parse error: {}", line_and_column(query_, where), what));
  }

  void skip_blank() {
    while (at_ < query_.size()) {
      if (is_space(query_[at_])) {
        ++at_;
      } else if (query_[at_] == '#') {
        while (at_ < query_.size() && query_[at_] != '\n') ++at_;
      } else {
        break;
      }
    }
  }

  Status take(Token& token, TokenKind kind, std::size_t size) {
    token.kind = kind;
    at_ += size;
    return {};
  }

  Status next(Token& token) {
    if (at_ >= query_.size()) return take(token, TokenKind::kEnd, 0);
    const char c = peek(), d = peek(1);
    switch (c) {
      case '(':
        return take(token, TokenKind::kLeftParen, 1);
      case ')':
        return take(token, TokenKind::kRightParen, 1);
      case '{':
        ++braces_;
        return take(token, TokenKind::kLeftBrace, 1);
      case '}':
        --braces_;
        return take(token, TokenKind::kRightBrace, 1);
      case '[':
        ++brackets_;
        return take(token, TokenKind::kLeftBracket, 1);
      case ']':
        --brackets_;
        return take(token, TokenKind::kRightBracket, 1);
      case ',':
        return take(token, TokenKind::kComma, 1);
      case '@':
        return take(token, TokenKind::kAt, 1);
      case '+':
        return take(token, TokenKind::kAdd, 1);
      case '-':
        return take(token, TokenKind::kSub, 1);
      case '*':
        return take(token, TokenKind::kMul, 1);
      case '/':
        return take(token, TokenKind::kDiv, 1);
      case '%':
        return take(token, TokenKind::kMod, 1);
      case '^':
        return take(token, TokenKind::kPow, 1);
      case '=':
        if (d == '=') return take(token, TokenKind::kEqual, 2);
        if (d == '~') return take(token, TokenKind::kRegexMatch, 2);
        return take(token, TokenKind::kAssign, 1);
      case '!':
        if (d == '=') return take(token, TokenKind::kNotEqual, 2);
        if (d == '~') return take(token, TokenKind::kRegexNoMatch, 2);
        return error(at_, d == '\0' ? "unexpected end of input after '!'"
                                    : fmt::format("unexpected character after '!': '{}'", d));
      case '<':
        if (d == '=') return take(token, TokenKind::kLessEqual, 2);
        if (d == '/') return take(token, TokenKind::kTrimUpper, 2);
        return take(token, TokenKind::kLess, 1);
      case '>':
        if (d == '=') return take(token, TokenKind::kGreaterEqual, 2);
        if (d == '/') return take(token, TokenKind::kTrimLower, 2);
        return take(token, TokenKind::kGreater, 1);
      case '"':
      case '\'':
      case '`':
        return quoted(token);
      default:
        break;
    }
    if (is_digit(c) || (c == '.' && is_digit(d))) return number(token);
    if (c == ':' && (brackets_ > 0 || braces_ > 0)) return take(token, TokenKind::kColon, 1);
    if (is_alpha(c) || c == ':') return word(token);
    std::size_t size = 1;
    while (size < 4 && at_ + size < query_.size() &&
           (static_cast<unsigned char>(query_[at_ + size]) & 0xC0) == 0x80)
      ++size;
    return error(at_, fmt::format("unexpected character: '{}'", query_.substr(at_, size)));
  }

  Status word(Token& token) {
    const std::size_t start = at_;
    while (is_alpha(peek()) || is_digit(peek()) ||
           (peek() == ':' && brackets_ <= 0 && braces_ <= 0))
      ++at_;
    token.text = query_.substr(start, at_ - start);
    token.kind = TokenKind::kIdentifier;
    if (braces_ <= 0 &&
        (equals_ignoring_case(token.text, "inf") || equals_ignoring_case(token.text, "nan"))) {
      token.kind = TokenKind::kNumber;
      token.number = *parse_number(token.text);
    }
    return {};
  }

  Status number(Token& token) {
    const std::size_t start = at_;
    std::size_t end = at_;
    while (end < query_.size() &&
           (is_alpha(query_[end]) || is_digit(query_[end]) || query_[end] == '.')) {
      const bool exponent = (query_[end] == 'e' || query_[end] == 'E') &&
                            !(query_[start] == '0' && (peek(1) | 0x20) == 'x');
      ++end;
      if (exponent && end + 1 < query_.size() && (query_[end] == '+' || query_[end] == '-') &&
          is_digit(query_[end + 1]))
        ++end;
    }
    const auto text = query_.substr(start, end - start);
    at_ = end;
    token.text = text;
    if (auto value = parse_number(text)) {
      token.kind = TokenKind::kNumber;
      token.number = *value;
      return {};
    }
    if (auto duration = parse_duration(text)) {
      token.kind = TokenKind::kDuration;
      token.number = to_seconds(*duration);
      return {};
    }
    return error(start, fmt::format("bad number or duration syntax: \"{}\"", text));
  }

  Status quoted(Token& token) {
    const std::size_t start = at_;
    const char quote = query_[at_++];
    token.kind = TokenKind::kString;
    while (true) {
      if (at_ >= query_.size())
        return error(start,
                     quote == '`' ? "unterminated raw string" : "unterminated quoted string");
      const char c = query_[at_++];
      if (c == quote) break;
      if (quote == '`') {
        token.text += c;
      } else if (c == '\n') {
        return error(start, "unterminated quoted string");
      } else if (c == '\\') {
        TRY_STATUS(escape(token.text, quote, start));
      } else {
        token.text += c;
      }
    }
    if (!is_valid_utf8(query_.substr(start, at_ - start)))
      return error(start, "invalid UTF-8 in string");
    return {};
  }

  Status escape(std::string& out, char quote, std::size_t start) {
    if (at_ >= query_.size()) return error(start, "escape sequence not terminated");
    const char c = query_[at_++];
    switch (c) {
      case 'a':
        out += '\a';
        return {};
      case 'b':
        out += '\b';
        return {};
      case 'f':
        out += '\f';
        return {};
      case 'n':
        out += '\n';
        return {};
      case 'r':
        out += '\r';
        return {};
      case 't':
        out += '\t';
        return {};
      case 'v':
        out += '\v';
        return {};
      case '\\':
        out += '\\';
        return {};
      case 'x':
        return coded(out, 2, 16, 0xFF, start);
      case 'u':
        return coded(out, 4, 16, 0x10FFFF, start);
      case 'U':
        return coded(out, 8, 16, 0x10FFFF, start);
      default:
        break;
    }
    if (c == quote) {
      out += quote;
      return {};
    }
    if (c >= '0' && c <= '7') {
      --at_;
      return coded(out, 3, 8, 255, start);
    }
    return error(start, fmt::format("unknown escape sequence '\\{}'", c));
  }

  Status coded(std::string& out, int digits, int base, std::uint32_t max, std::size_t start) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = peek();
      if (!is_hex(c) || (base == 8 && !(c >= '0' && c <= '7')))
        return error(start, at_ >= query_.size() ? "escape sequence not terminated"
                                                 : "illegal character in escape sequence");
      value = value * static_cast<std::uint32_t>(base) +
              static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (value > max || (value >= 0xD800 && value < 0xE000))
      return error(start, "escape sequence is an invalid Unicode code point");
    if (digits <= 3) {
      out += static_cast<char>(value);
    } else {
      append_utf8(out, value);
    }
    return {};
  }

  std::string_view query_;
  std::size_t at_ = 0;
  int braces_ = 0;
  int brackets_ = 0;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view query) {
  return Lexer(query).run();
}

std::optional<double> parse_number(std::string_view text) {
  if (equals_ignoring_case(text, "inf")) return std::numeric_limits<double>::infinity();
  if (equals_ignoring_case(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
      continue;
    }
    const bool prefix = i == 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
    if (i == 0 || i + 1 == text.size() || !(is_hex(text[i - 1]) || prefix) || !is_hex(text[i + 1]))
      return std::nullopt;
  }
  if (plain.empty()) return std::nullopt;
  if (plain.size() > 2 && plain[0] == '0' && (plain[1] | 0x20) == 'x') {
    const auto value = whole_number(std::string_view(plain).substr(2), 16);
    return value ? std::optional<double>(static_cast<double>(*value)) : std::nullopt;
  }
  if (plain.size() > 1 && plain[0] == '0')
    if (const auto value = whole_number(plain, 8)) return static_cast<double>(*value);
  double value = 0;
  auto [end, problem] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (end != plain.data() + plain.size()) return std::nullopt;
  if (problem == std::errc::result_out_of_range) {
    value = std::strtod(plain.c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;  // what is too small is zero
    return value;
  }
  if (problem != std::errc()) return std::nullopt;
  return value;
}

}  // namespace wellrun::telemetry::promql
