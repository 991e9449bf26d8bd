#pragma once

// Answers that read much take their turn among the queries: so what people ask holds up neither
// rules nor ingestion, is listed and cancelled as queries are, and ends when its client has gone.

#include "platform/http/router.h"
#include "telemetry/running_queries.h"

namespace wellrun::telemetry {

/// Runs on a worker, once. It ends early where `limits` say so, perhaps at once.
using AnswerInTurn = std::move_only_function<http::Response(const promql::QueryLimits& limits)>;

/// Replies with what `answer` returns, or 429 when too many wait. The route has `watches_peer`.
void answer_in_turn(RunningQueries& running, const http::Request& request, http::Reply reply,
                    AnswerInTurn answer);

/// kCancelled or kDeadline when `limits` say so: for between two reads that cannot be cancelled
/// themselves.
Status go_on(const promql::QueryLimits& limits);

/// Ends a read when `limits`, which outlive it, do.
ReadLimits read_limits(const promql::QueryLimits& limits);

/// Of a read that such limits ended: which of them did. Any other error as it is.
Error reason_of(Error error, const promql::QueryLimits& limits);

}  // namespace wellrun::telemetry
