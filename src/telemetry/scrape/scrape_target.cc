#include "telemetry/scrape/scrape_target.h"

#include <algorithm>
#include <tuple>

namespace wellrun::telemetry::scrape {
namespace {

/// "host:port" of a URL, with the scheme's port when none is given: what Prometheus calls
/// __address__.
std::string address_of(std::string_view url) {
  const bool secure = url.starts_with("https://");
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  std::string host(url.substr(0, url.find_first_of("/?#")));
  if (const auto at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  return has_port ? host : host + (secure ? ":443" : ":80");
}

auto limits_of(const ExpositionLimits& limits) {
  return std::tie(limits.max_samples, limits.max_labels, limits.max_name_bytes,
                  limits.max_value_bytes);
}

}  // namespace

bool ScrapeTarget::operator==(const ScrapeTarget& other) const {
  const auto all = [](const ScrapeTarget& t) {
    return std::tie(
        t.job, t.url, t.labels, t.interval, t.timeout, t.honor_labels, t.honor_timestamps,
        t.track_timestamps_staleness, t.discovered, t.metric_relabelling, t.sample_limits,
        t.native_histograms, t.classic_histograms, t.max_body_bytes, t.ca_file, t.certificate_file,
        t.key_file, t.server_name, t.verify_certificate, t.follow_redirects, t.obstacle);
  };
  const auto same_header = [](const http::Header& a, const http::Header& b) {
    return a.name == b.name && a.value == b.value;
  };
  return all(*this) == all(other) && limits_of(limits) == limits_of(other.limits) &&
         std::ranges::equal(headers, other.headers, same_header);
}

Labels target_labels(const ScrapeTarget& target) {
  auto labels = target.labels;
  if (!labels.has("instance")) labels.set("instance", address_of(target.url));
  return labels;
}

}  // namespace wellrun::telemetry::scrape
