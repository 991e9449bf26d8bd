#include "telemetry/promql/parser.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <re2/re2.h>

#include "core/text.h"
#include "telemetry/matching.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/lexer.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr int kLowestPrecedence = 1;
constexpr int kMulPrecedence = 5;
constexpr int kPowPrecedence = 6;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

std::optional<AggregateOp> aggregate_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(AggregateOp::kLimitRatio); ++i)
    if (name == name_of(static_cast<AggregateOp>(i))) return static_cast<AggregateOp>(i);
  return std::nullopt;
}

bool takes_parameter(AggregateOp op) {
  return op == AggregateOp::kCountValues || op == AggregateOp::kQuantile ||
         op >= AggregateOp::kTopk;
}

/// Words that mean something in the grammar; as metric names they must stand in quotes where
/// `is_reserved` says so.
bool is_keyword(std::string_view word) {
  constexpr std::string_view kWords[] = {
      "bool",     "by",       "fill", "fill_left", "fill_right", "group_left", "group_right",
      "ignoring", "anchored", "on",   "offset",    "smoothed",   "without"};
  return std::ranges::find(kWords, word) != std::end(kWords);
}

bool is_reserved(std::string_view word) {
  return word == "bool" || word == "on" || word == "ignoring" || word == "group_left" ||
         word == "group_right" || word == "atan2";
}

bool is_query_constant(std::string_view word) {
  return word == "start" || word == "end" || word == "step" || word == "range" ||
         word == "min_of" || word == "max_of";
}

struct OperatorHere {
  BinaryOp op;
  int precedence;
};

std::optional<OperatorHere> operator_at(const Token& token) {
  switch (token.kind) {
    case TokenKind::kPow:
      return {{BinaryOp::kPow, 6}};
    case TokenKind::kMul:
      return {{BinaryOp::kMul, 5}};
    case TokenKind::kDiv:
      return {{BinaryOp::kDiv, 5}};
    case TokenKind::kMod:
      return {{BinaryOp::kMod, 5}};
    case TokenKind::kAdd:
      return {{BinaryOp::kAdd, 4}};
    case TokenKind::kSub:
      return {{BinaryOp::kSub, 4}};
    case TokenKind::kEqual:
      return {{BinaryOp::kEqual, 3}};
    case TokenKind::kNotEqual:
      return {{BinaryOp::kNotEqual, 3}};
    case TokenKind::kLess:
      return {{BinaryOp::kLess, 3}};
    case TokenKind::kLessEqual:
      return {{BinaryOp::kLessEqual, 3}};
    case TokenKind::kGreater:
      return {{BinaryOp::kGreater, 3}};
    case TokenKind::kGreaterEqual:
      return {{BinaryOp::kGreaterEqual, 3}};
    case TokenKind::kTrimUpper:
      return {{BinaryOp::kTrimUpper, 3}};
    case TokenKind::kTrimLower:
      return {{BinaryOp::kTrimLower, 3}};
    case TokenKind::kIdentifier:
      break;
    default:
      return std::nullopt;
  }
  const std::string word = lower(token.text);
  if (word == "atan2") return {{BinaryOp::kAtan2, 5}};
  if (word == "and") return {{BinaryOp::kAnd, 2}};
  if (word == "unless") return {{BinaryOp::kUnless, 2}};
  if (word == "or") return {{BinaryOp::kOr, 1}};
  return std::nullopt;
}

/// False for an expression that RE2 refuses: that is told where it is compiled to be used.
bool matches_empty(const Matcher& matcher) {
  const auto set = MatcherSet::compile({matcher});
  return set && set->matches({});
}

class Parser {
 public:
  Parser(std::string_view query, const ParserOptions& options, std::vector<Token> tokens)
      : query_(query), options_(options), tokens_(std::move(tokens)) {}

  Result<ExprPtr> whole() {
    if (here().kind == TokenKind::kEnd)
      return error(here().position, "no expression found in input");
    TRY(ExprPtr expr, binary(kLowestPrecedence));
    if (here().kind != TokenKind::kEnd) return unexpected("");
    return expr;
  }

  Result<std::vector<Matcher>> selector_alone(MatchAll match_all) {
    const auto empty = match_all == MatchAll::kAllowed ? Empty::kAllowed : Empty::kRefused;
    const auto start = here().position.start;
    TRY(ExprPtr expr, at(TokenKind::kLeftBrace) ? selector("", start, empty) : primary());
    if (here().kind != TokenKind::kEnd) return unexpected("");
    const auto* selector = expr->as<VectorSelector>();
    if (!selector) return error(expr->position, "a series selector is wanted here");
    return selector->matchers;
  }

 private:
  const Token& here() const { return tokens_[at_]; }
  const Token& ahead(std::size_t count = 1) const {
    return tokens_[std::min(at_ + count, tokens_.size() - 1)];
  }
  bool at(TokenKind kind) const { return here().kind == kind; }
  bool at_word(std::string_view word) const {
    return at(TokenKind::kIdentifier) && lower(here().text) == word;
  }
  bool accept(TokenKind kind) {
    if (!at(kind)) return false;
    ++at_;
    return true;
  }
  std::size_t last_end() const { return at_ == 0 ? 0 : tokens_[at_ - 1].position.end; }

