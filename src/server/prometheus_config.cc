#include "server/prometheus_config.h"

#include <fmt/format.h>

#include "catalog/kinds/scrape.h"
#include "core/text.h"
#include "server/targets.h"

namespace wellrun::server {
namespace {

constexpr std::string_view kSecret = "<secret>";

/// A value that stands in one line: JSON is YAML, too.
template <typename Value>
std::string inline_yaml(const Value& value) {
  return to_text(Json(value));
}

/// Lines of YAML, each as deep as it was asked for. Settings that older versions of Prometheus do
/// not know are said only where they are not the default, so that those can read it.
class Lines {
 public:
  void line(int depth, std::string_view text) {
    out_.append(2 * static_cast<std::size_t>(depth), ' ');
    out_ += text;
    out_ += '\n';
  }
  template <typename Value>
  void field(int depth, std::string_view name, const Value& value) {
    line(depth, fmt::format("{}: {}", name, inline_yaml(value)));
  }
  void field(int depth, std::string_view name, Duration value) {
    line(depth, fmt::format("{}: {}", name, format_duration(value)));
  }
  /// Nothing where it says nothing.
  template <typename Value>
  void field_unless_empty(int depth, std::string_view name, const Value& value) {
    if (value != Value{}) field(depth, name, value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void add_relabelling(Lines& out, std::string_view name,
                     const std::vector<catalog::RelabelRule>& rules) {
  if (rules.empty()) return;
  out.line(1, fmt::format("{}:", name));
  for (const auto& rule : rules) {
    out.line(1, fmt::format("- action: {}", inline_yaml(rule.action)));
    out.field_unless_empty(2, "source_labels", rule.source_labels);
    out.field(2, "separator", rule.separator);
    out.field(2, "regex", rule.regex);
    out.field_unless_empty(2, "modulus", rule.modulus);
    out.field_unless_empty(2, "target_label", rule.target_label);
    out.field(2, "replacement", rule.replacement);
  }
}

void add_credentials(Lines& out, const catalog::Scrape& job) {
  if (job.basic_auth) {
    out.line(1, "basic_auth:");
    out.field(2, "username", job.basic_auth->username);
    if (!job.basic_auth->password_ref.empty()) out.field(2, "password", kSecret);
  }
  if (job.authorization) {
    out.line(1, "authorization:");
    out.field(2, "type", job.authorization->type);
    out.field(2, "credentials", kSecret);
  }
  if (!job.oauth2) return;
  out.line(1, "oauth2:");
  out.field(2, "client_id", job.oauth2->client_id);
  out.field(2, "client_secret", kSecret);
  out.field(2, "token_url", job.oauth2->token_url);
  out.field_unless_empty(2, "scopes", job.oauth2->scopes);
  out.field_unless_empty(2, "endpoint_params", job.oauth2->endpoint_params);
}

void add_tls(Lines& out, const catalog::Scrape& job) {
  if (!job.tls) return;
  out.line(1, "tls_config:");
  out.field_unless_empty(2, "ca_file", job.tls->ca_file);
  out.field_unless_empty(2, "cert_file", job.tls->cert_file);
  out.field_unless_empty(2, "key_file", job.tls->key_file);
  out.field_unless_empty(2, "server_name", job.tls->server_name);
  out.field(2, "insecure_skip_verify", job.tls->insecure_skip_verify);
}

void add_discovery(Lines& out, const catalog::Scrape& job) {
  if (!job.targets.empty()) {
    out.line(1, "static_configs:");
    out.line(1, "- targets:");
    for (const auto& target : job.targets) out.line(2, "- " + inline_yaml(target));
    out.field_unless_empty(2, "labels", job.labels);
  }
  if (!job.files.empty()) out.line(1, "file_sd_configs:");
  for (const auto& files : job.files) {
    out.line(1, "- files: " + inline_yaml(files.files));
    out.field(2, "refresh_interval", files.refresh);
  }
  if (!job.http.empty()) out.line(1, "http_sd_configs:");
  for (const auto& http : job.http) {
    out.line(1, "- url: " + inline_yaml(http.url));
    out.field(2, "refresh_interval", http.refresh);
  }
  if (!job.dns.empty()) out.line(1, "dns_sd_configs:");
  for (const auto& dns : job.dns) {
    out.line(1, "- names: " + inline_yaml(dns.names));
    out.field(2, "type", dns.type);
    out.field_unless_empty(2, "port", dns.port);
    out.field(2, "refresh_interval", dns.refresh);
  }
}

/// Prometheus' parameters are lists.
std::map<std::string, std::vector<std::string>> listed(const catalog::TextMap& params) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& [name, value] : params) out[name] = {value};
  return out;
}

void add_job(Lines& out, const catalog::Scrape& job) {
  out.line(0, "- job_name: " + inline_yaml(job.job_name()));
  out.field(1, "honor_labels", job.honor_labels);
  out.field(1, "honor_timestamps", job.honor_timestamps);
  out.field_unless_empty(1, "track_timestamps_staleness", job.track_timestamps_staleness);
  out.field_unless_empty(1, "params", listed(job.params));
  out.field(1, "scrape_interval", job.interval);
  out.field(1, "scrape_timeout", timeout_of(job));
  out.field_unless_empty(1, "scrape_native_histograms", job.native_histograms);
  out.field_unless_empty(1, "always_scrape_classic_histograms", job.classic_histograms);
  out.field(1, "metrics_path", job.path);
  out.field(1, "scheme", job.scheme);
  if (job.body_size_limit > 0)
    out.field(1, "body_size_limit", fmt::format("{}B", job.body_size_limit));
  out.field_unless_empty(1, "sample_limit", job.sample_limit);
  out.field_unless_empty(1, "target_limit", job.target_limit);
  out.field_unless_empty(1, "label_limit", job.label_limit);
  out.field_unless_empty(1, "label_name_length_limit", job.label_name_length_limit);
  out.field_unless_empty(1, "label_value_length_limit", job.label_value_length_limit);
  out.field(1, "follow_redirects", job.follow_redirects);
  add_credentials(out, job);
  add_tls(out, job);
  add_relabelling(out, "relabel_configs", job.relabel);
  add_relabelling(out, "metric_relabel_configs", job.metric_relabel);
  add_discovery(out, job);
}

}  // namespace

std::string prometheus_configuration(const Options& options, const catalog::Catalog& catalog) {
  const catalog::Scrape by_default;
  Lines out;
  out.line(0, "global:");
  out.field(1, "scrape_interval", by_default.interval);
  out.field(1, "scrape_timeout", timeout_of(by_default));
  out.line(1, "evaluation_interval: 30s");
  const auto jobs = catalog.all<catalog::Scrape>();
  out.line(0, jobs.empty() ? "scrape_configs: []" : "scrape_configs:");
  for (const auto* job : jobs) add_job(out, *job);
  out.line(0, "storage:");
  out.line(1, "tsdb:");
  out.field(2, "out_of_order_time_window", options.out_of_order_window);
  return out.take();
}

}  // namespace wellrun::server
