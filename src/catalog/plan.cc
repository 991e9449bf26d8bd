#include "catalog/plan.h"

#include <set>

#include "catalog/kinds/escalation_policy.h"
#include "catalog/kinds/schedule.h"
#include "catalog/kinds/workload.h"
#include "catalog/on_call.h"
#include "catalog/registry.h"
#include "catalog/yaml.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr Duration kAhead = std::chrono::hours(14 * 24);
constexpr std::size_t kMostHandovers = 2000;
constexpr std::size_t kShownAround = 3;
constexpr std::size_t kMostCells = 4'000'000;

std::string canonical(const Resource& resource) {
  const Kind* kind = kind_named(resource.kind);
  return write_yaml(encode_resource(*kind, resource.value.get(), Writing::kCompact));
}

std::vector<Change> changes_between(const Catalog& current, const Catalog& wanted) {
  std::vector<Change> changes;
  for (const Resource* after : wanted.resources()) {
    const Resource* before = current.resource(after->kind, after->name);
    if (before != nullptr && before->digest == after->digest) continue;
    const std::string old_text = before == nullptr ? std::string{} : canonical(*before);
    changes.push_back({before == nullptr ? "create" : "change", after->kind, after->name,
                       line_diff(old_text, canonical(*after))});
  }
  for (const Resource* before : current.resources()) {
    if (wanted.resource(before->kind, before->name) != nullptr) continue;
    changes.push_back({"delete", before->kind, before->name, line_diff(canonical(*before), {})});
  }
  std::ranges::sort(changes, {}, [](const Change& c) { return std::pair(c.kind, c.name); });
  return changes;
}

const EscalationLevel* level_of(const Catalog& catalog, const std::string& workload,
                                std::size_t level) {
  const Workload* found = catalog.find<Workload>(workload);
  if (found == nullptr) return nullptr;
  const EscalationPolicy* policy = catalog.find(found->escalation_policy);
  return policy != nullptr && level < policy->levels.size() ? &policy->levels[level] : nullptr;
}

std::string paged_at(const Catalog& catalog, const EscalationLevel* level, Timestamp at) {
  std::set<std::string> persons;
  if (level == nullptr) return {};
  for (const Ref<Person>& person : level->persons) persons.insert(person.name);
  for (const Ref<Schedule>& each : level->schedules) {
    const Schedule* schedule = catalog.find(each);
    if (schedule == nullptr) continue;
    if (const auto on_call = who_is_on_call(*schedule, at)) persons.insert(on_call->person);
  }
  return fmt::format("{}", fmt::join(persons, ", "));
}

/// The moments in [now, until) at which someone may take over.
void add_handovers(const Catalog& catalog, const EscalationLevel* level, Timestamp now,
                   std::set<Timestamp>& moments) {
  const Timestamp until = now + kAhead;
  if (level == nullptr) return;
  for (const Ref<Schedule>& each : level->schedules) {
    const Schedule* schedule = catalog.find(each);
    if (schedule == nullptr) continue;
    if (schedule->start > now && schedule->start < until) moments.insert(schedule->start);
    for (const Override& override : schedule->overrides) {
      if (override.from > now && override.from < until) moments.insert(override.from);
      if (override.to > now && override.to < until) moments.insert(override.to);
    }
    Timestamp at = std::max(now, schedule->start);
    for (std::size_t i = 0; i < kMostHandovers; ++i) {
      const auto on_call = who_is_on_call(*schedule, at);
      if (!on_call || on_call->to >= until) break;
      moments.insert(at = on_call->to);
    }
  }
}

void compare_level(const Catalog& current, const Catalog& wanted, const std::string& workload,
                   std::size_t index, Timestamp now, std::vector<PagingChange>& changes) {
  const EscalationLevel* before = level_of(current, workload, index);
  const EscalationLevel* after = level_of(wanted, workload, index);
  std::set<Timestamp> moments = {now};
  add_handovers(current, before, now, moments);
  add_handovers(wanted, after, now, moments);
  std::string last_from, last_to;
  for (const Timestamp at : moments) {
    std::string from = paged_at(current, before, at);
    std::string to = paged_at(wanted, after, at);
    const bool already_said = from == last_from && to == last_to;
    last_from = from;
    last_to = to;
    if (from == to || already_said) continue;
    changes.push_back({workload, static_cast<int>(index) + 1, std::move(from), std::move(to), at});
  }
}

