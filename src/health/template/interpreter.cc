#include "health/template/interpreter.h"

#include "core/text.h"

namespace wellrun::health::templates {
namespace {

enum class Flow { kOn, kBreak, kContinue };

class Interpreter {
 public:
  Interpreter(const Template& parsed, const Environment& environment, const Limits& limits)
      : parsed_(parsed), environment_(environment), limits_(limits) {
    environment_.run_defined = [this](const std::string& name, const Value& data) {
      return run_apart(name, data);
    };
  }

  Result<std::string> run(const Value& data, const std::map<std::string, Value>& variables) {
    for (const auto& [name, value] : variables) variables_.emplace_back(name, value);
    variables_.emplace_back("$", data);
    if (auto done = nodes(parsed_.root, data); !done) return std::unexpected(done.error());
    return std::move(out_);
  }

 private:
  // ---- bounds ----

  Status step() {
    if (++steps_ <= limits_.steps) return {};
    return fail(ErrorCode::kTooLarge,
                fmt::format("the template takes more than {} steps", limits_.steps));
  }
  Status append(std::string_view text) {
    out_ += text;
    if (out_.size() <= limits_.output_bytes) return {};
    return fail(ErrorCode::kTooLarge,
                fmt::format("its text grows beyond {} bytes", limits_.output_bytes));
  }
  std::unexpected<Error> too_deep() const {
    return fail(ErrorCode::kTooLarge, fmt::format("it nests deeper than {}", limits_.depth));
  }
  static std::unexpected<Error> at_line(std::size_t line, Error error) {
    if (error.code == ErrorCode::kInvalid && !error.message.starts_with("line "))
      error.message = fmt::format("line {}: {}", line, error.message);
    return std::unexpected(std::move(error));
  }

  // ---- nodes ----

