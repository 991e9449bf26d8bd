#pragma once

// The machine behind Kind::describe(): a struct's declaration as data, from which decoding,
// defaults, encoding, JSON Schema and documentation come. Included by registry.cc alone among users
// of kinds, to keep compile times low.

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "catalog/kinds/common.h"
#include "catalog/node.h"
#include "catalog/problem.h"

namespace wellrun::catalog {

enum class FieldType {
  kText,
  kInteger,
  kNumber,
  kFlag,
  kDuration,
  kTime,
  kReference,
  kObject,
  kTextMap,
  kTextListMap,
};

/// A reference that was read; check() sees whether it exists.
struct ReadReference {
  std::string kind;
  std::string name;
  std::string field;
  Position position;
};

struct ReadQuery {
  std::string promql;
  Position position;
};

/// What reading a document gathers.
struct Reading {
  std::string file;
  std::vector<Problem> problems;
  std::vector<ReadReference> references;
  std::vector<ReadQuery> queries;

  void problem(Position position, std::string message, std::string hint = {});
};

enum class Writing {
  kFull,     ///< every default written out; absent optionals left out
  kCompact,  ///< only what differs from the default
};

struct Shape;

struct Field {
  std::string name;
  std::string documentation;
  FieldType type = FieldType::kText;
  bool is_list = false;
  bool is_optional = false;
  std::string reference_kind;
  const Shape* object = nullptr;

  bool is_required = false;
  bool is_positive = false;
  std::string text_format;
  std::vector<std::string> choices;
  std::optional<double> minimum, maximum;
  std::size_t least_count = 0, most_count = 2000;
  Node default_value;

  std::function<void(const Field&, void*, const Node&, Reading&)> decode;
  std::function<Node(const void*, Writing)> encode;

  // The words of describe().
  Field& required() {
    is_required = true;
    return *this;
  }
  Field& positive() {
    is_positive = true;
    return *this;
  }
  Field& format(std::string format) {
    text_format = std::move(format);
    return *this;
  }
  Field& one_of(std::vector<std::string> values) {
    choices = std::move(values);
    return *this;
  }
  Field& range(double least, double most) {
    minimum = least;
    maximum = most;
    return *this;
  }
  Field& count(std::size_t least, std::size_t most) {
    least_count = least;
    most_count = most;
    return *this;
  }
};

struct Shape {
  std::string name;
  std::string documentation;
  std::deque<Field> fields;  ///< addresses stay

