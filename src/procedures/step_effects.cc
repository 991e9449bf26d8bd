#include "procedures/step_effects.h"

#include <charconv>
#include <fmt/format.h>

#include "core/text.h"
#include "procedures/masking.h"

namespace wellrun::procedures {
namespace {

using journal::Outcome;
using Done = std::move_only_function<void(Outcome)>;

constexpr std::size_t kTailBytes = 4 << 10;
constexpr std::size_t kLiveBytes = 64 << 10;

/// The last `max_bytes` of `text`, from a whole character on, with a mark where something is
/// missing.
std::string tail(const std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  auto start = text.size() - max_bytes;
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) ++start;
  return "[…]\n" + text.substr(start);
}

/// An environment variable's name out of an input's: "flag-name" is INPUT_FLAG_NAME.
std::string variable_of(std::string_view input) {
  std::string name = "INPUT_";
  for (const char c : input) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  return name;
}

/// As the shell itself does with what a command prints: no variable can hold them.
std::string without_nuls(std::string text) {
  std::erase(text, '\0');
  return text;
}

/// Secret inputs by name, their values read now. The first that cannot be read is the error.
Result<std::map<std::string, std::string>> read_secrets(const StepEnvironment& environment,
                                                        const Json& request) {
  std::map<std::string, std::string> values;
  const auto references = request.value("secrets", Json::object());
  for (const auto& [name, reference] : references.items()) {
    TRY(values[name], environment.read_secret(reference.get<std::string>()));
  }
  return values;
}

/// Keeps the whole output, puts its tail into the outcome.
Outcome outcome_of(const StepEnvironment& environment, Outcome::Kind kind, std::string error,
                   const std::string& output, int exit_code, Duration duration) {
  Outcome outcome{.kind = kind, .error = std::move(error)};
  outcome.detail = {{"output", tail(output, kTailBytes)},
                    {"exit_code", exit_code},
                    {"duration_ms", duration.count()}};
  if (output.size() > kTailBytes) {
    if (const auto digest = environment.store.put_blob(output))
      outcome.detail["output_digest"] = *digest;
  }
  return outcome;
}

Outcome failed(std::string error) {
  return {.kind = Outcome::Kind::kFailed, .error = std::move(error), .detail = Json::object()};
}

/// Without the attempt: a peer that carried out the first is to see that the second is the same.
/// With the moment: every installation has a run-0007, and a peer may serve several. (An intent of
/// an older version has none; it may have been sent already, by its old key.)
std::string idempotency_key(const Json& request) {
  const auto key = fmt::format("procedures/{}/{}", text_or(request, "run"),
                               static_cast<int>(number_or(request, "index", 0)));
  const auto started = request.find("run_started_ms");
  return started == request.end() ? key : fmt::format("{}/{}", key, started->get<std::int64_t>());
}

bool may_have_happened(const Error& error) {
  return error.code == ErrorCode::kDeadline || error.code == ErrorCode::kIo ||
         error.code == ErrorCode::kTooLarge;
}

std::map<std::string, std::string> variables(const Json& request,
                                             const std::map<std::string, std::string>& secrets) {
  std::map<std::string, std::string> variables{{"WELLRUN_RUN", text_or(request, "run")},
                                               {"WELLRUN_INCIDENT", text_or(request, "incident")},
                                               {"WELLRUN_WORKLOAD", text_or(request, "workload")},
                                               {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                               {"LANG", "C.UTF-8"}};
  const auto inputs = request.value("inputs", Json::object());
  for (const auto& [name, value] : inputs.items())
    variables[variable_of(name)] = without_nuls(value.get<std::string>());
  for (const auto& [name, value] : secrets) variables[variable_of(name)] = value;
  for (const auto* place : {"env", "values"}) {  // the latter last: no other may stand for them
    const auto own = request.at("spec").value(place, Json::object());
    for (const auto& [name, value] : own.items())
      variables[name] = without_nuls(value.get<std::string>());
  }
  return variables;
}

Duration duration_of(const Json& spec, const char* key, Duration fallback) {
  return parse_duration(text_or(spec, key)).value_or(fallback);
}

}  // namespace

void LiveOutput::append(const std::string& run, int index, std::string_view text) {
  auto& output = output_[{run, index}];
  output += text;
  if (output.size() > 2 * kLiveBytes) output.erase(0, output.size() - kLiveBytes);
}

std::string LiveOutput::of(const std::string& run, int index) const {
  const auto found = output_.find({run, index});
  return found == output_.end() ? std::string() : tail(found->second, kLiveBytes);
}

Result<bool> holds(std::string_view condition, double value) {
  condition = trimmed(condition);
  const auto number_start = condition.find_first_not_of("<>=! ");
  const auto op = trimmed(condition.substr(0, number_start));
  const auto number =
      number_start == std::string_view::npos ? std::string_view() : condition.substr(number_start);
  double limit = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
  if (error != std::errc() || end != number.data() + number.size()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} is not a condition; write for example \"< 0.05\"", quote(condition)));
  }
  if (op == "<") return value < limit;
  if (op == "<=") return value <= limit;
  if (op == ">") return value > limit;
  if (op == ">=") return value >= limit;
  if (op == "==") return value == limit;
  if (op == "!=") return value != limit;
  return fail(
      ErrorCode::kInvalid,
      fmt::format("{} is not a condition; operators are < <= > >= == !=", quote(condition)));
}