  std::unexpected<Error> error(Position where, std::string_view what) const {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: parse error: {}", line_and_column(query_, where.start), what));
  }

  /// A token as Prometheus names it in "unexpected …".
  std::string describe(const Token& token) const {
    const auto text =
        query_.substr(token.position.start, token.position.end - token.position.start);
    // Of a long one, the first ten characters.
    const auto shown = text.size() > 10 ? quote(text.substr(0, 10)) + "..." : quote(text);
    switch (token.kind) {
      case TokenKind::kEnd:
        return "end of input";
      case TokenKind::kIdentifier: {
        const auto word = lower(token.text);
        if (operator_at(token)) return fmt::format("<op:{}>", text);
        if (aggregate_named(word)) return fmt::format("<aggr:{}>", text);
        if (is_keyword(word)) return fmt::format("<{}>", text);
        if (is_query_constant(word)) return quote(text);
        return fmt::format(
            "{} {}", text.find(':') == std::string_view::npos ? "identifier" : "metric identifier",
            quote(text));
      }
      case TokenKind::kNumber:
        return "number " + shown;
      case TokenKind::kDuration:
        return "duration " + shown;
      case TokenKind::kString:
        return "string " + shown;
      case TokenKind::kRegexMatch:
      case TokenKind::kRegexNoMatch:
      case TokenKind::kAt:
        return fmt::format("<op:{}>", text);
      default:
        break;
    }
    return operator_at(token) ? fmt::format("<op:{}>", text) : shown;
  }

  /// What is open where the text ends; nullptr when all is closed.
  const char* unclosed() const {
    std::vector<TokenKind> open;
    for (const Token& token : tokens_) {
      if (token.kind == TokenKind::kLeftParen || token.kind == TokenKind::kLeftBracket ||
          token.kind == TokenKind::kLeftBrace)
        open.push_back(token.kind);
      else if (!open.empty() &&
               (token.kind == TokenKind::kRightParen || token.kind == TokenKind::kRightBracket ||
                token.kind == TokenKind::kRightBrace))
        open.pop_back();
    }
    if (open.empty()) return nullptr;
    if (open.back() == TokenKind::kLeftParen) return "unclosed left parenthesis";
    return open.back() == TokenKind::kLeftBracket ? "unclosed left bracket"
                                                  : "unexpected end of input inside braces";
  }

  std::unexpected<Error> unexpected(std::string_view context,
                                    std::string_view expected = {}) const {
    if (const char* what = at(TokenKind::kEnd) ? unclosed() : nullptr)
      return error(here().position, what);
    std::string text = "unexpected " + describe(here());
    if (!context.empty()) text += fmt::format(" in {}", context);
    if (!expected.empty()) text += fmt::format(", expected {}", expected);
    return error(here().position, text);
  }

  Status expect(TokenKind kind, std::string_view context, std::string_view expected) {
    if (!accept(kind)) return unexpected(context, expected);
    return {};
  }

  /// Counts how deep the parser is in nested calls of itself.
  struct Depth {
    explicit Depth(Parser& parser) : parser_(parser) { ++parser_.nesting_; }
    ~Depth() { --parser_.nesting_; }
    Parser& parser_;
  };

  std::unexpected<Error> too_deep(Position where) const {
    return error(
        where,
        fmt::format("expression is nested deeper than {} levels; split it into recording rules",
                    options_.max_depth));
  }

  template <typename Node>
  Result<ExprPtr> make(Node node, Position position, ValueType type,
                       std::initializer_list<const Expr*> children) {
    auto expr = std::make_unique<Expr>();
    expr->position = position;
    expr->type = type;
    for (const Expr* child : children)
      if (child) expr->depth = std::max(expr->depth, child->depth + 1);
    expr->node = std::move(node);
    if (expr->depth > options_.max_depth) return too_deep(position);
    return expr;
  }

  // --- expressions
  // ---------------------------------------------------------------------------------------------------

  Result<ExprPtr> binary(int lowest) {
    Depth depth(*this);
    if (nesting_ > options_.max_depth) return too_deep(here().position);
    TRY(ExprPtr left, unary());
    while (true) {
      auto found = operator_at(here());
      if (!found || found->precedence < lowest) return left;
      const Token operator_token = here();
      ++at_;
      Binary node;
      node.op = found->op;
      if (is_set_operator(node.op)) node.matching.cardinality = Cardinality::kManyToMany;
      TRY_STATUS(modifiers(node));
      const bool right_associative = node.op == BinaryOp::kPow;
      TRY(ExprPtr right, binary(found->precedence + (right_associative ? 0 : 1)));
      TRY_STATUS(check_binary(node, *left, *right, operator_token));
      if (left->type != ValueType::kVector || right->type != ValueType::kVector) node.matching = {};
      const Position position{left->position.start, right->position.end};
      const auto type = left->type == ValueType::kScalar && right->type == ValueType::kScalar
                            ? ValueType::kScalar
                            : ValueType::kVector;
      const Expr *l = left.get(), *r = right.get();
      node.left = std::move(left);
      node.right = std::move(right);
      TRY(left, make(std::move(node), position, type, {l, r}));
    }
  }

