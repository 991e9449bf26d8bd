#pragma once

// Effects: what a decision wants done in the world (send a page, run a step). The intent is
// committed together with the facts, performed after the commit, and its outcome comes back to the
// domain as an input and becomes a fact.

#include <cstdint>
#include <functional>
#include <string>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::journal {

struct Intent {
  std::string key;   ///< idempotency key, unique for ever: "page/inc-0007/1/ana/email". A second
                     ///< intent with it is ignored.
  std::string kind;  ///< which performer: "notify.email", "notify.webhook", "step.run", "http.call"
  Json request;      ///< what the performer needs; secrets only as references
  /// True: performing it twice does no harm (the peer deduplicates by key, or reading only), so
  /// after a crash it is simply performed again. False: an intent that was begun and has no outcome
  /// is reported as `unknown`.
  bool repeatable = false;
  Timestamp not_before{};  ///< wait until then; zero: at once
  std::uint64_t cause =
      0;  ///< filled in by the ledger: the fact it followed from; its outcome's facts name it
  std::string correlation;  ///< filled in by the ledger when empty: the story of `cause`
};

struct Outcome {
  enum class Kind {
    kDone,     ///< performed; `detail` is what the performer found
    kFailed,   ///< tried and failed, for good as far as the performer knows
    kUnknown,  ///< begun before a crash; whether it happened cannot be known
  };
  Kind kind = Kind::kDone;
  std::string error;  ///< for people; empty when done
  Json detail;
};

/// {"key":…, "kind":…, "request":…, …} and {"kind":"done", …}: as the outbox and exports keep them.
Json to_json(const Intent& intent);
Result<Intent> intent_from_json(const Json& json);
Json to_json(const Outcome& outcome);
Result<Outcome> outcome_from_json(const Json& json);
const char* name_of(Outcome::Kind kind);

/// Performs intents of one kind. Lives in the shell; in simulation it is replaced.
class Performer {
 public:
  virtual ~Performer() = default;
  /// Called on the strand; calls `done` exactly once, from any thread.
  virtual void perform(const Intent& intent, std::move_only_function<void(Outcome)> done) = 0;
};

}  // namespace wellrun::journal
