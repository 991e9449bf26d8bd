#pragma once

// Cuts a query into tokens. Keywords are identifiers here: the parser knows where they mean
// something.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/promql/ast.h"

namespace wellrun::telemetry::promql {

enum class TokenKind : std::uint8_t {
  kEnd,
  kIdentifier,
  kNumber,
  kDuration,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  kRegexMatch,
  kRegexNoMatch,
  kAt,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Position position;
  double number = 0;  ///< of kNumber; of kDuration in seconds
  std::string text;   ///< of kIdentifier as written; of kString unquoted
};

/// Always ends with kEnd. kInvalid with "line:column: parse error: …" at the first character that
/// fits nowhere.
Result<std::vector<Token>> tokenize(std::string_view query);

/// A number as PromQL writes it ("0x1F", "1_000", "1e3", "Inf"), without sign.
std::optional<double> parse_number(std::string_view text);

}  // namespace wellrun::telemetry::promql
