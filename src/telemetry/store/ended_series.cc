#include "telemetry/store/ended_series.h"

#include <algorithm>

namespace wellrun::telemetry::store {

void EndedSeries::add(std::vector<std::uint32_t> refs) {
  if (refs.empty()) return;
  waiting_ += refs.size();
  left_.push_back({pins_.moment(), std::move(refs)});
}

void EndedSeries::advance(std::uint32_t logged_end) {
  // Each once: those that are not in the log yet come back to the end.
  for (auto count = left_.size(); count > 0 && pins_.all_ended_of(left_.front().moment); --count) {
    auto refs = std::move(left_.front().refs);
    left_.pop_front();
    take(std::move(refs), logged_end);
  }
  while (!taken_.empty() && pins_.all_ended_of(taken_.front().moment)) {
    waiting_ -= taken_.front().count;
    taken_.pop_front();
  }
}

void EndedSeries::take(std::vector<std::uint32_t> refs, std::uint32_t logged_end) {
  const auto unlogged =
      std::ranges::stable_partition(refs, [&](std::uint32_t ref) { return ref < logged_end; });
  if (!unlogged.empty())
    left_.push_back({pins_.moment(), std::vector(unlogged.begin(), unlogged.end())});
  refs.erase(unlogged.begin(), refs.end());
  if (refs.empty()) return;
  for (const auto ref : refs) kept_chunks_.keep(ref, nullptr);
  auto remains = head_.take_out(refs, logged_end);
  taken_.push_back({pins_.moment(), refs.size(), std::move(remains)});
}

}  // namespace wellrun::telemetry::store
