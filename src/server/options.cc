#include "server/options.h"

#include <fmt/format.h>

#include "core/text.h"
#include "platform/http/server.h"
#include "server/cross_origin.h"

namespace wellrun::server {

void declare(config::Settings& settings, Options& options) {
  settings.text("data", "folder", options.data, "where everything is kept");
  settings.text("listen", "address", options.listen, "page and API");
  settings.text("status-listen", "address", options.status_listen,
                "public status page; none when empty");
  settings.text("otlp-http-listen", "address", options.otlp_http_listen,
                "OTLP over HTTP, usually 127.0.0.1:4318; none when empty");
  settings.text("otlp-grpc-listen", "address", options.otlp_grpc_listen,
                "OTLP over gRPC, usually 127.0.0.1:4317; none when empty");
  settings.flag(
      "otlp-auth", options.otlp_auth,
      "senders of OTLP need a token (responder) on loopback too; beyond it they always do");
  settings.text("public-url", "URL", options.public_url,
                "how people reach the page, for links in messages; the listen address when empty");
  settings.text(
      "external-labels", "name=value,…", options.external_labels,
      "labels that tell this server from others: $externalLabels in templates of rules, as "
      "Prometheus' global.external_labels; none when empty");
  settings.text("tls-cert", "file", options.tls_certificate_file, "certificate chain (PEM)");
  settings.text("tls-key", "file", options.tls_key_file, "the certificate's key (PEM)");
  settings.flag("no-auth", options.no_auth, "everyone is admin; refused beyond loopback");
  settings.flag("no-sandbox", options.sandbox, "run commands of runbooks without bubblewrap",
                false);
  settings.text("secrets-folder", "folder", options.secrets_folder,
                "files below it may be given to runs as secret inputs; when empty, only what the "
                "runbooks themselves name");
  settings.duration("retention", options.retention, "how long telemetry is kept");
  settings.duration("out-of-order-window", options.out_of_order_window,
                    "how late a sample may come");
  settings.duration("flush-interval", options.flush_interval,
                    "how often telemetry that was acknowledged is forced to the disk: what a power "
                    "loss may cost, 100ms to 1s; 0s forces each write before it is acknowledged");
  settings.duration("query-timeout", options.query_timeout,
                    "how long a PromQL query, or what else reads much, may wait and take");
  settings.count("query-max-samples", options.query_max_samples,
                 "samples that one query may hold at once, 16 bytes each");
  settings.count("query-max-series", options.query_max_series,
                 "series that one selector of a query may read");
  settings.count("query-cache-bytes", options.query_cache_bytes,
                 "memory for results of range queries, used again by the next; 0 for none",
                 /*least=*/0);
  settings.count("max-series-per-workload", options.max_series_per_workload,
                 "series of a workload without maxSeries, and of a job that is part of none: "
                 "further ones are refused");
  settings.flag("enable-admin-api", options.admin_api,
                "admins may delete series and take snapshots over HTTP, as with Prometheus' "
                "--web.enable-admin-api");
  settings.flag("enable-lifecycle", options.lifecycle,
                "admins may reload and end the server over HTTP, as with Prometheus' "
                "--web.enable-lifecycle");
  settings.text("cors-origin", "regex", options.cors_origin,
                "origins whose web pages may read the Prometheus API, as with Prometheus' "
                "--web.cors.origin; none when empty");
  settings.text(
      "enable-feature", "names", options.features,
      "experimental features, comma-separated, with Prometheus' names: those of PromQL, and "
      "search-api");
  settings.choice("log-level", options.log_level, {"debug", "info", "warning", "error"},
                  "which log lines are written");
  settings.choice("log-format", options.log_format, {"auto", "text", "json"},
                  "auto: text in a terminal, else JSON lines");
}

Result<std::map<std::string, std::string>> read_external_labels(std::string_view text) {
  std::map<std::string, std::string> labels;
  for (auto rest = trimmed(text); !rest.empty();) {
    const auto comma = rest.find(',');
    const auto pair = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const auto equals = pair.find('=');
    const auto name = trimmed(pair.substr(0, equals));
    if (equals == std::string_view::npos || name.empty())
      return fail(ErrorCode::kInvalid,
                  fmt::format("--external-labels: {} is no label; write name=value, and commas "
                              "between several",
                              quote(pair)));
    if (!labels.emplace(name, trimmed(pair.substr(equals + 1))).second)
      return fail(ErrorCode::kInvalid,
                  fmt::format("--external-labels: {} stands twice", quote(name)));
  }
  return labels;
}

Status check(const Options& options) {
  const bool tls = !options.tls_certificate_file.empty();
  if (tls != !options.tls_key_file.empty()) {
    return fail(ErrorCode::kInvalid, "TLS needs both --tls-cert and --tls-key");
  }
  if (auto made = CrossOrigin::make(options.cors_origin); !made)
    return std::unexpected(std::move(made).error());
  if (auto labels = read_external_labels(options.external_labels); !labels)
    return std::unexpected(std::move(labels).error());
  const auto flush = options.flush_interval;
  if (flush != Duration{0} && (flush < Duration{100} || flush > Duration{1000}))
    return fail(ErrorCode::kInvalid,
                fmt::format("--flush-interval is {}: it may be 100ms to 1s, or 0s to force each "
                            "write to the disk before it is acknowledged",
                            format_duration(flush)));
  for (const auto* listen :
       {&options.listen, &options.otlp_http_listen, &options.otlp_grpc_listen}) {
    if (listen->empty()) continue;
    TRY(const bool loopback, http::is_loopback(*listen));
    if (loopback) continue;
    if (options.no_auth) {
      return fail(ErrorCode::kInvalid, fmt::format("--no-auth is refused on {}: everyone who "
                                                   "reaches it would be admin; listen on 127.0.0.1",
                                                   *listen));
    }
    if (!tls) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is not loopback: tokens would travel in clear; give --tls-cert "
                              "and --tls-key, or listen on 127.0.0.1 behind a proxy",
                              *listen));
    }
  }
  return {};
}

}  // namespace wellrun::server
