#pragma once

// The catalog as a domain of the journal: facts to Catalog, an apply to facts. Runs on the strand;
// no I/O, no clock.

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/check.h"
#include "facts/catalog.h"
#include "journal/ledger.h"

namespace wellrun::catalog {

/// Who applies, from which commit.
struct ApplyInfo {
  std::string commit;
  std::string author;
  bool dirty = false;
  bool prune = false;  ///< deletes what is applied and not declared any more
};

/// One past apply.
struct AppliedRecord {
  facts::CatalogApplied fact;
  std::string actor;
  Timestamp time;
  journal::Sequence seq = 0;
};

class CatalogDomain : public journal::Domain {
 public:
  const Catalog& catalog() const { return catalog_; }
  /// Newest last; the last 1,000.
  const std::vector<AppliedRecord>& applies() const { return applies_; }

  /// The facts that lead from the current catalog to `checked.wanted`: one resource.applied or
  /// resource.deleted for each difference, none for what is the same (but one for what had no clean
  /// commit, when this apply has), then one catalog.applied, which counts differences only.
  /// `checked` was checked against catalog() with the same `prune`. kInvalid with every problem
  /// when it is not ok; kTooLarge for a resource above 256 KiB.
  Result<journal::Decision> decide_apply(const Checked& checked, const ApplyInfo& info) const;

  std::string_view name() const override { return "catalog"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

 private:
  void apply_resource(const journal::Fact& fact);

  Catalog catalog_;
  std::vector<AppliedRecord> applies_;
  int apply_count_ = 0;
  std::string parts_;  ///< text of resource.part facts whose resource.applied is still to come
};

}  // namespace wellrun::catalog