  Status modifiers(Binary& node) {
    auto& matching = node.matching;
    if (at_word("bool")) {
      node.return_bool = true;
      ++at_;
    }
    const bool list_follows = ahead().kind == TokenKind::kLeftParen;
    if ((at_word("on") || at_word("ignoring")) && list_follows) {
      matching.on = at_word("on");
      ++at_;
      TRY(matching.labels, label_list());
      if (at_word("group_left") || at_word("group_right")) {
        const bool left = at_word("group_left");
        matching.cardinality = left ? Cardinality::kManyToOne : Cardinality::kOneToMany;
        ++at_;
        if (at(TokenKind::kLeftParen)) {
          TRY(matching.include, label_list());
        }
      }
    }
    while (is_fill_allowed(matching)) TRY_STATUS(fill(node));
    return {};
  }

  /// "fill", or one or both of the others, each once.
  bool is_fill_allowed(const VectorMatching& so_far) const {
    if (ahead().kind != TokenKind::kLeftParen) return false;
    if (at_word("fill")) return !so_far.fill_left && !so_far.fill_right;
    return (at_word("fill_left") && !so_far.fill_left) ||
           (at_word("fill_right") && !so_far.fill_right);
  }

  Status fill(Binary& node) {
    const std::string word = lower(here().text);
    if (!options_.binop_fill_modifiers)
      return error(here().position,
                   "binary operation fill modifiers are experimental and not enabled");
    if (is_set_operator(node.op))
      return error(here().position,
                   fmt::format("filling in missing series not allowed for set operators"));
    at_ += 2;
    double sign = 1;
    if (accept(TokenKind::kSub)) {
      sign = -1;
    } else {
      accept(TokenKind::kAdd);
    }
    if (!at(TokenKind::kNumber) && !at(TokenKind::kDuration) && !is_number_word())
      return unexpected("fill modifier", "number");
    const double value = sign * number_here();
    ++at_;
    TRY_STATUS(expect(TokenKind::kRightParen, "fill modifier", "\")\""));
    if (word != "fill_right") node.matching.fill_left = value;
    if (word != "fill_left") node.matching.fill_right = value;
    return {};
  }

  bool is_number_word() const {
    return at(TokenKind::kIdentifier) && parse_number(here().text).has_value();
  }
  double number_here() const {
    return at(TokenKind::kIdentifier) ? *parse_number(here().text) : here().number;
  }

  /// Not inlined: at each level of nesting stands a frame of binary(), which this would make large.
  [[gnu::noinline]] Status check_binary(const Binary& node, const Expr& left, const Expr& right,
                                        const Token& token) const {
    const Position whole{left.position.start, right.position.end};
    const bool scalars = left.type == ValueType::kScalar && right.type == ValueType::kScalar;
    if (node.return_bool && !is_comparison(node.op))
      return error(token.position, "bool modifier can only be used on comparison operators");
    if (is_comparison(node.op) && scalars && !node.return_bool)
      return error(token.position, "comparisons between scalars must use BOOL modifier");
    if (scalars && is_trim(node.op))
      return error(token.position, fmt::format("operator \"{}\" not allowed between scalars; at "
                                               "least one side must be an instant vector",
                                               name_of(node.op)));
    for (const auto& name : node.matching.include)
      if (node.matching.on &&
          std::ranges::find(node.matching.labels, name) != node.matching.labels.end())
        return error(
            token.position,
            fmt::format("label \"{}\" must not occur in ON and GROUP clause at once", name));
    for (const Expr* side : {&left, &right})
      if (side->type != ValueType::kScalar && side->type != ValueType::kVector)
        return error(side->position,
                     "binary expression must contain only scalar and instant vector types");
    const bool vectors = left.type == ValueType::kVector && right.type == ValueType::kVector;
    // An empty list says nothing about vectors: Prometheus lets it pass.
    if (!vectors && !node.matching.labels.empty())
      return error(whole, "vector matching only allowed between instant vectors");
    if (!vectors && (node.matching.fill_left || node.matching.fill_right))
      return error(whole, "filling in missing series only allowed between instant vectors");
    if (!vectors && is_set_operator(node.op))
      return error(whole, fmt::format("set operator \"{}\" not allowed in binary scalar expression",
                                      name_of(node.op)));
    const bool grouped = node.matching.cardinality == Cardinality::kManyToOne ||
                         node.matching.cardinality == Cardinality::kOneToMany;
    if (grouped && is_set_operator(node.op))
      return error(whole,
                   fmt::format("no grouping allowed for \"{}\" operation", name_of(node.op)));
    return {};
  }

