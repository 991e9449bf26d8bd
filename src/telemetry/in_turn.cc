#include "telemetry/in_turn.h"

namespace wellrun::telemetry {

void answer_in_turn(RunningQueries& running, const http::Request& request, http::Reply reply,
                    AnswerInTurn answer) {
  // Shared, since a refusal must still have somewhere to go when the work has not been taken.
  const auto shared = std::make_shared<http::Reply>(std::move(reply));
  RunningQueries::Work work =
      [shared, answer = std::move(answer)](const promql::QueryLimits& limits) mutable {
        // Whoever has left or was cancelled while waiting costs nothing more.
        const auto status = go_on(limits);
        (*shared)(status ? answer(limits) : http::problem_response(status.error()));
      };
  const auto taken = running.submit(
      {request.principal.actor, request.method + " " + request.path, request.abandoned}, work);
  if (!taken) (*shared)(http::problem_response(taken.error()));
}

Status go_on(const promql::QueryLimits& limits) {
  if (limits.cancelled && limits.cancelled())
    return fail(ErrorCode::kCancelled, "the query was cancelled");
  if (limits.timed_out && limits.timed_out())
    return fail(ErrorCode::kDeadline, "it took longer than --query-timeout, waiting included");
  return {};
}

ReadLimits read_limits(const promql::QueryLimits& limits) {
  return {.cancelled = [&limits] { return !go_on(limits); }};
}

Error reason_of(Error error, const promql::QueryLimits& limits) {
  if (error.code != ErrorCode::kCancelled) return error;
  auto ended = go_on(limits);
  return ended ? std::move(error) : std::move(ended).error();
}

}  // namespace wellrun::telemetry
