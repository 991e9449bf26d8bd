#pragma once

// For tests of this folder's domains: both on one ledger in memory, with the real performer and
// PromQL engine over series in memory, on a virtual clock. The process can be ended and begun anew.

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "improve/effect/effect_performer.h"
#include "improve/experiment/experiment_domain.h"
#include "improve/improve_domain.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::improve {

struct EffectHouse {
  struct Process {
    explicit Process(EffectHouse& house)
        : performer(house.time.runtime(), house.catalog, house.engine),
          ledger(house.time.runtime(), house.store, {&improve, &experiments}) {
      ledger.perform_with("improve.look", performer);
      ledger.perform_with("experiment.look", performer);
      EXPECT_TRUE(ledger.start());
    }
    ImproveDomain improve;
    ExperimentDomain experiments;
    EffectPerformer performer;
    journal::Ledger ledger;
  };

  EffectHouse() { restart(); }

  void restart() {
    if (process) {
      process->performer.stop();
      process->ledger.stop();
      time.run_for(std::chrono::seconds(1));
    }
    process.reset();
    process = std::make_unique<Process>(*this);
  }

  /// A sample every five minutes from two days before now to a day after.
  void record(const char* metric, const std::function<double(Timestamp)>& value_at) {
    telemetry::SeriesWrite series{.labels = Labels{{"__name__", metric}}};
    const auto now = time.now();
    for (auto at = now - std::chrono::hours(48); at < now + std::chrono::hours(24);
         at += std::chrono::minutes(5))
      series.samples.push_back({to_unix_ms(at), value_at(at)});
    reader.add(std::move(series));
  }
  /// About `before`, and from now on about `after`.
  void record(const char* metric, double before, double after) {
    const auto now = time.now();
    record(metric, [=, index = 0](Timestamp at) mutable {
      ++index;
      return (at < now ? before : after) * (1 + 0.03 * std::sin(index * 12.9898 * index));
    });
  }

  /// Runs a command and lets it be committed; what it refused.
  std::optional<Error> tell(std::function<Result<journal::Decision>()> decide) {
    std::optional<Error> refused;
    process->ledger.command(
        {.actor = "person:ana"}, [decide = std::move(decide)](Timestamp) { return decide(); },
        [&](const auto& facts) {
          if (!facts) refused = facts.error();
        });
    time.run_for(std::chrono::seconds(1));
    return refused;
  }
  std::vector<journal::Fact> facts(const char* type) {
    return *store.read({.type_prefix = type, .limit = 1000});
  }

  VirtualRuntime time{1};
  journal::MemoryStore store{time.runtime().strand};
  telemetry::promql::testing::MemoryReader reader;
  telemetry::promql::Engine engine{reader};
  catalog::Catalog catalog;
  std::unique_ptr<Process> process;
};

/// "latency is to get lower by 10 % or more, within 2h".
inline facts::Expectation lower(const char* metric) {
  return {.metric = metric, .direction = "lower", .smallest = 0.1, .watch = "2h"};
}

}  // namespace wellrun::improve