std::size_t level_count(const Catalog& catalog, const std::string& workload) {
  std::size_t count = 0;
  while (level_of(catalog, workload, count) != nullptr) ++count;
  return count;
}

std::vector<PagingChange> paging_between(const Catalog& current, const Catalog& wanted,
                                         Timestamp now) {
  std::set<std::string> workloads;
  for (const Workload* each : current.all<Workload>()) workloads.insert(each->metadata.name);
  for (const Workload* each : wanted.all<Workload>()) workloads.insert(each->metadata.name);
  std::vector<PagingChange> changes;
  for (const std::string& workload : workloads) {
    const std::size_t levels =
        std::max(level_count(current, workload), level_count(wanted, workload));
    for (std::size_t level = 0; level < levels; ++level) {
      compare_level(current, wanted, workload, level, now, changes);
    }
  }
  return changes;
}

struct Line {
  char mark;
  std::string_view text;
};

/// Longest common subsequence by the textbook table; a pair too large for it is shown as gone and
/// come.
std::vector<Line> aligned(const std::vector<std::string_view>& before,
                          const std::vector<std::string_view>& after) {
  std::vector<Line> lines;
  const std::size_t rows = before.size(), columns = after.size();
  if ((rows + 1) * (columns + 1) > kMostCells) {
    for (const auto line : before) lines.push_back({'-', line});
    for (const auto line : after) lines.push_back({'+', line});
    return lines;
  }
  std::vector<std::uint32_t> common((rows + 1) * (columns + 1));
  const auto cell = [&](std::size_t r, std::size_t c) -> std::uint32_t& {
    return common[r * (columns + 1) + c];
  };
  for (std::size_t r = rows; r-- > 0;) {
    for (std::size_t c = columns; c-- > 0;) {
      cell(r, c) =
          before[r] == after[c] ? cell(r + 1, c + 1) + 1 : std::max(cell(r + 1, c), cell(r, c + 1));
    }
  }
  std::size_t r = 0, c = 0;
  while (r < rows || c < columns) {
    if (r < rows && c < columns && before[r] == after[c]) {
      lines.push_back({' ', before[r++]});
      ++c;
    } else if (r < rows && (c == columns || cell(r + 1, c) >= cell(r, c + 1))) {
      lines.push_back({'-', before[r++]});
    } else {
      lines.push_back({'+', after[c++]});
    }
  }
  return lines;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.empty()) return {};
  if (text.ends_with('\n')) text.remove_suffix(1);
  return split(text, '\n');
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after) {
  const std::vector<Line> lines = aligned(lines_of(before), lines_of(after));
  std::vector<bool> shown(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark == ' ') continue;
    const std::size_t first = i < kShownAround ? 0 : i - kShownAround;
    const std::size_t last = std::min(lines.size() - 1, i + kShownAround);
    for (std::size_t near = first; near <= last; ++near) shown[near] = true;
  }
  std::string diff;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (shown[i]) {
      diff += fmt::format("{} {}\n", lines[i].mark, lines[i].text);
    } else if (i > 0 && shown[i - 1]) {
      diff += "  ...\n";
    }
  }
  return diff;
}

Plan plan(const Catalog& current, const Catalog& wanted, Timestamp now) {
  return {changes_between(current, wanted), paging_between(current, wanted, now)};
}

Json to_json(const Plan& plan) {
  Json changes = Json::array();
  for (const Change& each : plan.changes) {
    changes.push_back(
        {{"action", each.action}, {"kind", each.kind}, {"name", each.name}, {"diff", each.diff}});
  }
  Json paging = Json::array();
  for (const PagingChange& each : plan.paging_changes) {
    paging.push_back({{"workload", each.workload},
                      {"level", each.level},
                      {"from_person", each.from_person},
                      {"to_person", each.to_person},
                      {"at", format_rfc3339(each.at)}});
  }
  return {{"changes", std::move(changes)}, {"paging_changes", std::move(paging)}};
}

}  // namespace wellrun::catalog
