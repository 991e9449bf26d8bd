#include "health/refusal.h"

#include "platform/log/log.h"

namespace wellrun::health {

journal::Ledger::Done log_refusal(const journal::Ledger& ledger, std::string_view what) {
  return [&ledger, what](const Result<std::vector<journal::Fact>>& recorded) {
    // A ledger that has stopped says so itself, and one that is gone is not to be asked the time.
    if (recorded || recorded.error().code == ErrorCode::kUnavailable) return;
    log_rarely(ledger.now(), Level::kError, "health", "the journal does not take what follows",
               {{"what", what}, {"error", to_string(recorded.error())}});
  };
}

}  // namespace wellrun::health
