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
  return {};
}

}  // namespace wellrun::telemetry
