#include "telemetry/running_queries.h"

#include <charconv>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::telemetry {

struct RunningQueries::Query {
  std::uint64_t id = 0;
  Asked asked;
  Work work;
  std::chrono::nanoseconds since{0};
  bool is_running = false;
  std::atomic<bool> cancelled = false;
  promql::QueryCost cost;

  promql::QueryLimits limits(const Clock& clock, Duration timeout) {
    promql::QueryLimits limits;
    limits.cost = &cost;
    limits.cancelled = [this] {
      return cancelled.load(std::memory_order_relaxed) ||
             (asked.abandoned && asked.abandoned->load(std::memory_order_relaxed));
    };
    if (timeout.count() > 0)
      limits.timed_out = [&clock, until = since + timeout] { return clock.steady() > until; };
    return limits;
  }
};

Status RunningQueries::submit(Asked asked, Work& work) {
  const auto query = std::make_shared<Query>();
  {
    const std::scoped_lock lock(mutex_);
    auto& user = users_[asked.user];
    const bool must_wait = !may_run(user);
    if (must_wait &&
        (waiting_ >= options_.max_waiting || user.waiting.size() >= options_.max_waiting_per_user))
      return fail(
          ErrorCode::kExhausted,
          fmt::format("{} queries run and {} wait, {} of them of {}: too many to take another; "
                      "try again later, or see `wellrun queries top`",
                      running_, waiting_, user.waiting.size(), quote(asked.user)));
    query->id = ++last_id_;
    query->asked = std::move(asked);
    query->work = std::move(work);
    query->since = runtime_.clock.steady();
    queries_.emplace(query->id, query);
    if (must_wait) {
      user.waiting.push_back(query);
      ++waiting_;
      return {};
    }
    ++running_;
    ++user.running;
    user.last_turn = ++last_turn_;
    query->is_running = true;
  }
  start(query);
  return {};
}

/// One more of this user. With the lock held.
bool RunningQueries::may_run(const User& user) const {
  return running_ < options_.max_running && user.running < options_.max_running_per_user;
}

void RunningQueries::start(const QueryPtr& query) {
  runtime_.workers.run([this, query] {
    query->cost.waited = runtime_.clock.steady() - query->since;
    auto work = std::move(query->work);
    work(query->limits(runtime_.clock, options_.timeout));
    finished(query);
  });
}

void RunningQueries::finished(const QueryPtr& query) {
  QueryPtr next;
  {
    const std::scoped_lock lock(mutex_);
    queries_.erase(query->id);
    --running_;
    const auto user = users_.find(query->asked.user);
    --user->second.running;
    if (user->second.running == 0 && user->second.waiting.empty()) users_.erase(user);
    next = next_waiting();
  }
  if (next) start(next);
}

/// Of the users who wait and may run another, the one with the fewest running queries, and of those
/// the one whose last turn was longest ago. With the lock held.
RunningQueries::QueryPtr RunningQueries::next_waiting() {
  User* chosen = nullptr;
  for (auto& [name, user] : users_) {
    if (user.waiting.empty() || !may_run(user)) continue;
    if (chosen == nullptr ||
        std::pair(user.running, user.last_turn) < std::pair(chosen->running, chosen->last_turn))
      chosen = &user;
  }
  if (chosen == nullptr) return nullptr;
  auto query = std::move(chosen->waiting.front());
  chosen->waiting.pop_front();
  chosen->last_turn = ++last_turn_;
  ++chosen->running;
  --waiting_;
  ++running_;
  query->is_running = true;
  return query;
}

std::vector<QueryReport> RunningQueries::list() const {
  const auto now = runtime_.clock.steady();
  std::vector<QueryReport> reports;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, query] : queries_)
    reports.push_back({.id = std::to_string(id),
                       .user = query->asked.user,
                       .text = query->asked.text,
                       .is_running = query->is_running,
                       .age = std::chrono::floor<Duration>(now - query->since),
                       .samples = query->cost.samples.load(std::memory_order_relaxed),
                       .series = query->cost.series.load(std::memory_order_relaxed)});
  return reports;
}

Status RunningQueries::cancel(std::string_view id) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(id.data(), id.data() + id.size(), number);
  const std::scoped_lock lock(mutex_);
  const auto found = queries_.find(number);
  if (problem != std::errc() || end != id.data() + id.size() || found == queries_.end())
    return fail(ErrorCode::kNotFound,
                fmt::format("no query {} runs or waits; `wellrun queries top` lists those that do",
                            quote(id)));
  found->second->cancelled = true;
  return {};
}

}  // namespace wellrun::telemetry
