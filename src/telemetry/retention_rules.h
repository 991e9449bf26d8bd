#pragma once

// How long series are kept, and how finely, where that is not the store's retention: plain data,
// made from the catalog's Retention resources, kept to by the embedded store. Which rules hold for
// a series, and what they come to together. Pure; immutable once made, so shared by any threads.

#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "telemetry/matching.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// Samples older than `after` are thinned to one in each `resolution` (downsample.h).
struct Downsampling {
  Duration after{0}, resolution{0};
  bool operator==(const Downsampling&) const = default;
};

struct RetentionRule {
  std::string name;
  std::vector<std::vector<Matcher>> matching;  ///< series that match any of these
  Duration keep{0};                            ///< 0: the store's retention
  std::vector<Downsampling> downsampling;      ///< both rise from one to the next; empty: none
};

/// What holds for a series.
struct KeptAs {
  Duration keep{0};
  std::vector<Downsampling> downsampling;
  std::vector<std::string> rules;  ///< that say so; empty: the store's retention does
};

/// The finest of both at each age.
std::vector<Downsampling> finest(std::span<const Downsampling> a, std::span<const Downsampling> b);

class RetentionRules {
 public:
  /// No rules.
  explicit RetentionRules(Duration default_keep) : default_keep_(default_keep) {}
  /// kInvalid for a regular expression that RE2 does not take.
  static Result<RetentionRules> make(std::vector<RetentionRule> rules, Duration default_keep);

  const std::vector<RetentionRule>& all() const { return rules_; }

  /// Of several rules each is kept to: the longest time, and at each age the finest resolution. A
  /// rule without downsampling keeps every sample.
  KeptAs of(const Labels& labels) const;
  KeptAs without_rules() const { return {default_keep_, {}, {}}; }
  /// `so_far` and one more rule that holds.
  KeptAs with(const KeptAs& so_far, const RetentionRule& rule) const;

  /// Nothing is kept longer than this.
  Duration longest() const;

 private:
  Duration default_keep_;
  std::vector<RetentionRule> rules_;
  std::vector<std::vector<MatcherSet>> compiled_;  ///< of each rule
};

}  // namespace wellrun::telemetry
