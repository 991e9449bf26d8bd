#pragma once

// Effects: what a decision wants done in the world (send a page, run a step). The intent is committed together with the
// facts, performed after the commit, and its outcome comes back to the domain as an input and becomes a fact.

#include <functional>
#include <string>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::journal {

struct Intent {
  std::string key;   ///< idempotency key, unique for ever: "page/inc-0007/1/ana/email". A second intent with it is ignored.
  std::string kind;  ///< which performer: "notify.email", "notify.webhook", "step.run", "http.call"
  Json request;      ///< what the performer needs; secrets only as references
  /// True: performing it twice does no harm (the peer deduplicates by key, or reading only), so after a crash it is
  /// simply performed again. False: an intent that was begun and has no outcome is reported as `unknown`.
  bool repeatable = false;
  Timestamp not_before{};  ///< wait until then; zero: at once
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

/// Performs intents of one kind. Lives in the shell; in simulation it is replaced.
class Performer {
 public:
  virtual ~Performer() = default;
  /// Called on the strand; calls `done` exactly once, from any thread.
  virtual void perform(const Intent& intent, std::move_only_function<void(Outcome)> done) = 0;
};

}  // namespace wellrun::journal