  Result<ExprPtr> unary() {
    if (!at(TokenKind::kAdd) && !at(TokenKind::kSub)) return postfix();
    const Token sign = here();
    ++at_;
    TRY(ExprPtr operand, binary(kPowPrecedence));
    if (operand->type != ValueType::kScalar && operand->type != ValueType::kVector)
      return error(sign.position, fmt::format("unary expression only allowed on expressions of "
                                              "type scalar or instant vector, got \"{}\"",
                                              documented_name(operand->type)));
    operand->position.start =
        operand->as<NumberLiteral>() ? sign.position.start : operand->position.start;
    const bool negative = sign.kind == TokenKind::kSub;
    if (auto* number = std::get_if<NumberLiteral>(&operand->node)) {
      if (negative) number->value = -number->value;
      return operand;
    }
    const Position position{sign.position.start, operand->position.end};
    const auto type = operand->type;
    const Expr* child = operand.get();
    return make(Unary{negative, std::move(operand)}, position, type, {child});
  }

  Result<ExprPtr> postfix() {
    TRY(ExprPtr expr, primary());
    return modified(std::move(expr));
  }

  /// With what stands behind it. Not inlined, as check_binary().
  [[gnu::noinline]] Result<ExprPtr> modified(ExprPtr expr) {
    while (true) {
      if (at(TokenKind::kLeftBracket)) {
        TRY(expr, bracket(std::move(expr)));
      } else if (at_word("offset")) {
        TRY_STATUS(offset(*expr));
      } else if (at(TokenKind::kAt)) {
        TRY_STATUS(at_modifier(*expr));
      } else if ((at_word("anchored") || at_word("smoothed")) &&
                 options_.extended_range_selectors) {
        TRY_STATUS(extended(*expr));
      } else {
        return expr;
      }
    }
  }

  static VectorSelector* selector_in(Expr& expr) {
    if (auto* selector = std::get_if<VectorSelector>(&expr.node)) return selector;
    if (auto* matrix = std::get_if<MatrixSelector>(&expr.node))
      return std::get_if<VectorSelector>(&matrix->selector->node);
    return nullptr;
  }

  static TimeShift* shift_of(Expr& expr) {
    if (auto* selector = selector_in(expr)) return &selector->shift;
    if (auto* subquery = std::get_if<Subquery>(&expr.node)) return &subquery->shift;
    return nullptr;
  }

  Status extended(Expr& expr) {
    const bool anchored = at_word("anchored");
    const char* word = anchored ? "anchored" : "smoothed";
    auto* selector = selector_in(expr);
    if (expr.as<Subquery>())
      return error(expr.position, fmt::format("{} modifier is not supported for subqueries", word));
    if (!selector)
      return error(
          here().position,
          fmt::format("{} modifier must be preceded by an instant or range selector", word));
    if (anchored && !expr.as<MatrixSelector>())
      return error(here().position, "anchored modifier must be preceded by a range selector");
    if (selector->anchored || selector->smoothed)
      return error(here().position, "anchored and smoothed modifiers cannot be used together");
    (anchored ? selector->anchored : selector->smoothed) = true;
    ++at_;
    expr.position.end = last_end();
    return {};
  }

  Status offset(Expr& expr) {
    auto* shift = shift_of(expr);
    if (!shift)
      return error(expr.position,
                   "offset modifier must be preceded by an instant vector selector or range vector "
                   "selector or a subquery");
    if (shift->offset) return error(expr.position, "offset may not be set multiple times");
    ++at_;
    TRY(shift->offset, duration_operand(/*in_offset=*/true));
    expr.position.end = last_end();
    return {};
  }

  Status at_modifier(Expr& expr) {
    auto* shift = shift_of(expr);
    if (!shift)
      return error(expr.position,
                   "@ modifier must be preceded by an instant vector selector or range vector "
                   "selector or a subquery");
    if (shift->at != TimeShift::At::kNone)
      return error(expr.position, "@ <timestamp> may not be set multiple times");
    ++at_;
    if ((at_word("start") || at_word("end")) && ahead().kind == TokenKind::kLeftParen) {
      shift->at = at_word("start") ? TimeShift::At::kStart : TimeShift::At::kEnd;
      at_ += 2;
      TRY_STATUS(expect(TokenKind::kRightParen, "@", "\")\""));
    } else {
      const double sign = accept(TokenKind::kSub) ? -1 : (accept(TokenKind::kAdd), 1);
      if (!at(TokenKind::kNumber) && !at(TokenKind::kDuration)) return unexpected("@", "timestamp");
      const double seconds = sign * here().number;
      if (!(std::abs(seconds) < 9.2e15))
        return error(expr.position,
                     fmt::format("timestamp out of bounds for @ modifier: {}",
                                 std::isnan(seconds)   ? "NaN"
                                 : std::isinf(seconds) ? (seconds < 0 ? "-Inf" : "+Inf")
                                                       : fmt::format("{:f}", seconds)));
      ++at_;
      shift->at = TimeShift::At::kTimestamp;
      shift->at_ms = static_cast<std::int64_t>(std::llround(seconds * 1000));
    }
    expr.position.end = last_end();
    return {};
  }

