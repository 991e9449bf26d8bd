// Facts a second, durable, through ledger and SQLite, by how many commands are on their way; and
// how fast they are read back at start. The folder is TMPDIR's: name a real disk there.

#include <benchmark/benchmark.h>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <mutex>
#include <unistd.h>

#include "core/assert.h"
#include "journal/ledger.h"
#include "journal/sqlite_store.h"
#include "journal/store.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::journal {
namespace {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("wellrun_journal_bench_{}", ::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::unique_ptr<Store> open() const {
    auto store = open_sqlite_store((path_ / "journal.db").string());
    WELLRUN_ASSERT(store.has_value(), to_string(store.error()));
    return std::move(*store);
  }

 private:
  std::filesystem::path path_;
};

/// How many are on their way, at most `limit`.
class InFlight {
 public:
  void add(int limit) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ < limit; });
    ++count_;
  }
  void remove() {
    {
      const std::lock_guard lock(mutex_);
      --count_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

Json body_of(std::uint64_t number) {
  return Json{{"alert", "checkout-burn-rate"},
              {"value", 14.2},
              {"component", "checkout"},
              {"number", number},
              {"summary", "99.2 % of requests succeed, the objective is 99.9 %"}};
}

/// range(0): commands on their way at one time.
void ledger_commands(benchmark::State& state) {
  const Folder folder;
  const auto store = folder.open();
  SystemRuntime system({});
  Ledger ledger(system.runtime(), *store, {});
  WELLRUN_ASSERT(ledger.start().has_value(), "an empty journal starts");
  InFlight in_flight;
  const auto limit = static_cast<int>(state.range(0));
  std::uint64_t number = 0;
  for (const auto _ : state) {
    in_flight.add(limit);
    ledger.command(
        {.actor = "person:ana"},
        [number = ++number](Timestamp) -> Result<Decision> {
          Decision decision;
          decision.facts.push_back({.stream = fmt::format("alert/{}", number % 500),
                                    .type = "alert.fired",
                                    .body = body_of(number),
                                    .correlation = fmt::format("inc-{}", number % 1000)});
          return decision;
        },
        [&](const Result<std::vector<Fact>>& result) {
          WELLRUN_ASSERT(result.has_value(), to_string(result.error()));
          in_flight.remove();
        });
  }
  for (int i = 0; i < limit; ++i) in_flight.add(limit);  // until the last is durable
  state.SetItemsProcessed(static_cast<std::int64_t>(number));
  std::promise<void> stopped;
  system.runtime().strand.post([&] { ledger.stop([&] { stopped.set_value(); }); });
  stopped.get_future().wait();
}
BENCHMARK(ledger_commands)->Arg(1)->Arg(16)->Arg(256)->Arg(2000)->UseRealTime();

/// What it costs to start: reading everything back.
void read_all(benchmark::State& state) {
  const Folder folder;
  {
    const auto store = folder.open();
    for (Sequence seq = 1; seq <= 20'000; ++seq) {
      Fact fact;
      fact.seq = seq;
      fact.stream = fmt::format("alert/{}", seq % 500);
      fact.stream_version = (seq + 499) / 500;
      fact.type = "alert.fired";
      fact.body = body_of(seq);
      store->append(Batch{.facts = {fact}}, [](const Status&) {});
    }
  }
  const auto store = folder.open();
  std::int64_t count = 0;
  for (const auto _ : state) {
    for (FactQuery query;;) {
      const auto facts = store->read(query);
      if (facts->empty()) break;
      query.after = facts->back().seq;
      count += static_cast<std::int64_t>(facts->size());
    }
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(read_all)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wellrun::journal
