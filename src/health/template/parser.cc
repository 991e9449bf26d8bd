#include "health/template/parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/text.h"
#include "health/template/lexer.h"

namespace wellrun::health::templates {
namespace {

using Kind = Token::Kind;

/// What ended a list of nodes: {{ end }}, {{ else … }} or the end of the text.
enum class Ending { kEnd, kElse, kText };

/// Whole numbers are int; with a point or an exponent they are float64. Underscores and the bases
/// 0x, 0o, 0b and 0 as in Go.
Result<Value> number_constant(std::string_view written) {
  std::string digits;
  std::ranges::copy_if(written, std::back_inserter(digits), [](char c) { return c != '_'; });
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  int base = 10;
  if (rest.size() > 1 && rest[0] == '0') {
    const auto letter = std::tolower(static_cast<unsigned char>(rest[1]));
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    if (letter == 'x' || letter == 'b' || letter == 'o') rest.remove_prefix(2);
  }
  const auto broken = fail(ErrorCode::kInvalid, fmt::format("{} is not a number", quote(written)));
  const auto* end = rest.data() + rest.size();
  std::int64_t whole = 0;
  const auto as_whole = std::from_chars(rest.data(), end, whole, base);
  const bool sign_again = rest.starts_with('-');
  if (!sign_again && as_whole.ec == std::errc{} && as_whole.ptr == end)
    return Value(negative ? -whole : whole);
  double number = 0;
  const auto as_number = std::from_chars(
      rest.data(), end, number, base == 16 ? std::chars_format::hex : std::chars_format::general);
  if (sign_again || as_number.ec != std::errc{} || as_number.ptr != end || base == 2) return broken;
  if (as_whole.ec == std::errc::result_out_of_range && as_whole.ptr == end)
    return fail(ErrorCode::kInvalid, fmt::format("{} overflows int", written));
  return Value(negative ? -number : number);
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::span<const std::string> variables)
      : tokens_(std::move(tokens)), variables_(variables.begin(), variables.end()) {
    variables_.emplace_back("$");
  }

  Result<Template> run() {
    TRY(auto root, nodes());
    if (root.ending != Ending::kText)
      return wrong(root.ending == Ending::kEnd ? "{{ end }} closes nothing"
                                               : "{{ else }} belongs to nothing");
    parsed_.root = std::move(root.nodes);
    return std::move(parsed_);
  }

 private:
  struct NodeList {
    Nodes nodes;
    Ending ending = Ending::kText;
  };

