#include "telemetry/scrape/target_group.h"

#include <algorithm>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "core/json.h"
#include "core/text.h"
#include "telemetry/expansion_budget.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr std::size_t kMaxTargets = 100'000;
constexpr std::size_t kMaxGroupsBytes = 64U << 20;

constexpr const char* kNoGroup = "a group is a map with the list `targets` and the map `labels`";

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::kInvalid, "target groups cannot be read: " + std::move(message));
}

/// The groups of one text while they are built: an alias of YAML may repeat what is long a thousand
/// times in a few bytes.
class GroupsBuilder {
 public:
  Status begin_group() {
    groups_.emplace_back();
    return budget_.take(sizeof(TargetGroup));
  }

  Status add_target(const std::string& target) {
    if (++target_count_ > kMaxTargets)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("more than {} targets, which are the most that are taken of a source",
                              kMaxTargets));
    TRY_STATUS(budget_.take(target.size()));
    groups_.back().targets.push_back(target);
    return {};
  }

  Status add_label(const std::string& name, const std::string& value) {
    if (name.empty() || !is_valid_utf8(name) || !is_valid_utf8(value))
      return bad(fmt::format("label {} is not proper", quote(name)));
    TRY_STATUS(budget_.take(sizeof(Label) + name.size() + value.size()));
    groups_.back().labels.set(name, value);
    return {};
  }

  std::vector<TargetGroup> finish() && { return std::move(groups_); }

 private:
  std::vector<TargetGroup> groups_;
  std::size_t target_count_ = 0;
  ExpansionBudget budget_{kMaxGroupsBytes,
                          "target groups would take too much memory once read: make them fewer"};
};

/// JSON is YAML too, but what comes over HTTP must be JSON in full: read it as such when it looks
/// like it.
Result<std::vector<TargetGroup>> from_json(std::string_view text) {
  TRY(const auto json, parse_json(text));
  if (!json.is_array()) return bad("a list of groups is wanted");
  GroupsBuilder groups;
  for (const auto& one : json) {
    if (!one.is_object()) return bad(kNoGroup);
    TRY_STATUS(groups.begin_group());
    if (const auto targets = one.find("targets"); targets != one.end() && !targets->is_null()) {
      if (!targets->is_array()) return bad("`targets` is a list");
      for (const auto& target : *targets) {
        if (!target.is_string()) return bad("a target is text, `host:port`");
        TRY_STATUS(groups.add_target(target.get_ref<const std::string&>()));
      }
    }
    if (const auto labels = one.find("labels"); labels != one.end() && !labels->is_null()) {
      if (!labels->is_object()) return bad("`labels` is a map of text to text");
      for (const auto& [name, value] : labels->items()) {
        if (!value.is_string()) return bad("`labels` is a map of text to text");
        TRY_STATUS(groups.add_label(name, value.get_ref<const std::string&>()));
      }
    }
  }
  return std::move(groups).finish();
}

Result<std::vector<TargetGroup>> from_yaml(const YAML::Node& list) {
  if (!list.IsSequence()) return bad("a list of groups is wanted");
  GroupsBuilder groups;
  for (const auto& one : list) {
    if (!one.IsMap()) return bad(kNoGroup);
    const auto targets = one["targets"];
    if (targets && !targets.IsNull() && !targets.IsSequence()) return bad("`targets` is a list");
    TRY_STATUS(groups.begin_group());
    for (const auto& target : targets) {
      if (!target.IsScalar()) return bad("a target is text, `host:port`");
      TRY_STATUS(groups.add_target(target.Scalar()));
    }
    for (const auto& label : one["labels"]) {
      if (!label.first.IsScalar() || !label.second.IsScalar())
        return bad("`labels` is a map of text to text");
      TRY_STATUS(groups.add_label(label.first.Scalar(), label.second.Scalar()));
    }
  }
  return std::move(groups).finish();
}

/// Percent-encodes what is not unreserved in RFC 3986.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string url_of(const Labels& labels) {
  const auto path = labels.get("__metrics_path__");
  std::string url = fmt::format("{}://{}{}{}", labels.get("__scheme__"), labels.get("__address__"),
                                path.empty() || path.starts_with('/') ? "" : "/", path);
  constexpr std::string_view kParameter = "__param_";
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& label : labels) {
    if (!label.name.starts_with(kParameter)) continue;
    url += separator;
    url += encoded(label.name.substr(kParameter.size())) + "=" + encoded(label.value);
    separator = '&';
  }
  return url;
}