  Result<ExprPtr> bracket(ExprPtr expr) {
    const Token open = here();
    ++at_;
    TRY(DurationPtr range, duration(0));
    TRY_STATUS(check_positive(*range, open));
    const Token colon = here();
    if (accept(TokenKind::kColon)) {
      Subquery node;
      if (!at(TokenKind::kRightBracket)) {
        TRY(node.step, duration(0));
        TRY_STATUS(check_positive(*node.step, colon));
      }
      TRY_STATUS(expect(TokenKind::kRightBracket, "subquery selector", "\"]\""));
      if (expr->type != ValueType::kVector)
        return error(expr->position,
                     fmt::format("subquery is only allowed on instant vector, got {} instead",
                                 name_of(expr->type)));
      const Position position{expr->position.start, last_end()};
      const Expr* child = expr.get();
      node.expr = std::move(expr);
      node.range = std::move(range);
      return make(std::move(node), position, ValueType::kMatrix, {child});
    }
    TRY_STATUS(expect(TokenKind::kRightBracket, "subquery or range selector", "\":\" or \"]\""));
    auto* selector = std::get_if<VectorSelector>(&expr->node);
    if (!selector) return error(open.position, "ranges only allowed for vector selectors");
    if (selector->shift.offset)
      return error(open.position, "no offset modifiers allowed before range");
    if (selector->shift.at != TimeShift::At::kNone)
      return error(open.position, "no @ modifiers allowed before range");
    if (selector->smoothed || selector->anchored)
      return error(open.position, "no anchored or smoothed modifiers allowed before range");
    const Position position{expr->position.start, last_end()};
    const Expr* child = expr.get();
    return make(MatrixSelector{std::move(expr), std::move(range)}, position, ValueType::kMatrix,
                {child});
  }

  // --- durations
  // -----------------------------------------------------------------------------------------------------

  static bool is_constant(const DurationExpr& expr) {
    if (expr.kind == DurationExpr::Kind::kStep || expr.kind == DurationExpr::Kind::kRange)
      return false;
    return (!expr.left || is_constant(*expr.left)) && (!expr.right || is_constant(*expr.right));
  }

  Status check_positive(const DurationExpr& expr, const Token& before) const {
    if (!is_constant(expr)) return {};
    const Position behind{before.position.end, before.position.end};
    const auto seconds = evaluate_duration(expr, 0, 0);
    if (!seconds) return error(behind, seconds.error().message);
    if (!(*seconds > 0)) return error(behind, "duration must be greater than 0");
    return {};
  }

  Result<DurationPtr> duration(int lowest) {
    Depth depth(*this);
    if (nesting_ > options_.max_depth) return too_deep(here().position);
    TRY(DurationPtr left, duration_operand(false));
    std::size_t chain = 0;
    while (true) {
      auto found = operator_at(here());
      if (!found || found->precedence < kMulPrecedence - 1 || found->op == BinaryOp::kAtan2)
        return left;
      if (found->precedence < lowest) return left;
      if (++chain > options_.max_depth) return too_deep(here().position);
      const Token operator_token = here();
      ++at_;
      TRY(DurationPtr right, duration(found->precedence + (found->op == BinaryOp::kPow ? 0 : 1)));
      auto node = std::make_unique<DurationExpr>();
      switch (found->op) {
        case BinaryOp::kAdd:
          node->kind = DurationExpr::Kind::kAdd;
          break;
        case BinaryOp::kSub:
          node->kind = DurationExpr::Kind::kSub;
          break;
        case BinaryOp::kMul:
          node->kind = DurationExpr::Kind::kMul;
          break;
        case BinaryOp::kDiv:
          node->kind = DurationExpr::Kind::kDiv;
          break;
        case BinaryOp::kMod:
          node->kind = DurationExpr::Kind::kMod;
          break;
        default:
          node->kind = DurationExpr::Kind::kPow;
          break;
      }
      const bool divides = found->op == BinaryOp::kDiv || found->op == BinaryOp::kMod;
      if (divides && is_constant(*right) && evaluate_duration(*right, 0, 0).value_or(1) == 0)
        return error(operator_token.position,
                     found->op == BinaryOp::kDiv ? "division by zero" : "modulo by zero");
      node->left = std::move(left);
      node->right = std::move(right);
      left = std::move(node);
    }
  }

