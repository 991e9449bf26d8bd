#pragma once

// What senders say of metric families: type, help and unit. Targets of one family may differ, as
// while a new version is rolled out: each description is known for as long as somebody repeats it.
// It takes a bounded room, whatever senders say: all of it is in memory, and read at each start.
// Time comes from the caller's steady clock. Thread-safe.

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::telemetry::store {

class Descriptions {
 public:
  using Moment = std::chrono::nanoseconds;
  static constexpr std::size_t kMaxFamilies = 100'000;
  static constexpr std::size_t kMaxBytes = 64U << 20;  ///< of all texts, about
  static constexpr std::size_t kMaxOfFamily =
      16;  ///< beyond, the one goes that was heard longest ago
  static constexpr std::size_t kMaxNameBytes = 1024;  ///< a family with a longer one is not noted,
                                                      ///< nor one whose name or texts are not UTF-8
  /// What is longer is cut.
  static constexpr std::size_t kMaxHelpBytes = 4096, kMaxTypeBytes = 64, kMaxUnitBytes = 64;
  /// One that was heard so long before the latest of its family is not true any more.
  static constexpr std::chrono::hours kForgottenAfter{1};

  /// What a sender says now. Where there is no room for what is new, the families that nobody
  /// repeats any more are forgotten; if that is not enough, it is not noted. Returns the families
  /// of which other descriptions are known than before, or none any more, each once.
  std::vector<std::string> note(std::vector<Metadata> heard, Moment now);

  /// By family, and within one in the order in which they came up.
  std::vector<Metadata> all() const;
  std::vector<std::string> families() const;

  /// The stored form of a family's (docs/formats/telemetry.md), empty for one that is not known;
  /// and reading it: as heard `now`, within the same bounds. Malformed bytes end it.
  std::string row_of(const std::string& family) const;
  void restore(const std::string& family, std::string_view row, Moment now);

 private:
  struct Heard {
    Metadata said;
    Moment last;
  };
  using Known = std::vector<Heard>;
  using Families = std::set<std::string>;

  // With the lock held. `changed`: grows by the families of which other descriptions are known.
  void hear(Metadata said, Moment now, Families& changed);
  bool make_room_for(const Metadata& said, Moment now, Families& changed);
  void forget_unheard_families(Moment now, Families& changed);
  bool forget_unheard(Known& known, Moment now);

  mutable std::mutex mutex_;
  std::map<std::string, Known> families_;  ///< none is empty
  std::size_t bytes_ = 0;                  ///< of all that are known
  Moment next_forgetting_{0};              ///< before, no family is unheard for long enough
};

}  // namespace wellrun::telemetry::store