Labels discovered_labels(const JobSettings& job, const TargetGroup& group,
                         const std::string& address) {
  Labels labels = group.labels;
  const auto fallback = [&](std::string_view name, std::string_view value) {
    if (!labels.has(name)) labels.set(name, value);
  };
  labels.set("__address__", address);
  fallback("job", job.target.job);
  fallback("__scheme__", job.scheme);
  fallback("__metrics_path__", job.path);
  fallback("__scrape_interval__", format_duration(job.target.interval));
  fallback("__scrape_timeout__",
           format_duration(std::min(job.target.timeout, job.target.interval)));
  for (const auto& [name, value] : job.parameters) fallback("__param_" + name, value);
  return labels;
}

/// The duration that relabelling left in `name`: above zero, as Prometheus wants it.
Result<Duration> duration_in(const Labels& labels, std::string_view name) {
  auto read = parse_duration(labels.get(name));
  if (!read)
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is {}, which is no duration", name, quote(labels.get(name))));
  if (*read <= Duration{0})
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is {}, it must be above 0", name, quote(labels.get(name))));
  return read;
}

/// Address, interval and timeout as relabelling left them. kInvalid: it left none that can be used.
Status apply_relabelled(const Labels& labels, ScrapeTarget& target) {
  if (labels.get("__address__").empty()) return fail(ErrorCode::kInvalid, "it has no address");
  target.url = url_of(labels);
  TRY(const auto interval, duration_in(labels, "__scrape_interval__"));
  TRY(const auto timeout, duration_in(labels, "__scrape_timeout__"));
  if (timeout > interval)
    return fail(ErrorCode::kInvalid,
                fmt::format("__scrape_timeout__ {} is longer than __scrape_interval__ {}",
                            format_duration(timeout), format_duration(interval)));
  target.interval = interval;
  target.timeout = timeout;
  return {};
}

/// std::nullopt: dropped by relabelling. One that cannot be scraped has the reason as its obstacle,
/// and is seen under the address that discovery gave it.
std::optional<ScrapeTarget> resolve(const JobSettings& job, const Labels& discovered) {
  auto labels = job.relabelling.apply(discovered);
  if (!labels) return std::nullopt;
  ScrapeTarget target = job.target;
  target.discovered = discovered;
  if (const auto applied = apply_relabelled(*labels, target); !applied)
    target.obstacle = fmt::format("job {}: after relabelling {}: {}", job.target.job,
                                  to_string(discovered), applied.error().message);
  if (labels->get("__address__").empty()) {
    labels->set("__address__", discovered.get("__address__"));
    target.url = url_of(*labels);
  }
  if (!labels->has("instance")) labels->set("instance", std::string(labels->get("__address__")));
  for (const auto& label : *labels)
    if (!label.name.starts_with("__")) target.labels.set(label.name, label.value);
  return target;
}

}  // namespace

Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text) {
  const auto start = trimmed(text);
  if (start.starts_with('[') || start.starts_with('{')) return from_json(text);
  try {
    return from_yaml(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return bad(error.what());
  }
}

ResolvedTargets resolve_targets(const JobSettings& job, const std::vector<TargetGroup>& groups) {
  ResolvedTargets out;
  for (const auto& group : groups)
    for (const auto& address : group.targets) {
      const auto discovered = discovered_labels(job, group, address);
      auto target = resolve(job, discovered);
      if (!target) {
        out.dropped.emplace_back(job.target.job, discovered);
        continue;
      }
      if (target->obstacle != job.target.obstacle) out.problems.push_back(target->obstacle);
      out.targets.push_back(std::move(*target));
    }
  if (job.target_limit != 0 && out.targets.size() > job.target_limit) {
    const auto problem = fmt::format("job {}: {} targets, the limit is {}: none is scraped",
                                     job.target.job, out.targets.size(), job.target_limit);
    for (auto& target : out.targets) target.obstacle = problem;
    out.problems.push_back(problem);
  }
  return out;
}

}  // namespace wellrun::telemetry::scrape