  Result<DurationPtr> duration_operand(bool in_offset) {
    Depth depth(*this);
    if (nesting_ > options_.max_depth) return too_deep(here().position);
    auto node = std::make_unique<DurationExpr>();
    if (at(TokenKind::kNumber) || at(TokenKind::kDuration)) {
      node->seconds = here().number;
      node->written_as_duration = at(TokenKind::kDuration);
      if (!std::isfinite(node->seconds) || std::abs(node->seconds) > 9.2e9)
        return error(here().position, "duration out of range");
      ++at_;
      return node;
    }
    if (at(TokenKind::kAdd) || at(TokenKind::kSub)) {
      const bool negative = at(TokenKind::kSub);
      ++at_;
      TRY(DurationPtr operand, in_offset ? duration_operand(true) : duration(kPowPrecedence));
      if (!negative) return operand;
      if (operand->kind == DurationExpr::Kind::kNumber) {
        operand->seconds = -operand->seconds;
        return operand;
      }
      node->kind = DurationExpr::Kind::kNegate;
      node->left = std::move(operand);
      return node;
    }
    if (accept(TokenKind::kLeftParen)) {
      TRY(node->left, duration(0));
      node->kind = DurationExpr::Kind::kParen;
      TRY_STATUS(expect(TokenKind::kRightParen, "duration expression", "\")\""));
      return node;
    }
    if (at(TokenKind::kIdentifier) && ahead().kind == TokenKind::kLeftParen) {
      const std::string word = lower(here().text);
      if (word == "step" || word == "range") {
        node->kind = word == "step" ? DurationExpr::Kind::kStep : DurationExpr::Kind::kRange;
        at_ += 2;
        TRY_STATUS(expect(TokenKind::kRightParen, "duration expression", "\")\""));
        return node;
      }
      if (word == "min_of" || word == "max_of") {
        node->kind = word == "min_of" ? DurationExpr::Kind::kMin : DurationExpr::Kind::kMax;
        at_ += 2;
        TRY(node->left, duration(0));
        TRY_STATUS(expect(TokenKind::kComma, "duration expression", "\",\""));
        TRY(node->right, duration(0));
        TRY_STATUS(expect(TokenKind::kRightParen, "duration expression", "\")\""));
        return node;
      }
    }
    return unexpected(in_offset ? "offset" : "duration expression",
                      "number, duration, step(), or range()");
  }

  // --- primaries
  // -----------------------------------------------------------------------------------------------------

  Result<ExprPtr> primary() {
    const Token token = here();
    switch (token.kind) {
      case TokenKind::kNumber:
      case TokenKind::kDuration:
        ++at_;
        return make(NumberLiteral{token.number, token.kind == TokenKind::kDuration}, token.position,
                    ValueType::kScalar, {});
      case TokenKind::kString:
        ++at_;
        return make(StringLiteral{token.text}, token.position, ValueType::kString, {});
      case TokenKind::kLeftParen:
        return paren();
      case TokenKind::kLeftBrace:
        return selector("", token.position.start, Empty::kRefused);
      case TokenKind::kIdentifier:
        return word();
      default:
        break;
    }
    return unexpected("");
  }

  Result<ExprPtr> paren() {
    const std::size_t start = here().position.start;
    ++at_;
    TRY(ExprPtr inner, binary(kLowestPrecedence));
    TRY_STATUS(expect(TokenKind::kRightParen, "", "\")\""));
    const Position position{start, last_end()};
    const auto type = inner->type;
    const Expr* child = inner.get();
    return make(Paren{std::move(inner)}, position, type, {child});
  }

  Result<ExprPtr> word() {
    const Token token = here();
    const std::string name = lower(token.text);
    const bool paren_follows = ahead().kind == TokenKind::kLeftParen;
    if (auto op = aggregate_named(name)) {
      const std::string next = ahead().kind == TokenKind::kIdentifier ? lower(ahead().text) : "";
      if (paren_follows ||
          ((next == "by" || next == "without") && ahead(2).kind == TokenKind::kLeftParen))
        return aggregate(*op);
    }
    if (paren_follows) return call();
    if (is_reserved(name)) return unexpected("");
    ++at_;
    return selector(token.text, token.position.start, Empty::kRefused);
  }

  Result<std::vector<std::string>> label_list() {
    TRY_STATUS(expect(TokenKind::kLeftParen, "grouping opts", "\"(\""));
    std::vector<std::string> labels;
    while (!at(TokenKind::kRightParen)) {
      if (!at(TokenKind::kIdentifier) && !at(TokenKind::kString) && !at(TokenKind::kNumber))
        return unexpected("grouping opts", "label");
      if (at(TokenKind::kNumber) &&
          !std::isalpha(static_cast<unsigned char>(query_[here().position.start])))
        return unexpected("grouping opts", "label");
      std::string name =
          here().kind == TokenKind::kNumber
              ? std::string(query_.substr(here().position.start,
                                          here().position.end - here().position.start))
              : here().text;
      if (name.empty() || (at(TokenKind::kIdentifier) && name.find(':') != std::string::npos))
        return unexpected("grouping opts", "label");
      labels.push_back(std::move(name));
      ++at_;
      if (!accept(TokenKind::kComma)) break;
    }
    if (!accept(TokenKind::kRightParen)) return unexpected("grouping opts", "\",\" or \")\"");
    return labels;
  }

