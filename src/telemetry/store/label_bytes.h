#pragma once

// Label sets as bytes: the identity of a series in memory, in the log and in the database
// (docs/formats/telemetry.md). The form is remote write's own, so that a well-behaved sender's
// bytes are the key as they come.

#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"

namespace wellrun::telemetry::store {

struct LabelView {
  std::string_view name, value;
  std::string_view pair;  ///< the encoded pair, tag and length included
};

/// Appends the canonical bytes of `labels`.
void append_label_bytes(std::string& out, const Labels& labels);
std::string label_bytes(const Labels& labels);

/// Reads canonical bytes that this process wrote or checked. A broken form ends the walk early.
class LabelWalk {
 public:
  explicit LabelWalk(std::string_view bytes) : rest_(bytes) {}
  /// False at the end.
  bool next(LabelView& label);
  /// After next() said false: whether nothing was left.
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

Labels labels_from_bytes(std::string_view canonical);

/// The value of `name` in canonical bytes, or an empty view.
std::string_view find_label(std::string_view canonical, std::string_view name);

/// The order of Labels, without making any. Negative, zero, positive.
int compare_label_bytes(std::string_view a, std::string_view b);

/// The pairs that two series have in common: those that both begin with, and those that both end
/// with. Series that a sender sends one after the other differ in one or two.
struct SharedPairs {
  std::size_t front_bytes = 0, back_bytes = 0;
  std::size_t last_front = 0;      ///< where the last pair in front begins
  std::size_t front_count = 0;     ///< pairs in front
  std::size_t replaced_count = 0;  ///< pairs of the first series that are in neither

  /// What one of the two has for itself.
  std::string_view between(std::string_view bytes) const {
    return bytes.substr(front_bytes, bytes.size() - front_bytes - back_bytes);
  }
};

/// `other` may be anything; where it is not well-formed, nothing behind is shared.
SharedPairs shared_pairs(std::string_view canonical, std::string_view other);

/// Reads a sender's label bytes (any order) and makes them canonical. Empty values are dropped, as
/// absence. kInvalid: malformed protobuf, an empty name, a name given twice, invalid UTF-8, no
/// __name__, more than `max_bytes`.
Result<std::string> canonical_label_bytes(std::string_view sent, std::size_t max_bytes);

/// Whether these bytes are what canonical_label_bytes() would make of them.
bool is_canonical_label_bytes(std::string_view sent);

/// The same where `shared` is what `sent` shares with bytes that are: looks at the rest alone.
bool is_canonical_label_bytes(std::string_view sent, const SharedPairs& shared);

}  // namespace wellrun::telemetry::store
