#pragma once

// PromQL as a tree of plain values: what the parser makes, the type check fills and the evaluator
// reads. Nodes are owned by their parent and never change after parse(); a tree may be read by many
// threads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "telemetry/storage.h"

namespace wellrun::telemetry::promql {

/// Byte offsets in the query text, end exclusive.
struct Position {
  std::size_t start = 0;
  std::size_t end = 0;
};

enum class ValueType { kNone, kScalar, kVector, kMatrix, kString };

/// As in error messages: "instant vector", "range vector", "scalar", "string", "none".
const char* documented_name(ValueType type);
/// As in the HTTP API: "vector", "matrix", "scalar", "string", "none".
const char* name_of(ValueType type);

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// A length of time in a selector, in seconds: a constant, or arithmetic over step() and range()
/// that is known per query.
struct DurationExpr {
  enum class Kind {
    kNumber,
    kStep,
    kRange,
    kMin,
    kMax,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kNegate,
    kParen
  };
  Kind kind = Kind::kNumber;
  double seconds = 0;
  bool written_as_duration = false;  ///< "5m" rather than "300"
  std::unique_ptr<DurationExpr> left, right;
};
using DurationPtr = std::unique_ptr<DurationExpr>;

/// The modifiers that selectors and subqueries share.
struct TimeShift {
  enum class At { kNone, kTimestamp, kStart, kEnd };
  At at = At::kNone;
  std::int64_t at_ms = 0;
  DurationPtr offset;  ///< null: none
};

/// Seconds. kInvalid, without a position: a division or modulo by zero, or a result that is no time
/// (about 292 years at most).
Result<double> evaluate_duration(const DurationExpr& expr, double step_seconds,
                                 double range_seconds);

struct NumberLiteral {
  double value = 0;
  bool written_as_duration = false;
};

struct StringLiteral {
  std::string value;
};

struct VectorSelector {
  std::string name;               ///< empty when the name stands in the matchers or nowhere
  std::vector<Matcher> matchers;  ///< with the one for `name`
  TimeShift shift;
  bool anchored = false;
  bool smoothed = false;
};

struct MatrixSelector {
  ExprPtr selector;  ///< a VectorSelector
  DurationPtr range;
};

struct Subquery {
  ExprPtr expr;
  DurationPtr range;
  DurationPtr step;  ///< null: the default interval
  TimeShift shift;
};

struct FunctionInfo;

struct Call {
  const FunctionInfo* function = nullptr;
  std::vector<ExprPtr> args;
};

enum class AggregateOp {
  kSum,
  kAvg,
  kMin,
  kMax,
  kGroup,
  kCount,
  kCountValues,
  kStddev,
  kStdvar,
  kQuantile,
  kTopk,
  kBottomk,
  kLimitk,
  kLimitRatio
};
const char* name_of(AggregateOp op);

struct Aggregate {
  AggregateOp op = AggregateOp::kSum;
  ExprPtr param;  ///< null when the operator takes none
  ExprPtr expr;
  bool without = false;
  std::vector<std::string> grouping;
};

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless
};
/// "+", "<=", "and", "</" …
const char* name_of(BinaryOp op);
bool is_comparison(BinaryOp op);
bool is_trim(BinaryOp op);
bool is_set_operator(BinaryOp op);

enum class Cardinality { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality cardinality = Cardinality::kOneToOne;
  bool on = false;  ///< on(...) rather than ignoring(...)
  std::vector<std::string> labels;
  std::vector<std::string> include;  ///< of group_left / group_right
  std::optional<double> fill_left, fill_right;
};

struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr left, right;
  bool return_bool = false;
  VectorMatching matching;
};

struct Unary {
  bool negative = false;
  ExprPtr expr;
};

struct Paren {
  ExprPtr expr;
};

struct Expr {
  std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Call,
               Aggregate, Binary, Unary, Paren>
      node;
  Position position;
  ValueType type = ValueType::kNone;
  std::size_t depth = 1;  ///< of the tree below, this node included

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
};

/// Without the parentheses around it.
const Expr& unwrapped(const Expr& expr);

/// What stands directly below `expr`, in order of appearance.
std::vector<const Expr*> children_of(const Expr& expr);

/// Every instant and range selector below `expr`, in order of appearance.
std::vector<const VectorSelector*> selectors_of(const Expr& expr);

/// Metric names that selectors below `expr` ask for with `=`, sorted, unique.
std::vector<std::string> metric_names_of(const Expr& expr);

/// "line:column", both from 1, of a byte offset in `query`.
std::string line_and_column(std::string_view query, std::size_t offset);

}  // namespace wellrun::telemetry::promql
