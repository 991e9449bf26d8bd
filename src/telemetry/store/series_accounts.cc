#include "telemetry/store/series_accounts.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::int64_t kBetweenFloodsMs = 600'000;  ///< without refusals: the next is another flood

constexpr AccountId kWithoutJob = 0;
constexpr std::string_view kOtherJobs = "other jobs";

std::string key_of(char kind, std::string_view name) {
  return std::string(1, kind).append(name);
}

/// Where `labels` keep the value of that label; null for any other.
std::string_view* place_of(std::string_view name, OwnerLabels& labels) {
  if (name == "job") return &labels.job;
  if (name == "service_name") return &labels.service;
  return name == "workload" ? &labels.workload : nullptr;
}

}  // namespace

OwnerLabels::OwnerLabels(std::string_view canonical) {
  LabelView label;
  for (LabelWalk walk(canonical); walk.next(label);)
    if (auto* const value = place_of(label.name, *this)) *value = label.value;
}

bool OwnerLabels::any_in(std::string_view canonical_pairs) {
  OwnerLabels found;
  LabelView label;
  for (LabelWalk walk(canonical_pairs); walk.next(label);)
    if (place_of(label.name, found) != nullptr) return true;
  return false;
}

SeriesAccounts::SeriesAccounts() {
  open(key_of('j', {}), {});
}

void SeriesAccounts::set_rules(OwnerRules rules) {
  workload_of_job_.clear();
  rules_ = std::move(rules);
  for (const auto& [job, workload] : rules_.workload_of_job) workload_of_job_[job] = &workload;
  for (const auto& [workload, limit] : rules_.workloads)
    open(key_of('w', workload), {.workload = workload});
  for (auto& account : accounts_) account.max_series = limit_of(account.workload);
}

std::size_t SeriesAccounts::limit_of(const std::string& workload) const {
  const auto own = rules_.workloads.find(workload);
  const bool has_own = own != rules_.workloads.end() && own->second != 0;
  return has_own ? own->second : rules_.default_max_series;
}

AccountId SeriesAccounts::open(std::string key, Account account) {
  const auto [found, is_new] =
      by_key_.try_emplace(std::move(key), static_cast<AccountId>(accounts_.size()));
  if (!is_new) return found->second;
  account.max_series = limit_of(account.workload);
  accounts_.push_back(std::move(account));
  return found->second;
}

/// A series says it itself, or its job is one of a workload.
const std::string* SeriesAccounts::workload_of(const OwnerLabels& labels) const {
  const auto job = labels.job;
  if (!labels.workload.empty()) {
    const auto named = rules_.workloads.find(std::string(labels.workload));
    if (named != rules_.workloads.end()) return &named->first;
  }
  const auto slash = job.rfind('/');
  const auto behind = slash == std::string_view::npos ? std::string_view() : job.substr(slash + 1);
  for (const auto name : {job, behind, labels.service}) {
    if (name.empty()) continue;
    const auto found = workload_of_job_.find(name);
    if (found != workload_of_job_.end()) return found->second;
  }
  return nullptr;
}

AccountId SeriesAccounts::find_or_open(const OwnerLabels& labels) {
  if (const auto* workload = workload_of(labels))
    return open(key_of('w', *workload), {.workload = *workload});
  if (labels.job.empty()) return kWithoutJob;
  auto key = key_of('j', labels.job);
  if (accounts_.size() < kMaxAccounts || by_key_.contains(key))
    return open(std::move(key), {.job = std::string(labels.job)});
  return open(key_of('o', {}), {.job = std::string(kOtherJobs)});
}

bool SeriesAccounts::is_full(AccountId account) const {
  const auto& of = accounts_[account];
  return of.max_series != 0 && of.series >= of.max_series;
}

std::optional<AccountId> SeriesAccounts::full(const OwnerLabels& labels) const {
  const auto* workload = workload_of(labels);
  const auto found = by_key_.find(workload ? key_of('w', *workload) : key_of('j', labels.job));
  if (found == by_key_.end() || !is_full(found->second)) return std::nullopt;
  return found->second;
}

std::optional<AccountId> SeriesAccounts::find(std::string_view workload,
                                              std::string_view job) const {
  const auto found = by_key_.find(workload.empty() ? key_of('j', job) : key_of('w', workload));
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

void SeriesAccounts::note_refused(AccountId account, std::uint64_t samples,
                                  const std::string& series, std::int64_t now_ms) {
  const std::scoped_lock lock(refused_mutex_);
  auto& refused = refused_[account];
  const bool is_another_flood = refused.last_ms + kBetweenFloodsMs < now_ms;
  if (refused.series.empty() || is_another_flood) refused.series = series;
  refused.samples += samples;
  refused.last_ms = now_ms;
}

std::string SeriesAccounts::refusal(AccountId account) const {
  const auto& of = accounts_[account];
  const auto whose = !of.workload.empty() ? "workload " + quote(of.workload)
                     : of.job.empty()     ? std::string("what has no job label")
                                          : "job " + quote(of.job);
  return fmt::format(
      "{} has {} series, and its limit is {}: new ones are refused, the known ones go on; see who "
      "makes them (wellrun series top), or raise maxSeries of the workload",
      whose, of.series, of.max_series);
}

std::vector<OwnerUsage> SeriesAccounts::usage() const {
  std::vector<OwnerUsage> all;
  const std::scoped_lock lock(refused_mutex_);
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    const auto& of = accounts_[i];
    OwnerUsage usage{.workload = of.workload,
                     .job = of.job,
                     .series = of.series,
                     .max_series = of.max_series,
                     .refused_series = {}};
    if (const auto refused = refused_.find(static_cast<AccountId>(i)); refused != refused_.end()) {
      usage.refused = refused->second.samples;
      usage.refused_ms = refused->second.last_ms;
      usage.refused_series = refused->second.series;
    }
    const bool is_known = !of.workload.empty() && rules_.workloads.contains(of.workload);
    if (usage.series > 0 || usage.refused > 0 || is_known) all.push_back(std::move(usage));
  }
  std::ranges::stable_sort(all, std::ranges::greater(), &OwnerUsage::series);
  return all;
}

}  // namespace wellrun::telemetry::store