  const Token& now() const { return tokens_[at_]; }
  bool at(Kind kind) const { return now().kind == kind; }
  bool at_word(std::string_view word) const { return at(Kind::kIdentifier) && now().text == word; }
  const Token& take() { return tokens_[at(Kind::kEnd) ? at_ : at_++]; }
  std::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorCode::kInvalid, fmt::format("line {}: {}", now().line, what));
  }
  Status expect(Kind kind, std::string_view wanted) {
    if (!at(kind)) return wrong(fmt::format("{} is expected, found {}", wanted, described(now())));
    take();
    return {};
  }

  // ---- nodes ----

  Result<NodeList> nodes() {
    if (++depth_ > kMaxNesting) return wrong(fmt::format("it nests deeper than {}", kMaxNesting));
    NodeList list;
    while (!at(Kind::kEnd)) {
      if (at(Kind::kText)) {
        list.nodes.push_back({Text{take().text}});
        continue;
      }
      take();  // {{
      if (at_word("end") || at_word("else")) {
        list.ending = take().text == "end" ? Ending::kEnd : Ending::kElse;
        break;
      }
      TRY_STATUS(action(list.nodes));
    }
    --depth_;
    return list;
  }

  Status action(Nodes& into) {
    if (at_word("if")) return branch(Branch::Kind::kIf, into);
    if (at_word("with")) return branch(Branch::Kind::kWith, into);
    if (at_word("range")) return branch(Branch::Kind::kRange, into);
    if (at_word("template")) return invocation(into);
    if (at_word("define")) return definition();
    if (at_word("block")) return block(into);
    if (at_word("break") || at_word("continue")) return jump(into);
    TRY(auto read, pipeline(Kind::kClose, 1));
    TRY_STATUS(expect(Kind::kClose, "}}"));
    into.push_back({Action{std::move(read)}});
    return {};
  }

  Status branch(Branch::Kind kind, Nodes& into) {
    take();
    const auto scope = variables_.size();
    TRY(auto made, branch_behind(kind));
    variables_.resize(scope);
    into.push_back({std::move(made)});
    return {};
  }

  /// From behind `if`, `with` or `range` to its {{ end }}.
  Result<Branch> branch_behind(Branch::Kind kind) {
    Branch made;
    made.kind = kind;
    TRY(made.pipeline, pipeline(Kind::kClose, kind == Branch::Kind::kRange ? 2 : 1));
    TRY_STATUS(expect(Kind::kClose, "}}"));
    const auto scope = variables_.size();
    ranges_ += kind == Branch::Kind::kRange ? 1 : 0;
    TRY(auto then, nodes());
    ranges_ -= kind == Branch::Kind::kRange ? 1 : 0;
    variables_.resize(scope);
    made.then = std::make_shared<const Nodes>(std::move(then.nodes));
    if (then.ending == Ending::kText) return wrong("an {{ end }} is missing");
    if (then.ending == Ending::kElse)
      TRY_STATUS(otherwise(made));
    else
      TRY_STATUS(expect(Kind::kClose, "}}"));
    return made;
  }

  Status otherwise(Branch& made) {
    const bool again = (made.kind == Branch::Kind::kIf && at_word("if")) ||
                       (made.kind == Branch::Kind::kWith && at_word("with"));
    Nodes nested;
    if (again) {
      if (++depth_ > kMaxNesting) return wrong(fmt::format("it nests deeper than {}", kMaxNesting));
      take();
      TRY(auto chained, branch_behind(made.kind));
      --depth_;
      nested.push_back({std::move(chained)});
    } else {
      TRY_STATUS(expect(Kind::kClose, "}} behind else"));
      TRY(auto list, nodes());
      if (list.ending != Ending::kEnd) return wrong("an {{ end }} is missing behind {{ else }}");
      TRY_STATUS(expect(Kind::kClose, "}}"));
      nested = std::move(list.nodes);
    }
    made.otherwise = std::make_shared<const Nodes>(std::move(nested));
    return {};
  }

  Result<std::string> template_name() {
    if (!at(Kind::kString))
      return wrong(fmt::format("the name of a template is expected, found {}", described(now())));
    return take().text;
  }

  Status invocation(Nodes& into) {
    const auto line = take().line;
    TRY(auto name, template_name());
    Invocation made{std::move(name), {}, line};
    if (!at(Kind::kClose)) {
      TRY(made.data, pipeline(Kind::kClose, 0));
    }
    TRY_STATUS(expect(Kind::kClose, "}}"));
    into.push_back({std::move(made)});
    return {};
  }

  Status definition() {
    if (depth_ > 1) return wrong("{{ define }} stands inside of another action");
    take();
    TRY(const auto name, template_name());
    return body_of(name);
  }

  /// {{ block "name" pipeline }}: a definition and its invocation in one.
  Status block(Nodes& into) {
    const auto line = take().line;
    TRY(auto name, template_name());
    Invocation made{name, {}, line};
    TRY(made.data, pipeline(Kind::kClose, 0));
    TRY_STATUS(body_of(name));
    into.push_back({std::move(made)});
    return {};
  }

  Status body_of(const std::string& name) {
    TRY_STATUS(expect(Kind::kClose, "}}"));
    // A defined template knows no variables but its own data.
    auto outside = std::exchange(variables_, {"$"});
    const auto ranges = std::exchange(ranges_, 0);
    TRY(auto body, nodes());
    if (body.ending != Ending::kEnd)
      return wrong(fmt::format("the {{{{ end }}}} of template {} is missing", quote(name)));
    TRY_STATUS(expect(Kind::kClose, "}}"));
    variables_ = std::move(outside);
    ranges_ = ranges;
    parsed_.defined[name] = std::move(body.nodes);
    return {};
  }

  Status jump(Nodes& into) {
    if (ranges_ == 0)
      return wrong(fmt::format("{{{{ {} }}}} stands outside of a range", now().text));
    const bool leaves = take().text == "break";
    TRY_STATUS(expect(Kind::kClose, "}}"));
    into.push_back(leaves ? Node{Break{}} : Node{Continue{}});
    return {};
  }

  // ---- pipelines ----

  Result<Pipeline> pipeline(Kind end, std::size_t most_variables) {
    Pipeline made;
    made.line = now().line;
    TRY_STATUS(declarations(made, most_variables));
    while (true) {
      TRY(auto read, command(!made.commands.empty()));
      made.commands.push_back(std::move(read));
      if (at(end)) break;
      if (!at(Kind::kPipe)) return wrong(fmt::format("unexpected {}", described(now())));
      take();
    }
    if (made.declares)
      variables_.insert(variables_.end(), made.variables.begin(), made.variables.end());
    return made;
  }

  Status declarations(Pipeline& made, std::size_t most) {
    if (!at(Kind::kVariable)) return {};
    const auto behind = [&](std::size_t ahead) {
      return tokens_[std::min(at_ + ahead, tokens_.size() - 1)].kind;
    };
    const bool two = most == 2 && behind(1) == Kind::kComma && behind(2) == Kind::kVariable;
    const auto sign = behind(two ? 3 : 1);
    if (sign != Kind::kDeclare && sign != Kind::kAssign) return {};
    if (most == 0) return wrong("no variable can be set here");
    made.declares = sign == Kind::kDeclare;
    made.variables.push_back(take().text);
    if (two) {
      take();
      made.variables.push_back(take().text);
    }
    for (const auto& name : made.variables) {
      if (!made.declares) TRY_STATUS(known(name));
    }
    take();
    return {};
  }

  Status known(const std::string& name) const {
    if (std::ranges::find(variables_, name) != variables_.end()) return {};
    return wrong(fmt::format("variable {} is not defined{}", name, did_you_mean(name, variables_)));
  }

  bool ends_command() const {
    return at(Kind::kPipe) || at(Kind::kClose) || at(Kind::kRightParen) || at(Kind::kEnd);
  }

  Result<Command> command(bool piped) {
    Command made;
    while (!ends_command()) {
      if (!made.arguments.empty() && !now().space_before)
        return wrong(fmt::format("a space is missing before {}", described(now())));
      TRY(auto read, operand());
      made.arguments.push_back(std::move(read));
    }
    if (made.arguments.empty()) return wrong("a value is missing");
    TRY_STATUS(check_call(made, piped));
    return made;
  }

  /// Whether the first operand may have the others as its arguments.
  Status check_call(const Command& made, bool piped) const {
    const auto& first = made.arguments.front();
    const auto given = static_cast<int>(made.arguments.size()) - 1 + (piped ? 1 : 0);
    if (const auto* function = std::get_if<Operand::Function>(&first.base)) {
      const auto& info = *function->info;
      if (given >= info.min_arguments && (info.max_arguments < 0 || given <= info.max_arguments))
        return {};
      return wrong(fmt::format(
          "{} takes {}{} and got {}", info.name,
          info.min_arguments == info.max_arguments ? "" : "at least ",
          info.min_arguments == 1 ? "1 value" : fmt::format("{} values", info.min_arguments),
          given));
    }
    const auto* constant = std::get_if<Value>(&first.base);
    if (constant != nullptr && constant->is_nil()) return wrong("nil is no value to print");
    const bool may_be_method = !first.fields.empty();
    if (given == 0 || may_be_method) return {};
    return wrong("a value that is no function cannot be given arguments");
  }

  Result<Operand> operand() {
    TRY(auto made, base());
    while (at(Kind::kField) && (!now().space_before || made.bare)) {
      made.operand.fields.push_back(take().text);
      made.bare = false;
    }
    return std::move(made.operand);
  }

  struct Base {
    Operand operand;
    bool bare = false;  ///< a field follows for which the dot stands
  };

  Result<Base> base() {
    const auto& token = now();
    switch (token.kind) {
      case Kind::kDot:
        take();
        return Base{{Operand::Dot{}, {}}};
      case Kind::kField:
        return Base{{Operand::Dot{}, {}}, true};
      case Kind::kVariable:
        TRY_STATUS(known(token.text));
        return Base{{Operand::Variable{take().text}, {}}};
      case Kind::kString:
        return Base{{Value(take().text), {}}};
      case Kind::kCharacter:
        return Base{{Value(static_cast<std::int64_t>(std::stol(take().text))), {}}};
      case Kind::kNumber:
        return number();
      case Kind::kLeftParen:
        return nested();
      case Kind::kIdentifier:
        return identifier();
      default:
        return wrong(fmt::format("a value is expected, found {}", described(token)));
    }
  }

  Result<Base> nested() {
    if (++depth_ > kMaxNesting)
      return wrong(fmt::format("parentheses nest deeper than {}", kMaxNesting));
    take();
    TRY(auto inner, pipeline(Kind::kRightParen, 1));
    TRY_STATUS(expect(Kind::kRightParen, ")"));
    --depth_;
    return Base{{std::make_shared<const Pipeline>(std::move(inner)), {}}};
  }

  Result<Base> identifier() {
    const auto& name = now().text;
    if (name == "true" || name == "false") return Base{{Value(take().text == "true"), {}}};
    if (name == "nil") {
      take();
      return Base{{Value(), {}}};
    }
    const auto* info = find_function(name);
    if (info == nullptr)
      return wrong(fmt::format("function {} is not defined{}", quote(name),
                               did_you_mean(name, function_names())));
    take();
    return Base{{Operand::Function{info}, {}}};
  }

  Result<Base> number() {
    auto meant = number_constant(now().text);
    if (!meant) return wrong(meant.error().message);
    take();
    return Base{{std::move(*meant), {}}};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int ranges_ = 0;
  std::vector<std::string> variables_;
  Template parsed_;
};

}  // namespace

Result<Template> parse(std::string_view text, std::span<const std::string> variables) {
  TRY(auto tokens, tokens_of(text));
  return Parser(std::move(tokens), variables).run();
}

}  // namespace wellrun::health::templates
