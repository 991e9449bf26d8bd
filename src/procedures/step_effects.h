#pragma once

// Performing a step: a command in the sandbox, an HTTP request, a query that must meet a condition.
// Each takes the request that run_fsm made and ends with an Outcome whose detail is {output,
// output_digest, exit_code, duration_ms}. On the strand.

#include <map>
#include <memory>
#include <string>

#include "journal/effect.h"
#include "journal/store.h"
#include "platform/http/client.h"
#include "platform/process/process.h"
#include "platform/runtime/runtime.h"
#include "telemetry/query.h"

namespace wellrun::procedures {

/// What running steps have printed so far, for whoever watches. On the strand.
class LiveOutput {
 public:
  void append(const std::string& run, int index, std::string_view text);
  void forget(const std::string& run, int index) { output_.erase({run, index}); }
  /// The newest 64 KiB; empty for a step that is not under way.
  std::string of(const std::string& run, int index) const;

 private:
  std::map<std::pair<std::string, int>, std::string> output_;
};

/// The value behind "env:NAME" or "file:/path". kNotFound names the reference, never a value.
using ReadSecret = std::function<Result<std::string>(const std::string& reference)>;

struct StepEnvironment {
  Runtime runtime;
  journal::Store& store;  ///< keeps whole outputs
  LiveOutput& live;
  ReadSecret read_secret;
};

/// procedures.run: `sh -c` with WELLRUN_RUN, WELLRUN_INCIDENT, WELLRUN_WORKLOAD, an INPUT_<NAME>
/// for each input and a WELLRUN_VALUE_<n> for each template (catalog/shell_command.h).
/// `hidden`: files that no step's sandbox shall see, asked for at each step; may be empty.
class CommandStep final : public journal::Performer {
 public:
  using Hidden = std::function<std::vector<std::string>()>;
  CommandStep(StepEnvironment environment, ProcessRunner& runner, ProcessRequest::Sandbox sandbox,
              Hidden hidden = {})
      : environment_(std::move(environment)),
        runner_(runner),
        sandbox_(sandbox),
        hidden_(std::move(hidden)) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  StepEnvironment environment_;
  ProcessRunner& runner_;
  ProcessRequest::Sandbox sandbox_;
  Hidden hidden_;
};

/// procedures.http: sends an Idempotency-Key that is the same for every attempt of the step, so
/// that a peer can tell one that it has carried out, and no other installation's. When the peer may
/// have got the request of a step that is not repeatable and no answer came, the outcome is
/// unknown: a person is asked.
class HttpStep final : public journal::Performer {
 public:
  HttpStep(StepEnvironment environment, http::Client& client)
      : environment_(std::move(environment)), client_(client) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  StepEnvironment environment_;
  http::Client& client_;
};

/// procedures.query: asks until every value meets the condition, or `within` has passed. No value
/// does not meet it.
class QueryStep final : public journal::Performer {
 public:
  QueryStep(StepEnvironment environment, telemetry::Querier& querier)
      : environment_(std::move(environment)), querier_(querier) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  struct Asking;
  void ask(const std::shared_ptr<Asking>& asking);

  StepEnvironment environment_;
  telemetry::Querier& querier_;
};

/// Before any of them: a step that is no longer wanted when it is about to begin fails without
/// having begun. `may_begin`: ProceduresDomain's.
class UnlessCancelled final : public journal::Performer {
 public:
  using MayBegin = std::function<bool(const journal::Intent&)>;
  UnlessCancelled(MayBegin may_begin, journal::Performer& step)
      : may_begin_(std::move(may_begin)), step_(step) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  MayBegin may_begin_;
  journal::Performer& step_;
};

/// "< 0.05" against a value; operators < <= > >= == !=. kInvalid for anything else.
Result<bool> holds(std::string_view condition, double value);

}  // namespace wellrun::procedures