  Result<ExprPtr> aggregate(AggregateOp op) {
    const Token token = here();
    ++at_;
    Aggregate node;
    node.op = op;
    bool grouped = false;
    auto grouping = [&]() -> Status {
      if (!at_word("by") && !at_word("without")) return {};
      if (ahead().kind != TokenKind::kLeftParen || grouped) return {};
      node.without = at_word("without");
      ++at_;
      TRY(node.grouping, label_list());
      grouped = true;
      return {};
    };
    TRY_STATUS(grouping());
    TRY(auto args, arguments(name_of(op), false));
    TRY_STATUS(grouping());
    const Position position{token.position.start, last_end()};
    if (!options_.experimental_functions &&
        (op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio))
      return error(position, fmt::format("{}() is experimental and must be enabled with "
                                         "--enable-feature=promql-experimental-functions",
                                         name_of(op)));
    const std::size_t wanted = takes_parameter(op) ? 2 : 1;
    if (args.empty()) return error(position, "no arguments for aggregate expression provided");
    if (args.size() != wanted)
      return error(
          position,
          fmt::format(
              "wrong number of arguments for aggregate expression provided, expected {}, got {}",
              wanted, args.size()));
    if (wanted == 2) {
      const auto type = op == AggregateOp::kCountValues ? ValueType::kString : ValueType::kScalar;
      TRY_STATUS(expect_type(*args[0], type, "aggregation parameter"));
      node.param = std::move(args[0]);
    }
    TRY_STATUS(expect_type(*args.back(), ValueType::kVector, "aggregation expression"));
    node.expr = std::move(args.back());
    const Expr *param = node.param.get(), *child = node.expr.get();
    return make(std::move(node), position, ValueType::kVector, {param, child});
  }

  Status expect_type(const Expr& expr, ValueType wanted, std::string_view context) const {
    if (expr.type == wanted) return {};
    return error(expr.position,
                 fmt::format("expected type {} in {}, got {}", documented_name(wanted), context,
                             documented_name(expr.type)));
  }

  Result<std::vector<ExprPtr>> arguments(std::string_view function, bool label_selector_second) {
    TRY_STATUS(expect(TokenKind::kLeftParen, "", "\"(\""));
    std::vector<ExprPtr> args;
    while (!at(TokenKind::kRightParen)) {
      if (label_selector_second && args.size() == 1 && at(TokenKind::kLeftBrace)) {
        TRY(ExprPtr second, selector("", here().position.start, Empty::kAllowed));
        args.push_back(std::move(second));
      } else {
        TRY(ExprPtr arg, binary(kLowestPrecedence));
        args.push_back(std::move(arg));
      }
      if (!accept(TokenKind::kComma)) break;
      if (at(TokenKind::kRightParen))
        return error(here().position, "trailing commas not allowed in function call args");
    }
    (void)function;
    if (!accept(TokenKind::kRightParen)) return unexpected("", "\",\" or \")\"");
    return args;
  }

  Result<ExprPtr> call() {
    const Token token = here();
    ++at_;
    const std::string folded = lower(token.text);
    const FunctionInfo* function = find_function(is_query_constant(folded) ? folded : token.text);
    if (!function)
      return error(token.position, fmt::format("unknown function with name \"{}\"", token.text));
    if (function->experimental && !options_.experimental_functions)
      return error(token.position, fmt::format("function \"{}\" is not enabled", token.text));
    TRY(auto args, arguments(token.text, function->name == "info"));
    const Position position{token.position.start, last_end()};
    TRY_STATUS(check_call(*function, args, position));
    auto expr = std::make_unique<Expr>();
    expr->position = position;
    expr->type = function->returns;
    for (const auto& arg : args) expr->depth = std::max(expr->depth, arg->depth + 1);
    if (expr->depth > options_.max_depth) return too_deep(position);
    expr->node = Call{function, std::move(args)};
    return expr;
  }

  Status check_call(const FunctionInfo& function, const std::vector<ExprPtr>& args,
                    Position position) const {
    const std::size_t known = function.args.size();
    if (function.variadic == 0) {
      if (args.size() != known)
        return error(position, fmt::format("expected {} argument(s) in call to \"{}\", got {}",
                                           known, function.name, args.size()));
    } else {
      const std::size_t least = known - static_cast<std::size_t>(std::abs(function.variadic));
      if (args.size() < least)
        return error(position,
                     fmt::format("expected at least {} argument(s) in call to \"{}\", got {}",
                                 least, function.name, args.size()));
      const std::size_t most = function.variadic > 0                    ? known
                               : function.name == "histogram_quantiles" ? 12
                                                                        : args.size();
      if (args.size() > most)
        return error(position,
                     fmt::format("expected at most {} argument(s) in call to \"{}\", got {}", most,
                                 function.name, args.size()));
    }
    for (std::size_t i = 0; i < args.size(); ++i)
      TRY_STATUS(expect_type(*args[i], function.args[std::min(i, known - 1)],
                             fmt::format("call to function \"{}\"", function.name)));
    if (function.name == "info" && args.size() == 2) {
      const auto* labels = args[1]->as<VectorSelector>();
      if (!labels) return error(args[1]->position, "expected label selectors only");
      if (!labels->name.empty())
        return error(args[1]->position,
                     "expected label selectors only, got vector selector instead");
    }
    return check_extended(function, args);
  }

