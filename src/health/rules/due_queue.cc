#include "health/rules/due_queue.h"

#include <algorithm>

namespace wellrun::health::rules {

void DueQueue::place(const RuleId& rule, Entry& entry) {
  std::optional<Duration> due = entry.fixed;
  if (entry.first_commit) {
    const auto settled =
        std::min(*entry.last_commit + policy_.settle, *entry.first_commit + policy_.longest_wait);
    const auto by_commit =
        entry.was_evaluated ? std::max(settled, entry.last_evaluation + policy_.spacing) : settled;
    due = due ? std::min(*due, by_commit) : by_commit;
  }
  if (due == entry.due) return;
  if (entry.due) order_.erase({*entry.due, rule});
  if (due) order_.emplace(*due, rule);
  entry.due = due;
}

void DueQueue::committed(const RuleId& rule, Duration now) {
  auto& entry = entries_[rule];
  if (!entry.first_commit) entry.first_commit = now;
  entry.last_commit = now;
  place(rule, entry);
}

void DueQueue::at(const RuleId& rule, Duration moment) {
  auto& entry = entries_[rule];
  entry.fixed = entry.fixed ? std::min(*entry.fixed, moment) : moment;
  place(rule, entry);
}

void DueQueue::evaluated(const RuleId& rule, Duration now) {
  auto& entry = entries_[rule];
  entry.first_commit.reset();
  entry.last_commit.reset();
  entry.fixed.reset();
  entry.last_evaluation = now;
  entry.was_evaluated = true;
  place(rule, entry);
}

void DueQueue::forget(const std::string& group) {
  for (auto entry = entries_.lower_bound({group, 0});
       entry != entries_.end() && entry->first.group == group;) {
    if (entry->second.due) order_.erase({*entry->second.due, entry->first});
    entry = entries_.erase(entry);
  }
}

std::optional<Duration> DueQueue::next() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

DueQueue::Due DueQueue::take_group(std::string group, Duration now) {
  Due due{std::move(group), {}};
  for (auto entry = entries_.lower_bound({due.group, 0});
       entry != entries_.end() && entry->first.group == due.group; ++entry) {
    if (entry->second.due && *entry->second.due <= now) due.rules.push_back(entry->first.index);
  }
  for (const auto index : due.rules) evaluated({due.group, index}, now);
  return due;
}

}  // namespace wellrun::health::rules