  const Field* find(std::string_view field) const;
};

// One value, not a list. False: a problem was recorded and `out` is unchanged.
bool decode_text(const Field& field, std::string& out, const Node& node, Reading& reading);
bool decode_integer(const Field& field, int& out, const Node& node, Reading& reading);
bool decode_number(const Field& field, double& out, const Node& node, Reading& reading);
bool decode_flag(const Field& field, bool& out, const Node& node, Reading& reading);
bool decode_duration(const Field& field, Duration& out, const Node& node, Reading& reading);
bool decode_time(const Field& field, Timestamp& out, const Node& node, Reading& reading);
bool decode_reference(const Field& field, std::string& out, const Node& node, Reading& reading);
/// Of rules ("utf8-label-map"), `key:` with nothing behind it is the empty text, as in Prometheus.
bool decode_text_map(const Field& field, TextMap& out, const Node& node, Reading& reading);
bool decode_text_list_map(const Field& field, TextListMap& out, const Node& node, Reading& reading);
/// A map to a struct: unknown and missing fields are problems.
void decode_object(const Shape& shape, void* out, const Node& node, Reading& reading);
/// Says that `node` should have been a list, or has too few or too many items.
bool is_list_of_right_length(const Field& field, const Node& node, Reading& reading);

Node encode_object(const Shape& shape, const void* object, Writing writing);
Node encode_text_map(const TextMap& map);
Node encode_text_list_map(const TextListMap& map);

template <typename T>
const Shape& shape_of(std::string_view name = {});

template <typename T>
struct Element {  // a described struct
  static constexpr FieldType kType = FieldType::kObject;
  static void describe(Field& field) { field.object = &shape_of<T>(field.name); }
  static bool decode(const Field& field, T& out, const Node& node, Reading& reading) {
    decode_object(*field.object, &out, node, reading);
    return true;
  }
  static Node encode(const T& value, Writing writing) {
    return encode_object(shape_of<T>(), &value, writing);
  }
};

#define WELLRUN_CATALOG_ELEMENT(CppType, field_type, decoder, encoder)                         \
  template <>                                                                                  \
  struct Element<CppType> {                                                                    \
    static constexpr FieldType kType = FieldType::field_type;                                  \
    static void describe(Field&) {}                                                            \
    static bool decode(const Field& field, CppType& out, const Node& node, Reading& reading) { \
      return decoder(field, out, node, reading);                                               \
    }                                                                                          \
    static Node encode(const CppType& value, Writing) {                                        \
      return encoder;                                                                          \
    }                                                                                          \
  };

WELLRUN_CATALOG_ELEMENT(std::string, kText, decode_text, text_node(value))
WELLRUN_CATALOG_ELEMENT(int, kInteger, decode_integer, number_node(value))
WELLRUN_CATALOG_ELEMENT(double, kNumber, decode_number, number_node(value))
WELLRUN_CATALOG_ELEMENT(bool, kFlag, decode_flag, flag_node(value))
WELLRUN_CATALOG_ELEMENT(Duration, kDuration, decode_duration, text_node(format_duration(value)))
WELLRUN_CATALOG_ELEMENT(Timestamp, kTime, decode_time, text_node(format_rfc3339(value)))
WELLRUN_CATALOG_ELEMENT(TextMap, kTextMap, decode_text_map, encode_text_map(value))
WELLRUN_CATALOG_ELEMENT(TextListMap, kTextListMap, decode_text_list_map,
                        encode_text_list_map(value))
#undef WELLRUN_CATALOG_ELEMENT

template <typename T>
struct Element<Ref<T>> {
  static constexpr FieldType kType = FieldType::kReference;
  static void describe(Field& field) { field.reference_kind = T::kKind; }
  static bool decode(const Field& field, Ref<T>& out, const Node& node, Reading& reading) {
    return decode_reference(field, out.name, node, reading);
  }
  static Node encode(const Ref<T>& value, Writing) {
    return value.empty() ? Node{} : text_node(value.name);
  }
};

template <typename T>
struct Member : Element<T> {
  static constexpr bool kList = false, kOptional = false;
};

template <typename T>
struct Member<std::optional<T>> {
  static constexpr FieldType kType = Element<T>::kType;
  static constexpr bool kList = false, kOptional = true;
  static void describe(Field& field) { Element<T>::describe(field); }
  static bool decode(const Field& field, std::optional<T>& out, const Node& node,
                     Reading& reading) {
    T value{};
    if (!Element<T>::decode(field, value, node, reading)) return false;
    out = std::move(value);
    return true;
  }
  static Node encode(const std::optional<T>& value, Writing writing) {
    return value ? Element<T>::encode(*value, writing) : Node{};
  }
};

template <typename T>
struct Member<std::vector<T>> {
  static constexpr FieldType kType = Element<T>::kType;
  static constexpr bool kList = true, kOptional = false;
  static void describe(Field& field) { Element<T>::describe(field); }
  static bool decode(const Field& field, std::vector<T>& out, const Node& node, Reading& reading) {
    if (!is_list_of_right_length(field, node, reading)) return false;
    out.clear();
    for (const Node& item : node.items) {
      T value{};
      if (Element<T>::decode(field, value, item, reading)) out.push_back(std::move(value));
    }
    return true;
  }
  static Node encode(const std::vector<T>& values, Writing writing) {
    Node list = sequence_node();
    for (const T& value : values) list.items.push_back(Element<T>::encode(value, writing));
    return list;
  }
};

/// What describe() talks to.
template <typename T>
class ShapeBuilder {
 public:
  explicit ShapeBuilder(Shape& shape) : shape_(shape) {}

  void about(std::string documentation) { shape_.documentation = std::move(documentation); }

  template <typename M>
  Field& field(std::string name, M T::* member, std::string documentation) {
    Field& field = shape_.fields.emplace_back();
    field.name = std::move(name);
    field.documentation = std::move(documentation);
    field.type = Member<M>::kType;
    field.is_list = Member<M>::kList;
    field.is_optional = Member<M>::kOptional;
    Member<M>::describe(field);
    field.decode = [member](const Field& self, void* object, const Node& node, Reading& reading) {
      Member<M>::decode(self, static_cast<T*>(object)->*member, node, reading);
    };
    field.encode = [member](const void* object, Writing writing) {
      return Member<M>::encode(static_cast<const T*>(object)->*member, writing);
    };
    const T defaults{};
    field.default_value = field.encode(&defaults, Writing::kCompact);
    return field;
  }

 private:
  Shape& shape_;
};

template <typename T>
const Shape& shape_of(std::string_view name) {
  static const Shape shape = [&] {
    Shape built;
    if constexpr (requires { T::kKind; }) {
      built.name = T::kKind;
    } else {
      built.name = name;
    }
    ShapeBuilder<T> builder(built);
    T::describe(builder);
    return built;
  }();
  return shape;
}

}  // namespace wellrun::catalog
