#include "telemetry/store/label_bytes.h"

#include <absl/container/inlined_vector.h>
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "core/text.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

constexpr char kPairTag = 0x0a;
constexpr char kNameTag = 0x0a;
constexpr char kValueTag = 0x12;

std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

/// Of an encoded pair, without its tag and length.
std::size_t pair_size(std::string_view name, std::string_view value) {
  return 2 + varint_size(name.size()) + name.size() + varint_size(value.size()) + value.size();
}

void append_pair(std::string& out, std::string_view name, std::string_view value) {
  out += kPairTag;
  put_varint(out, pair_size(name, value));
  out += kNameTag;
  put_text(out, name);
  out += kValueTag;
  put_text(out, value);
}

std::size_t first_difference(std::string_view a, std::string_view b) {
  const auto size = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (std::uint64_t x = 0, y = 0; i + sizeof x <= size; i += sizeof x) {
    std::memcpy(&x, a.data() + i, sizeof x);
    std::memcpy(&y, b.data() + i, sizeof y);
    if (x != y) break;
  }
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

std::size_t common_suffix(std::string_view a, std::string_view b) {
  const auto size = std::min(a.size(), b.size());
  const char* const a_end = a.data() + a.size();
  const char* const b_end = b.data() + b.size();
  std::size_t same = 0;
  for (std::uint64_t x = 0, y = 0; same + sizeof x <= size; same += sizeof x) {
    std::memcpy(&x, a_end - same - sizeof x, sizeof x);
    std::memcpy(&y, b_end - same - sizeof y, sizeof y);
    if (x != y) break;
  }
  while (same < size && a_end[-1 - static_cast<std::ptrdiff_t>(same)] ==
                            b_end[-1 - static_cast<std::ptrdiff_t>(same)])
    ++same;
  return same;
}

/// Sets `at` behind the pair that begins there; false when there is no whole one.
bool skip_pair(std::string_view bytes, std::size_t& at) {
  ByteReader reader(bytes.substr(at));
  reader.byte();
  reader.text();
  if (reader.failed()) return false;
  at = bytes.size() - reader.left();
  return true;
}

/// What both begin with: series of one job have most in common.
SharedPairs shared_front(std::string_view a, std::string_view b) {
  const auto different = first_difference(a, b);
  SharedPairs shared;
  for (auto end = shared.front_bytes; skip_pair(a, end) && end <= different;) {
    shared.last_front = std::exchange(shared.front_bytes, end);
    ++shared.front_count;
  }
  return shared;
}

/// In the form that canonical_label_bytes() gives a pair.
bool is_canonical_pair(const LabelView& label) {
  if (label.value.empty()) return false;
  const auto size = pair_size(label.name, label.value);
  const auto head = 1 + varint_size(size);
  return label.pair.size() == head + size && label.pair[0] == kPairTag &&
         label.pair[head] == kNameTag && *label.name.end() == kValueTag &&
         is_valid_utf8(label.pair.substr(1));
}

/// Protobuf allows the fields of a pair in any order, repeated, and absent ones; unknown fields are
/// skipped.
bool read_pair(std::string_view bytes, LabelView& label) {
  ByteReader reader(bytes);
  label.name = label.value = {};
  while (!reader.at_end()) {
    const auto tag = reader.varint();
    switch (tag & 7) {
      case 2: {
        const auto text = reader.text();
        if (tag >> 3 == 1) label.name = text;
        if (tag >> 3 == 2) label.value = text;
        break;
      }
      case 0:
        reader.varint();
        break;
      case 1:
        reader.bytes(8);
        break;
      case 5:
        reader.bytes(4);
        break;
      default:
        return false;
    }
  }
  return !reader.failed();
}

}  // namespace

void append_label_bytes(std::string& out, const Labels& labels) {
  for (const auto& [name, value] : labels) append_pair(out, name, value);
}

std::string label_bytes(const Labels& labels) {
  std::string out;
  append_label_bytes(out, labels);
  return out;
}

bool LabelWalk::next(LabelView& label) {
  ByteReader reader(rest_);
  if (reader.at_end()) return false;
  reader.byte();
  ByteReader pair(reader.text());
  pair.byte();
  label.name = pair.text();
  pair.byte();
  label.value = pair.text();
  if (reader.failed() || pair.failed()) return false;
  label.pair = rest_.substr(0, rest_.size() - reader.left());
  rest_ = reader.rest();
  return true;
}

