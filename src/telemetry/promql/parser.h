#pragma once

// PromQL text to a checked tree, and back. The grammar is Prometheus 3's: all modifiers,
// subqueries, @, duration expressions, quoted UTF-8 names. Pure; safe from any thread.

#include <string>
#include <string_view>

#include "telemetry/promql/ast.h"

namespace wellrun::telemetry::promql {

struct ParserOptions {
  bool experimental_functions = true;    ///< promql-experimental-functions
  bool extended_range_selectors = true;  ///< promql-extended-range-selectors: anchored, smoothed
  bool binop_fill_modifiers = true;      ///< promql-binop-fill-modifiers
  std::size_t max_depth = 500;           ///< of the tree; deeper is kInvalid
  std::size_t max_bytes = 1 << 20;       ///< of the text; longer is kTooLarge
};

/// kInvalid with Prometheus' text, "1:5: parse error: unexpected …". The tree is type-checked.
Result<ExprPtr> parse(std::string_view query, const ParserOptions& options = {});

/// Whether a selector may be one of which every matcher matches the empty string, as `{}`.
enum class MatchAll { kRefused, kAllowed };

/// A selector alone: `up{job="a"}`. kInvalid with Prometheus' text.
Result<std::vector<Matcher>> parse_selector(std::string_view text,
                                            MatchAll match_all = MatchAll::kRefused);

/// Whether every matcher matches the empty string, and so series without any label. A regex that
/// cannot be read does not.
bool is_match_all(const std::vector<Matcher>& matchers);

/// The canonical one-line form; parse() reads it back to the same tree.
std::string to_string(const Expr& expr);

/// Broken over lines where longer than 100 characters, as /api/v1/format_query answers.
std::string pretty(const Expr& expr);

}  // namespace wellrun::telemetry::promql
