#pragma once

// Keeps the operations record up to date with the journal. A functional core that decides nothing:
// see journal/ledger.h.

#include "catalog/catalog.h"
#include "health/operations/operations_record.h"
#include "journal/ledger.h"

namespace wellrun::health::operations {

class OperationsDomain final : public journal::Domain {
 public:
  explicit OperationsDomain(const catalog::Catalog& catalog) : catalog_(catalog) {}

  std::string_view name() const override { return "operations"; }
  void apply(const journal::Fact& fact) override { operations::apply(record_, catalog_, fact); }
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override { return record_; }
  Status restore(const Json& snapshot) override;

  const OperationsRecord& record() const { return record_; }

 private:
  const catalog::Catalog& catalog_;
  OperationsRecord record_;
};

}  // namespace wellrun::health::operations