void UnlessCancelled::perform(const journal::Intent& intent, Done done) {
  if (may_begin_(intent)) return step_.perform(intent, std::move(done));
  done(failed("not begun: the run was over before its turn came"));
}

void CommandStep::perform(const journal::Intent& intent, Done done) {
  const auto& request = intent.request;
  auto secrets = read_secrets(environment_, request);
  if (!secrets) return done(failed(secrets.error().message));
  const auto run = text_or(request, "run");
  const auto index = static_cast<int>(number_or(request, "index", 0));
  ProcessRequest process{.argv = {"/bin/sh", "-c", text_or(request.at("spec"), "command")},
                         .env = variables(request, *secrets)};
  process.timeout = Duration{static_cast<std::int64_t>(number_or(request, "timeout_ms", 300'000))};
  process.sandbox = sandbox_;
  if (hidden_) process.hidden = hidden_();
  process.network = bool_or(request.at("spec"), "network", false);
  auto& strand = environment_.runtime.strand;
  auto& live = environment_.live;
  runner_.run(
      std::move(process),
      [&strand, &live, run, index,
       mask = std::make_shared<PieceMask>(*secrets)](std::string_view chunk) {
        strand.post(
            [&live, run, index, text = mask->add(chunk)] { live.append(run, index, text); });
      },
      [this, run, index, hidden = *secrets,
       done = std::move(done)](Result<ProcessExit> exit) mutable {
        environment_.runtime.strand.post(
            [&live = environment_.live, run, index] { live.forget(run, index); });
        if (!exit) return done(failed(to_string(exit.error())));
        // What was cut off may end with the beginning of a secret.
        const bool is_cut_off = exit->output_truncated || exit->timed_out;
        const auto output =
            is_cut_off ? PieceMask(hidden).add(exit->output) : masked(exit->output, hidden);
        const auto error = exit->timed_out
                               ? fmt::format("not done within its time limit; ended after {}",
                                             format_age(exit->duration))
                           : exit->exit_code != 0 ? fmt::format("exit status {}", exit->exit_code)
                                                  : std::string();
        done(outcome_of(environment_, error.empty() ? Outcome::Kind::kDone : Outcome::Kind::kFailed,
                        error, output, exit->exit_code, exit->duration));
      });
}

void HttpStep::perform(const journal::Intent& intent, Done done) {
  const auto& spec = intent.request.at("spec");
  http::ClientRequest request{.method = text_or(spec, "method", "GET"),
                              .url = text_or(spec, "url"),
                              .body = text_or(spec, "body")};
  request.timeout =
      Duration{static_cast<std::int64_t>(number_or(intent.request, "timeout_ms", 30'000))};
  const bool public_only = bool_or(spec, "public_only", false);
  if (public_only) request.addresses = http::AddressPolicy::kPublicOnly;
  request.headers.push_back({"Idempotency-Key", idempotency_key(intent.request)});
  const auto headers = spec.value("headers", Json::object());
  for (const auto& [name, value] : headers.items())
    request.headers.push_back({name, value.get<std::string>()});
  const auto expected = static_cast<int>(number_or(spec, "expectStatus", 0));
  const auto started = environment_.runtime.clock.steady();
  const auto called = request.method + " " + request.url;
  client_.send(std::move(request), [this, expected, started, called, public_only,
                                    repeatable = intent.repeatable, done = std::move(done)](
                                       Result<http::Response> response) mutable {
    const auto duration =
        std::chrono::duration_cast<Duration>(environment_.runtime.clock.steady() - started);
    if (!response) {
      const bool is_refused = response.error().code == ErrorCode::kForbidden && public_only;
      if (is_refused)
        response.error().message +=
            "; a host that is filled in may be a private one only with privateAddresses: true";
      auto outcome = failed(fmt::format("{}: {}", called, response.error().message));
      if (!repeatable && may_have_happened(response.error())) {
        outcome.kind = Outcome::Kind::kUnknown;
        outcome.error += "; whether it was done there is not known";
      }
      return done(std::move(outcome));
    }
    const bool good = expected == 0 ? response->status / 100 == 2 : response->status == expected;
    const auto output = fmt::format("{} → {}\n{}", called, response->status, response->body);
    done(outcome_of(environment_, good ? Outcome::Kind::kDone : Outcome::Kind::kFailed,
                    good ? "" : fmt::format("{} answered {}", called, response->status), output, 0,
                    duration));
  });
}

struct QueryStep::Asking {
  std::string expr, condition;
  Duration every;
  std::chrono::nanoseconds started;  ///< on the steady clock
  Duration within;
  std::string last;  ///< what was found last
  std::unique_ptr<Timer> timer;
  Done done;
};

void QueryStep::perform(const journal::Intent& intent, Done done) {
  const auto& spec = intent.request.at("spec");
  auto asking = std::make_shared<Asking>();
  asking->expr = text_or(spec, "expr");
  asking->condition = text_or(spec, "condition");
  asking->every = std::max(duration_of(spec, "every", std::chrono::seconds(5)), Duration{200});
  asking->started = environment_.runtime.clock.steady();
  asking->within = duration_of(spec, "within", std::chrono::minutes(2));
  asking->done = std::move(done);
  ask(asking);
}

void QueryStep::ask(const std::shared_ptr<Asking>& asking) {
  querier_.instant(
      asking->expr, environment_.runtime.clock.now(),
      [this, asking](Result<telemetry::InstantResult> result) {
        const auto took =
            std::chrono::floor<Duration>(environment_.runtime.clock.steady() - asking->started);
        if (!result && result.error().code == ErrorCode::kInvalid)
          return asking->done(failed(result.error().message));
        bool met = result && !result->series.empty();
        asking->last = result ? "no value" : result.error().message;
        if (met) {
          asking->last.clear();
          for (const auto& series : result->series) {
            const auto held = holds(asking->condition, series.value);
            if (!held) return asking->done(failed(held.error().message));
            met = met && *held;
            asking->last += fmt::format("{} = {:.6g}\n", to_string(series.labels), series.value);
          }
        }
        const auto output = fmt::format("{} {}\n{}", asking->expr, asking->condition, asking->last);
        if (met)
          return asking->done(outcome_of(environment_, Outcome::Kind::kDone, "", output, 0, took));
        if (took >= asking->within) {
          return asking->done(
              outcome_of(environment_, Outcome::Kind::kFailed,
                         fmt::format("did not become {} within {}", asking->condition,
                                     format_duration(asking->within)),
                         output, 0, took));
        }
        asking->timer = environment_.runtime.strand.after(
            std::min(asking->every, asking->within - took), [this, asking] { ask(asking); });
      });
}

}  // namespace wellrun::procedures