Labels labels_from_bytes(std::string_view canonical) {
  absl::InlinedVector<LabelView, 24> views;
  LabelView label;
  for (LabelWalk walk(canonical); walk.next(label);) views.push_back(label);
  std::vector<Label> labels;
  labels.reserve(views.size());
  for (const auto& view : views)
    labels.push_back(Label{std::string(view.name), std::string(view.value)});
  return Labels(std::move(labels));
}

std::string_view find_label(std::string_view canonical, std::string_view name) {
  LabelView label;
  for (LabelWalk walk(canonical); walk.next(label);)
    if (label.name == name) return label.value;
  return {};
}

int compare_label_bytes(std::string_view a, std::string_view b) {
  const auto same = shared_front(a, b).front_bytes;
  LabelWalk left(a.substr(same));
  LabelWalk right(b.substr(same));
  LabelView x;
  LabelView y;
  while (true) {
    const bool has_x = left.next(x);
    const bool has_y = right.next(y);
    if (!has_x || !has_y) return static_cast<int>(has_x) - static_cast<int>(has_y);
    if (x.pair == y.pair) continue;
    if (const int names = x.name.compare(y.name); names != 0) return names;
    if (const int values = x.value.compare(y.value); values != 0) return values;
  }
}

SharedPairs shared_pairs(std::string_view canonical, std::string_view other) {
  auto shared = shared_front(canonical, other);
  const auto most =
      common_suffix(canonical.substr(shared.front_bytes), other.substr(shared.front_bytes));
  // A value may hold what looks like pairs: what is shared must begin where a pair does in both.
  auto at = shared.front_bytes;
  auto other_at = shared.front_bytes;
  while (true) {
    const auto left = canonical.size() - at;
    const auto other_left = other.size() - other_at;
    if (left == other_left && left <= most) {
      shared.back_bytes = left;
      return shared;
    }
    if (left >= other_left) {
      if (!skip_pair(canonical, at)) return shared;
      ++shared.replaced_count;
    } else if (!skip_pair(other, other_at)) {
      return shared;
    }
  }
}

Result<std::string> canonical_label_bytes(std::string_view sent, std::size_t max_bytes) {
  if (sent.size() > max_bytes)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("labels of one series take {} bytes; the limit is {}", sent.size(), max_bytes));
  std::vector<LabelView> labels;
  ByteReader reader(sent);
  while (!reader.at_end()) {
    const auto tag = reader.byte();
    LabelView label;
    if (tag != kPairTag || !read_pair(reader.text(), label) || reader.failed())
      return fail(ErrorCode::kInvalid, "the labels of a series are not well-formed protobuf");
    if (label.name.empty())
      return fail(ErrorCode::kInvalid, fmt::format("a label has an empty name (its value: {})",
                                                   quote(label.value.substr(0, 64))));
    if (!is_valid_utf8(label.name) || !is_valid_utf8(label.value))
      return fail(ErrorCode::kInvalid,
                  fmt::format("label {} is not valid UTF-8", quote(label.name.substr(0, 64))));
    labels.push_back(label);
  }
  std::ranges::sort(labels, {}, &LabelView::name);
  for (std::size_t i = 1; i < labels.size(); ++i)
    if (labels[i].name == labels[i - 1].name)
      return fail(ErrorCode::kInvalid,
                  fmt::format("label {} is given twice in one series", quote(labels[i].name)));
  std::string canonical;
  bool named = false;
  for (const auto& label : labels) {
    if (label.value.empty()) continue;
    named |= label.name == kMetricNameLabel;
    append_pair(canonical, label.name, label.value);
  }
  if (!named) return fail(ErrorCode::kInvalid, "a series has no metric name (label __name__)");
  return canonical;
}

bool is_canonical_label_bytes(std::string_view sent) {
  return is_canonical_label_bytes(sent, {});
}

bool is_canonical_label_bytes(std::string_view sent, const SharedPairs& shared) {
  // One known pair on either side, too: names ascend across them.
  const auto known_from = sent.size() - shared.back_bytes;
  auto at = shared.last_front;
  LabelView label;
  std::string_view name_before;
  for (LabelWalk walk(sent.substr(at)); at <= known_from && walk.next(label);) {
    if (label.name <= name_before || !is_canonical_pair(label)) return false;
    name_before = label.name;
    at += label.pair.size();
  }
  return (at > known_from || at == sent.size()) && !find_label(sent, kMetricNameLabel).empty();
}

}  // namespace wellrun::telemetry::store