  Result<Flow> nodes(const Nodes& list, const Value& dot) {
    for (const auto& node : list) {
      TRY_STATUS(step());
      TRY(const auto flow,
          std::visit([&](const auto& what) { return execute(what, dot); }, node.what));
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  Result<Flow> execute(const Text& node, const Value&) {
    TRY_STATUS(append(node.text));
    return Flow::kOn;
  }
  Result<Flow> execute(const Break&, const Value&) { return Flow::kBreak; }
  Result<Flow> execute(const Continue&, const Value&) { return Flow::kContinue; }

  Result<Flow> execute(const Action& node, const Value& dot) {
    TRY(const auto value, pipeline(node.pipeline, dot));
    if (node.pipeline.variables.empty()) TRY_STATUS(append(value.text()));
    return Flow::kOn;
  }

  Result<Flow> execute(const Branch& node, const Value& dot) {
    const auto scope = variables_.size();
    auto flow = node.kind == Branch::Kind::kRange ? range(node, dot) : choice(node, dot);
    variables_.resize(scope);
    return flow;
  }

  Result<Flow> choice(const Branch& node, const Value& dot) {
    TRY(const auto value, pipeline(node.pipeline, dot));
    if (value.truth()) return nodes(*node.then, node.kind == Branch::Kind::kWith ? value : dot);
    return node.otherwise ? nodes(*node.otherwise, dot) : Flow::kOn;
  }

  /// The elements of what is ranged over, each with its index or key.
  static Result<std::vector<std::pair<Value, Value>>> elements(const Value& value) {
    std::vector<std::pair<Value, Value>> found;
    const auto* list = value.list();
    const auto* map = value.fields();
    const auto* count = value.as<std::int64_t>();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i)
      found.emplace_back(static_cast<std::int64_t>(i), (*list)[i]);
    if (map != nullptr && !map->is_struct) found.assign(map->items.begin(), map->items.end());
    if (count != nullptr && *count > 100'000)
      return fail(ErrorCode::kTooLarge, fmt::format("range over {} is too long", *count));
    for (std::int64_t i = 0; count != nullptr && i < *count; ++i) found.emplace_back(i, i);
    if (list == nullptr && count == nullptr && (map == nullptr || map->is_struct) &&
        !value.is_nil())
      return fail(ErrorCode::kInvalid, fmt::format("range cannot go over a {}", value.type_name()));
    return found;
  }

  Result<Flow> range(const Branch& node, const Value& dot) {
    TRY(const auto value, evaluate(node.pipeline, dot));
    auto turns = elements(value);
    if (!turns) return at_line(node.pipeline.line, turns.error());
    const auto& names = node.pipeline.variables;
    const auto scope = variables_.size();
    for (const auto& [key, element] : *turns) {
      TRY_STATUS(step());
      if (names.size() == 1) set(names[0], element, node.pipeline.declares);
      if (names.size() == 2) {
        set(names[0], key, node.pipeline.declares);
        set(names[1], element, node.pipeline.declares);
      }
      TRY(const auto flow, nodes(*node.then, element));
      variables_.resize(scope);
      if (flow == Flow::kBreak) break;
    }
    return turns->empty() && node.otherwise ? nodes(*node.otherwise, dot) : Flow::kOn;
  }

  Result<Flow> execute(const Invocation& node, const Value& dot) {
    Value data;
    if (node.data) {
      TRY(data, pipeline(*node.data, dot));
    }
    auto done = run_defined(node.name, data);
    if (!done) return at_line(node.line, done.error());
    return Flow::kOn;
  }

  Status run_defined(const std::string& name, const Value& data) {
    const auto found = parsed_.defined.find(name);
    if (found == parsed_.defined.end())
      return fail(ErrorCode::kInvalid, fmt::format("template {} is not defined", quote(name)));
    if (++depth_ > limits_.depth) return too_deep();
    auto outside = std::exchange(variables_, {{"$", data}});
    auto done = nodes(found->second, data);
    variables_ = std::move(outside);
    --depth_;
    if (!done) return std::unexpected(done.error());
    return {};
  }

  /// For `tmpl`: its text is a value.
  Result<std::string> run_apart(const std::string& name, const Value& data) {
    auto outside = std::exchange(out_, {});
    auto done = run_defined(name, data);
    auto text = std::exchange(out_, std::move(outside));
    if (!done) return std::unexpected(done.error());
    return text;
  }

  // ---- pipelines ----

  void set(const std::string& name, const Value& value, bool declares) {
    if (!declares) {
      for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
        if (variable->first != name) continue;
        variable->second = value;
        return;
      }
    }
    variables_.emplace_back(name, value);
  }

  Result<Value> pipeline(const Pipeline& pipe, const Value& dot) {
    TRY(auto value, evaluate(pipe, dot));
    for (const auto& name : pipe.variables) set(name, value, pipe.declares);
    return value;
  }

  Result<Value> evaluate(const Pipeline& pipe, const Value& dot) {
    std::optional<Value> value;
    for (const auto& each : pipe.commands) {
      TRY_STATUS(step());
      auto next = command(each, dot, value);
      if (!next) return at_line(pipe.line, next.error());
      value = std::move(*next);
    }
    return std::move(*value);
  }

  Result<Value> command(const Command& made, const Value& dot, const std::optional<Value>& piped) {
    const auto& first = made.arguments.front();
    if (const auto* function = std::get_if<Operand::Function>(&first.base)) {
      TRY(auto value, call(*function->info, made, dot, piped));
      return fields_of(std::move(value), first.fields, {});
    }
    std::vector<Value> arguments;
    for (std::size_t i = 1; i < made.arguments.size(); ++i) {
      TRY(auto value, operand(made.arguments[i], dot));
      arguments.push_back(std::move(value));
    }
    if (piped) arguments.push_back(*piped);
    TRY(auto value, base(first, dot));
    return fields_of(std::move(value), first.fields, arguments);
  }

  Result<Value> call(const FunctionInfo& info, const Command& made, const Value& dot,
                     const std::optional<Value>& piped) {
    const bool is_and = info.name == "and";
    const bool is_or = info.name == "or";
    std::vector<Value> arguments;
    for (std::size_t i = 1; i < made.arguments.size(); ++i) {
      TRY(auto value, operand(made.arguments[i], dot));
      // What decides ends the evaluation: the rest may fail without this.
      if ((is_and && !value.truth()) || (is_or && value.truth())) return value;
      arguments.push_back(std::move(value));
    }
    if (piped) arguments.push_back(*piped);
    return info.call(environment_, arguments);
  }

  Result<Value> operand(const Operand& made, const Value& dot) {
    TRY(auto value, base(made, dot));
    return fields_of(std::move(value), made.fields, {});
  }

  Result<Value> base(const Operand& made, const Value& dot) {
    if (std::holds_alternative<Operand::Dot>(made.base)) return dot;
    if (const auto* constant = std::get_if<Value>(&made.base)) return *constant;
    if (const auto* variable = std::get_if<Operand::Variable>(&made.base))
      return variable_named(variable->name);
    if (const auto* function = std::get_if<Operand::Function>(&made.base)) {
      if (function->info->min_arguments > 0)
        return fail(
            ErrorCode::kInvalid,
            fmt::format("{} needs values; put parentheses around the call", function->info->name));
      return function->info->call(environment_, {});
    }
    if (++depth_ > limits_.depth) return too_deep();
    auto value = pipeline(*std::get<Operand::Nested>(made.base), dot);
    --depth_;
    return value;
  }

  Result<Value> variable_named(const std::string& name) const {
    for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
      if (variable->first == name) return variable->second;
    }
    return fail(ErrorCode::kInvalid, fmt::format("variable {} is not defined", name));
  }

  /// `arguments` are for the last of them, which must be a method then.
  static Result<Value> fields_of(Value value, const std::vector<std::string>& names,
                                 Arguments arguments) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      TRY(value, field(value, names[i], i + 1 == names.size() ? arguments : Arguments{}));
    }
    return value;
  }

  static Result<Value> field(const Value& value, const std::string& name, Arguments arguments) {
    if (auto answer = call_method(value, name, arguments)) return *answer;
    if (!arguments.empty())
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is no method and cannot be given arguments", name));
    const auto* map = value.fields();
    if (map == nullptr)
      return fail(ErrorCode::kInvalid,
                  fmt::format("can't evaluate field {} in type {}", name, value.type_name()));
    const auto found = map->items.find(name);
    if (found != map->items.end()) return found->second;
    if (!map->is_struct) return map->absent_is_text ? Value("") : Value();
    std::vector<std::string> known;
    for (const auto& [each, held] : map->items) known.push_back(each);
    return fail(ErrorCode::kInvalid, fmt::format("can't evaluate field {} in type {}{}", name,
                                                 map->type, did_you_mean(name, known)));
  }

  const Template& parsed_;
  Environment environment_;
  const Limits& limits_;
  std::vector<std::pair<std::string, Value>> variables_;  ///< innermost last
  std::string out_;
  std::size_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::string> run(const Template& parsed, const Value& data,
                        const std::map<std::string, Value>& variables,
                        const Environment& environment, const Limits& limits) {
  return Interpreter(parsed, environment, limits).run(data, variables);
}

}  // namespace wellrun::health::templates
