#pragma once

// A parsed template. Plain data; never changes after parsing, may be read by many threads.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "health/template/functions.h"
#include "health/template/value.h"

namespace wellrun::health::templates {

struct Operand;

/// A function with its arguments, or one operand alone.
struct Command {
  std::vector<Operand> arguments;
};

/// command | command | …, its result perhaps kept in variables.
struct Pipeline {
  std::vector<Command> commands;
  std::vector<std::string> variables;  ///< with the dollar; two only in a range
  bool declares = false;               ///< := rather than =
  std::size_t line = 1;
};

struct Operand {
  struct Dot {};
  struct Variable {
    std::string name;
  };
  struct Function {
    const FunctionInfo* info = nullptr;
  };
  using Nested = std::shared_ptr<const Pipeline>;
  /// Value holds constants, nil among them.
  std::variant<Dot, Variable, Function, Nested, Value> base;
  std::vector<std::string> fields;  ///< .a.b behind it
};

struct Node;
using Nodes = std::vector<Node>;

struct Text {
  std::string text;
};
struct Action {
  Pipeline pipeline;
};
struct Branch {
  enum class Kind { kIf, kWith, kRange };
  Kind kind = Kind::kIf;
  Pipeline pipeline;
  std::shared_ptr<const Nodes> then, otherwise;
};
struct Invocation {
  std::string name;
  std::optional<Pipeline> data;
  std::size_t line = 1;
};
struct Break {};
struct Continue {};

struct Node {
  std::variant<Text, Action, Branch, Invocation, Break, Continue> what;
};

struct Template {
  Nodes root;
  std::map<std::string, Nodes> defined;
};

}  // namespace wellrun::health::templates