  Status check_extended(const FunctionInfo& function, const std::vector<ExprPtr>& args) const {
    for (const auto& arg : args) {
      const auto* matrix = unwrapped(*arg).as<MatrixSelector>();
      if (!matrix) continue;
      const auto* selector = matrix->selector->as<VectorSelector>();
      const auto refuse = [&](std::string_view modifier,
                              std::initializer_list<std::string_view> names) -> Status {
        if (std::ranges::find(names, function.name) != names.end()) return {};
        return fail(ErrorCode::kUnsupported,
                    fmt::format("{} modifier can only be used with: {} - not with {}", modifier,
                                fmt::join(names, ", "), function.name));
      };
      if (selector->anchored)
        TRY_STATUS(refuse("anchored", {"changes", "delta", "increase", "rate", "resets"}));
      if (selector->smoothed) TRY_STATUS(refuse("smoothed", {"delta", "increase", "rate"}));
    }
    return {};
  }

  enum class Empty { kRefused, kAllowed };

  Result<ExprPtr> selector(std::string name, std::size_t start, Empty empty) {
    VectorSelector node;
    node.name = name;
    if (at(TokenKind::kLeftBrace)) TRY_STATUS(matchers(node));
    if (!name.empty()) {
      for (const auto& matcher : node.matchers)
        if (matcher.name == kMetricNameLabel)
          return error({start, start},
                       fmt::format("metric name must not be set twice: \"{}\" or \"{}\"", name,
                                   matcher.value));
      node.matchers.push_back({Matcher::Kind::kEqual, std::string(kMetricNameLabel), node.name});
    }
    const Position position{start, last_end()};
    if (empty == Empty::kRefused && std::ranges::all_of(node.matchers, matches_empty))
      return error(position, "vector selector must contain at least one non-empty matcher");
    return make(std::move(node), position, ValueType::kVector, {});
  }

  Status matchers(VectorSelector& node) {
    ++at_;
    while (!at(TokenKind::kRightBrace)) {
      const Token name = here();
      if (name.kind != TokenKind::kIdentifier && name.kind != TokenKind::kString)
        return unexpected("label matching", "identifier or \"}\"");
      if (name.kind == TokenKind::kIdentifier && name.text.find(':') != std::string::npos)
        return unexpected("label matching", "identifier or \"}\"");
      ++at_;
      if (name.kind == TokenKind::kString &&
          (at(TokenKind::kComma) || at(TokenKind::kRightBrace))) {
        node.matchers.push_back({Matcher::Kind::kEqual, std::string(kMetricNameLabel), name.text});
        if (!accept(TokenKind::kComma)) break;
        continue;
      }
      TRY_STATUS(matcher(node, name));
      if (!accept(TokenKind::kComma)) break;
    }
    if (!accept(TokenKind::kRightBrace)) return unexpected("label matching", "\",\" or \"}\"");
    return {};
  }

  Status matcher(VectorSelector& node, const Token& name) {
    Matcher made;
    made.name = name.text;
    switch (here().kind) {
      case TokenKind::kAssign:
        made.kind = Matcher::Kind::kEqual;
        break;
      case TokenKind::kNotEqual:
        made.kind = Matcher::Kind::kNotEqual;
        break;
      case TokenKind::kRegexMatch:
        made.kind = Matcher::Kind::kRegex;
        break;
      case TokenKind::kRegexNoMatch:
        made.kind = Matcher::Kind::kNotRegex;
        break;
      default:
        return unexpected("label matching", "label matching operator");
    }
    ++at_;
    if (!at(TokenKind::kString)) return unexpected("label matching", "string");
    made.value = here().text;
    if (made.kind == Matcher::Kind::kRegex || made.kind == Matcher::Kind::kNotRegex) {
      RE2::Options options(RE2::Quiet);
      options.set_dot_nl(true);
      if (const RE2 regex(made.value, options); !regex.ok())
        return error(name.position, fmt::format("error parsing regexp: {}", regex.error()));
    }
    ++at_;
    node.matchers.push_back(std::move(made));
    return {};
  }

  std::string_view query_;
  const ParserOptions& options_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
};

}  // namespace

Result<ExprPtr> parse(std::string_view query, const ParserOptions& options) {
  if (query.size() > options.max_bytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("1:1: parse error: the query has {} bytes; at most {} are read",
                            query.size(), options.max_bytes));
  TRY(auto tokens, tokenize(query));
  return Parser(query, options, std::move(tokens)).whole();
}

Result<std::vector<Matcher>> parse_selector(std::string_view text, MatchAll match_all) {
  const ParserOptions options;
  if (text.size() > options.max_bytes)
    return fail(ErrorCode::kTooLarge, "1:1: parse error: the selector is too long");
  TRY(auto tokens, tokenize(text));
  return Parser(text, options, std::move(tokens)).selector_alone(match_all);
}

bool is_match_all(const std::vector<Matcher>& matchers) {
  return std::ranges::all_of(matchers, matches_empty);
}

}  // namespace wellrun::telemetry::promql
