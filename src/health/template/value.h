#pragma once

// The values that templates compute with: what Go's text/template would hold, given Prometheus'
// data. Values are cheap to copy and never change.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace wellrun::health::templates {

/// The longest text that a template may make. What makes texts stops soon after it, and the
/// interpreter refuses what is longer.
inline constexpr std::size_t kMostText = 16 * 1024;
/// Lists and maps within each other.
inline constexpr int kDeepestValue = 64;

class Value;
using List = std::vector<Value>;

/// A map, or a struct when `is_struct`: then an unknown field is an error and it is never empty.
struct Fields {
  std::map<std::string, Value> items;
  bool is_struct = false;
  bool absent_is_text = false;  ///< map[string]string: an absent key is ""; otherwise nil
  std::string type;             ///< as Go names it, for messages
  int depth = 1;                ///< see Value::depth(), which sets it
};

/// time.Duration.
struct Nanoseconds {
  std::int64_t count = 0;
  auto operator<=>(const Nanoseconds&) const = default;
};

class Value {
 public:
  using ListPtr = std::shared_ptr<const List>;
  using FieldsPtr = std::shared_ptr<const Fields>;
  using Holder = std::variant<std::monostate, bool, std::int64_t, double, std::string, Timestamp,
                              Nanoseconds, ListPtr, FieldsPtr>;

  Value() = default;  ///< nil
  Value(bool value) : held_(value) {}
  Value(std::int64_t value) : held_(value) {}
  Value(double value) : held_(value) {}
  Value(std::string value) : held_(std::move(value)) {}
  Value(const char* value) : held_(std::string(value)) {}
  Value(Timestamp value) : held_(value) {}
  Value(Nanoseconds value) : held_(value) {}
  Value(List list) : held_(std::make_shared<const List>(std::move(list))) {}
  Value(Fields fields);

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&held_);
  }
  const List* list() const {
    const auto* held = as<ListPtr>();
    return held == nullptr ? nullptr : held->get();
  }
  const Fields* fields() const {
    const auto* held = as<FieldsPtr>();
    return held == nullptr ? nullptr : held->get();
  }
  bool is_nil() const { return held_.index() == 0; }
  /// How many lists and maps are within each other at most; 0 for what is neither. Whatever nests
  /// values keeps it within kDeepestValue: their end is as deep as they are.
  int depth() const;

  /// As `if` takes it: false for nil, false, zero, and anything empty. A struct is always true.
  bool truth() const;
  /// Go's name of its type: "float64", "map[string]string".
  std::string type_name() const;
  /// As an action prints it (%v); nil is "<no value>". A list or map is cut behind kMostText.
  std::string text() const;

 private:
  void append_to(std::string& out) const;

  Holder held_;
};

/// A map[string]string.
Value text_map(std::map<std::string, std::string> items);

/// A float64 as Go's %v has it: the shortest digits that read back, with an exponent below 1e-4 and
/// from 1e+06 on.
std::string shortest(double value);

/// What a function that takes any number accepts: numbers, texts of numbers, lengths of time.
Result<double> number_of(const Value& value);

}  // namespace wellrun::health::templates
