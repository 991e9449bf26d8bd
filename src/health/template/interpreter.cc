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

  Status step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ <= limits_.steps) return {};
    return fail(ErrorCode::kTooLarge,
                fmt::format("the template takes more than {} steps", limits_.steps));
  }
  Status append(std::string_view text) {
    out_ += text;
    if (out_.size() <= limits_.output_bytes) return {};
    return fail(ErrorCode::kTooLarge,
                fmt::format("its text grows beyond {} bytes", limits_.output_bytes));
  }
  /// A call takes as long as what it is given and gives back.
  static std::size_t size_of(const Value& value) {
    constexpr std::size_t kBytesAStep = 1024, kElementsAStep = 16;
    if (const auto* text = value.as<std::string>()) return text->size() / kBytesAStep;
    if (const auto* items = value.list()) return items->size() / kElementsAStep;
    const auto* map = value.fields();
    return map == nullptr ? 0 : map->items.size() / kElementsAStep;
  }
  Result<Value> bounded_call(const FunctionInfo& info, Arguments arguments) {
    std::size_t size = 1;
    for (const auto& each : arguments) size += size_of(each);
    TRY_STATUS(step(info.steps * size));
    TRY(auto value, info.call(environment_, arguments));
    TRY_STATUS(step(size_of(value)));
    const auto* text = value.as<std::string>();
    if (text == nullptr || text->size() <= kMostText) return value;
    return fail(ErrorCode::kTooLarge,
                fmt::format("{}: its text grows beyond {} bytes", info.name, kMostText));
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

  Result<Flow> range(const Branch& node, const Value& dot) {
    TRY(const auto value, evaluate(node.pipeline, dot));
    const auto turn = [&](const Value& key, const Value& element) {
      return range_turn(node, key, element);
    };
    auto ranged = over_elements(value, turn);
    if (!ranged) return at_line(node.pipeline.line, ranged.error());
    if (ranged->flow == Flow::kOn && ranged->turns == 0 && node.otherwise)
      return nodes(*node.otherwise, dot);
    return Flow::kOn;
  }

  Result<Flow> range_turn(const Branch& node, const Value& key, const Value& element) {
    TRY_STATUS(step());
    const auto& names = node.pipeline.variables;
    const auto scope = variables_.size();
    if (names.size() == 1) set(names[0], element, node.pipeline.declares);
    if (names.size() == 2) {
      set(names[0], key, node.pipeline.declares);
      set(names[1], element, node.pipeline.declares);
    }
    auto flow = nodes(*node.then, element);
    variables_.resize(scope);
    return flow;
  }

  struct Ranged {
    Flow flow = Flow::kOn;  ///< kBreak: before the last
    std::int64_t turns = 0;
  };

  /// Each with its index or key, as long as the turns want.
  template <typename Turn>
  static Result<Ranged> over_elements(const Value& value, Turn turn) {
    Ranged ranged;
    const auto goes_on = [&](const Value& key, const Value& element) -> Result<bool> {
      ++ranged.turns;
      TRY(const auto flow, turn(key, element));
      if (flow == Flow::kBreak) ranged.flow = flow;
      return flow != Flow::kBreak;
    };
    bool wanted = true;
    if (const auto* list = value.list()) {
      for (std::size_t i = 0; wanted && i < list->size(); ++i) {
        TRY(wanted, goes_on(static_cast<std::int64_t>(i), (*list)[i]));
      }
    } else if (const auto* map = value.fields(); map != nullptr && !map->is_struct) {
      for (auto item = map->items.begin(); wanted && item != map->items.end(); ++item) {
        TRY(wanted, goes_on(item->first, item->second));
      }
    } else if (const auto* count = value.as<std::int64_t>()) {
      for (std::int64_t i = 0; wanted && i < *count; ++i) {
        TRY(wanted, goes_on(i, i));
      }
    } else if (!value.is_nil()) {
      return fail(ErrorCode::kInvalid, fmt::format("range cannot go over a {}", value.type_name()));
    }
    return ranged;
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
    return bounded_call(info, arguments);
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
      return bounded_call(*function->info, {});
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
