#include "health/rules/due_queue.h"

#include <algorithm>

namespace wellrun::health::rules {

void DueQueue::place(const RuleId& rule, Entry& entry, Timestamp now) {
  std::optional<Timestamp> due = entry.fixed;
  if (entry.first_commit) {
    const auto settled =
        std::min(*entry.last_commit + policy_.settle, *entry.first_commit + policy_.longest_wait);
    // An evaluation in the future: the clock was set back since.
    const bool clock_went_back = entry.last_evaluation > now;
    const auto by_commit =
        clock_went_back ? settled : std::max(settled, entry.last_evaluation + policy_.spacing);
    due = due ? std::min(*due, by_commit) : by_commit;
  }
  if (due == entry.due) return;
  if (entry.due) order_.erase({*entry.due, rule});
  if (due) order_.emplace(*due, rule);
  entry.due = due;
}

void DueQueue::committed(const RuleId& rule, Timestamp now) {
  auto& entry = entries_[rule];
  if (!entry.first_commit || *entry.first_commit > now) entry.first_commit = now;
  entry.last_commit = now;
  place(rule, entry, now);
}

void DueQueue::at(const RuleId& rule, Timestamp time) {
  auto& entry = entries_[rule];
  entry.fixed = entry.fixed ? std::min(*entry.fixed, time) : time;
  place(rule, entry, entry.last_evaluation);
}

void DueQueue::evaluated(const RuleId& rule, Timestamp now) {
  auto& entry = entries_[rule];
  entry.first_commit.reset();
  entry.last_commit.reset();
  entry.fixed.reset();
  entry.last_evaluation = now;
  place(rule, entry, now);
}

void DueQueue::forget(const std::string& group) {
  for (auto entry = entries_.lower_bound({group, 0});
       entry != entries_.end() && entry->first.group == group;) {
    if (entry->second.due) order_.erase({*entry->second.due, entry->first});
    entry = entries_.erase(entry);
  }
}

std::optional<Timestamp> DueQueue::next() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

DueQueue::Due DueQueue::take_group(std::string group, Timestamp now) {
  Due due{std::move(group), {}};
  for (auto entry = entries_.lower_bound({due.group, 0});
       entry != entries_.end() && entry->first.group == due.group; ++entry) {
    if (entry->second.due && *entry->second.due <= now) due.rules.push_back(entry->first.index);
  }
  for (const auto index : due.rules) evaluated({due.group, index}, now);
  return due;
}

}  // namespace wellrun::health::rules
