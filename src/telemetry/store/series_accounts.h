#pragma once

// How many series each owner has, and who has no room for another. Part of the index: everything
// but note_refused() and refusal() is guarded by its lock. Pure otherwise.

#include <absl/container/flat_hash_map.h>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/series_owners.h"

namespace wellrun::telemetry::store {

/// Names an account; 0 is that of series without a job.
using AccountId = std::uint16_t;

/// The labels that say whose a series is; empty where it has none.
struct OwnerLabels {
  std::string_view workload, job, service;

  OwnerLabels() = default;
  explicit OwnerLabels(std::string_view canonical);
  /// Whether one of these pairs is such a label.
  static bool any_in(std::string_view canonical_pairs);
  bool operator==(const OwnerLabels&) const = default;
};

class SeriesAccounts {
 public:
  /// Beyond so many, a job that is nobody's shares the account "other jobs".
  static constexpr std::size_t kMaxAccounts = 20'000;

  SeriesAccounts();

  /// From now on series are counted by these. The index calls find_or_open() again for each.
  void set_rules(OwnerRules rules);
  const OwnerRules& rules() const { return rules_; }

  /// The account of a series, made when it is its first.
  AccountId find_or_open(const OwnerLabels& labels);

  /// The account of a series if it is full: a new one is to be refused.
  std::optional<AccountId> full(const OwnerLabels& labels) const;
  bool is_full(AccountId account) const;

  void add(AccountId account) { ++accounts_[account].series; }
  void remove(AccountId account) { --accounts_[account].series; }

  /// Thread-safe. `series`: the first of those refused, as text.
  void note_refused(AccountId account, std::uint64_t samples, const std::string& series,
                    std::int64_t now_ms);
  std::optional<AccountId> find(std::string_view workload, std::string_view job) const;

  /// What a sender is told.
  std::string refusal(AccountId account) const;

  /// Of owners with series, a limit or refusals; the largest first.
  std::vector<OwnerUsage> usage() const;

 private:
  struct Account {
    std::string workload, job;
    std::size_t series = 0, max_series = 0;
  };
  struct Refused {
    std::uint64_t samples = 0;
    std::int64_t last_ms = 0;
    std::string series;
  };

  const std::string* workload_of(const OwnerLabels& labels) const;
  std::size_t limit_of(const std::string& workload) const;
  AccountId open(std::string key, Account account);

  OwnerRules rules_;
  absl::flat_hash_map<std::string_view, const std::string*> workload_of_job_;  ///< in rules_
  absl::flat_hash_map<std::string, AccountId> by_key_;  ///< "w" workload, "j" job
  std::deque<Account> accounts_;

  mutable std::mutex refused_mutex_;
  absl::flat_hash_map<AccountId, Refused> refused_;
};

}  // namespace wellrun::telemetry::store
