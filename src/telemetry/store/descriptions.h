#pragma once

// What senders say of metric families: type, help and unit. Targets of one family may differ, as
// while a new version is rolled out: each description is known for as long as somebody repeats it.
// Time comes from the caller's steady clock. Thread-safe.

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::telemetry::store {

class Descriptions {
 public:
  using Moment = std::chrono::nanoseconds;
  static constexpr std::size_t kMaxFamilies = 100'000;  ///< more are not noted
  static constexpr std::size_t kMaxOfFamily =
      16;  ///< beyond, the one goes that was heard longest ago
  /// One that was heard so long before the latest of its family is not true any more.
  static constexpr std::chrono::hours kForgottenAfter{1};

  /// What a sender says now. Returns the families of which other descriptions are known than
  /// before, each once.
  std::vector<std::string> note(std::vector<Metadata> heard, Moment now);

  /// By family, and within one in the order in which they came up.
  std::vector<Metadata> all() const;
  std::vector<std::string> families() const;

  /// The stored form of a family's (docs/formats/telemetry.md), and reading it: as heard `now`.
  /// Malformed bytes end it.
  std::string row_of(const std::string& family) const;
  void restore(const std::string& family, std::string_view row, Moment now);

 private:
  struct Heard {
    Metadata said;
    Moment last;
  };
  static bool add(std::vector<Heard>& known, Metadata said, Moment now);

  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Heard>> families_;
};

}  // namespace wellrun::telemetry::store
