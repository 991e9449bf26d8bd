#pragma once

// Regular expressions of matchers, with the values of the label that they match, kept from query to
// query. Within one arrangement values are only ever added to a label, at the end: those seen
// before are not looked at again. Thread-safe; memory is bounded.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <re2/re2.h>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace wellrun::telemetry::store {

class RegexCache {
 public:
  class Entry {
   public:
    explicit Entry(const std::string& pattern);
    const re2::RE2& regex() const { return regex_; }
    bool matches_empty() const { return matches_empty_; }

    /// Which of the label's values 0 … count - 1 match, ascending. `arrangement`: another number
    /// than last time when values are not where they were.
    std::vector<std::uint32_t> matching(std::uint64_t arrangement, std::size_t count,
                                        const std::function<std::string_view(std::size_t)>& value);

   private:
    const re2::RE2 regex_;
    const bool matches_empty_;
    std::mutex mutex_;
    std::uint64_t arrangement_ = 0;
    std::size_t seen_ = 0;
    std::vector<std::uint32_t> matched_;
  };

  /// kInvalid for what RE2 refuses.
  Result<std::shared_ptr<Entry>> get(std::string_view label, const std::string& pattern) const;

 private:
  struct Kept {
    std::string label, pattern;
    std::shared_ptr<Entry> entry;
  };
  mutable std::mutex mutex_;
  mutable std::list<Kept> kept_;  ///< the one used last first
};

}  // namespace wellrun::telemetry::store
