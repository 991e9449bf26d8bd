#pragma once

// The journal over HTTP: facts by position, stream, type, story or time, one fact, and the stream
// of facts as they are committed. Reads run on Workers. Built by server/wire.cc.

#include <vector>

#include "journal/ledger.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"

namespace wellrun::journal {

inline constexpr std::size_t kMaxFactsPerAnswer = 10'000;
inline constexpr std::size_t kDefaultFactsPerAnswer = 1'000;

/// listFacts, getFact, streamFacts (api/openapi.yaml); all for viewers. What `runtime` refers to,
/// and `ledger`, outlive the server that has the routes. The ledger is started.
///
/// A stream begins after the seq of Last-Event-ID, else after the parameter `after`, else now, and
/// misses no fact and repeats none. A reader that does not keep up is closed and goes on from its
/// last id.
std::vector<http::Route> journal_routes(Runtime runtime, Ledger& ledger);

}  // namespace wellrun::journal
