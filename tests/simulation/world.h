#pragma once

// The outside as a simulation has it: a shop with customers, its telemetry, a mail server, web
// servers and child processes, on one virtual clock and one seed. The program under test lives in a
// House (house.h) and reaches this through its ports alone. Not thread-safe, like the clock.
//
// The process can be made to die: before or after any append to the journal, and before or after
// anything that it does to the outside. From then on no port does anything until the house is built
// again; the world goes on.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "journal/memory_store.h"
#include "platform/http/client.h"
#include "platform/process/process.h"
#include "platform/runtime/virtual_runtime.h"
#include "respond/mailer.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/storage.h"

namespace wellrun::simulation {

/// Where the process dies: at the `number`-th append or effect, counted from 1 over all its lives.
struct CrashPoint {
  enum class Where { kNowhere, kBeforeAppend, kAfterAppend, kBeforeEffect, kAfterEffect };
  Where where = Where::kNowhere;
  std::uint64_t number = 0;
};
std::string to_string(const CrashPoint& point);

/// How the outside behaves, each a probability from 0 to 1.
struct Habits {
  double crash = 0;         ///< at an append or an effect, before or after it
  double mail_refused = 0;  ///< the mail server says no
  double mail_lost = 0;     ///< it says yes, and nobody ever gets the mail
  double http_refused = 0;  ///< a web server answers 503
  double http_silent = 0;   ///< it takes the request and never answers
};

/// What reached a person.
struct Delivery {
  Timestamp at;
  std::string to;       ///< an address, or the URL of a webhook
  std::string key;      ///< Message-ID or Idempotency-Key: the same for each try of one page
  std::string subject;  ///< of a mail; of a webhook its body
};

class World final : http::Client,
                    ProcessRunner,
                    respond::Mailer,
                    telemetry::MetricWriter,
                    telemetry::SignalStore {
 public:
  explicit World(std::uint64_t seed, Timestamp start, Habits habits = {}, CrashPoint point = {});

  VirtualRuntime time;
  journal::MemoryStore store;
  telemetry::promql::testing::MemoryReader metrics;

  http::Client& http() { return *this; }
  ProcessRunner& processes() { return *this; }
  respond::Mailer& mailer() { return *this; }
  telemetry::MetricWriter& metric_writer() { return *this; }
  telemetry::SignalStore& signals() { return *this; }

  /// The process has died and was not started again.
  bool dead() const { return dead_; }
  void die(const std::string& where);
  /// The process begins anew: what it had under way is forgotten, what it wrote is there. From then
  /// on it takes telemetry in by `door`, which outlives its life.
  void be_born(telemetry::MetricWriter& door);
  /// Telemetry of the outside, now; what nobody takes in is lost.
  void emit(telemetry::SeriesWrite series);
  /// From now on nothing goes wrong any more, so that every story can come to its end.
  void calm() { habits_ = {}; }

  std::uint64_t append_count() const { return store.append_count(); }
  std::uint64_t effect_count() const { return effect_count_; }
  int death_count() const { return death_count_; }

  // The shop.
  bool release_is_bad = false;
  bool flag_is_on = true;
  bool failing() const { return release_is_bad && flag_is_on; }
  bool is_open = true;  ///< once closed it stays so: no customers, no telemetry

  std::vector<Delivery> deliveries;
  /// Commands of runbooks that ran: "<run> <command>" -> how often.
  std::map<std::string, int> commands;
  /// Commands that end badly, and mail servers and hosts that are down, lie or hang, by name.
  std::set<std::string> failing_commands, refusing, lying, silent;

  /// Everything that happened, one line each, in order: the same seed gives the same bytes.
  void note(const std::string& line);
  const std::string& trace() const { return trace_; }

 private:
  // Ports.
  void send(http::ClientRequest request, http::ClientCallback done) override;
  void run(ProcessRequest request, std::function<void(std::string_view)> on_output,
           std::move_only_function<void(Result<ProcessExit>)> done) override;
  void send(respond::Mail mail, std::move_only_function<void(Status)> done) override;
  Result<telemetry::WriteOutcome> write(std::vector<telemetry::SeriesWrite> series) override;
  void put_metadata(std::vector<telemetry::Metadata>) override {}
  Status put_logs(std::vector<telemetry::LogRecord>) override { return {}; }
  Status put_spans(std::vector<telemetry::SpanRecord>) override { return {}; }
  Result<std::vector<telemetry::LogRecord>> logs(const telemetry::LogQuery&) const override {
    return std::vector<telemetry::LogRecord>{};
  }
  Result<std::vector<telemetry::SpanRecord>> spans(const telemetry::SpanQuery&) const override {
    return std::vector<telemetry::SpanRecord>{};
  }

  journal::MemoryStore::Fault at_append(std::uint64_t append);
  /// After some time `act` changes the world, then `answer` tells the process.
  void happen(const std::string& what, std::function<void()> act, Task answer);
  void after(Duration length, Task task);
  bool chance(double probability);
  Duration some_time();
  http::Response answer_to(const http::ClientRequest& request);
  void sell();

  Habits habits_;
  CrashPoint point_;
  Random& random_;
  std::map<std::uint64_t, std::unique_ptr<Timer>> timers_;
  std::uint64_t timer_count_ = 0;
  std::uint64_t effect_count_ = 0;
  int death_count_ = 0;
  bool dead_ = true;
  telemetry::MetricWriter* door_ = nullptr;
  double taken_ = 0, failed_ = 0;  ///< orders so far
  std::string trace_;
};

}  // namespace wellrun::simulation
