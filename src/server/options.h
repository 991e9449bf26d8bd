#pragma once

// What `wellrun serve` can be told. Flags, environment, file and defaults are laid over each other
// by cli/settings.cc.

#include <map>
#include <string>
#include <string_view>

#include "core/time.h"
#include "platform/config/settings.h"

namespace wellrun::server {

struct Options {
  std::string data = "wellrun-data";      ///< folder; made when absent
  std::string listen = "127.0.0.1:7070";  ///< page and API
  std::string status_listen;              ///< public status page; empty: none
  std::string otlp_http_listen;  ///< OTLP over HTTP; empty: only below /api/v1/otlp of `listen`
  std::string otlp_grpc_listen;  ///< OTLP over gRPC; empty: none
  bool otlp_auth = false;        ///< OTLP senders need a token on loopback too
  std::string tls_certificate_file, tls_key_file;
  bool no_auth = false;  ///< everyone is admin; loopback only
  Duration retention = std::chrono::days(15);
  Duration out_of_order_window = std::chrono::hours(1);
  Duration flush_interval{1000};  ///< what a power loss may cost of telemetry; 0: nothing
  Duration query_timeout = std::chrono::minutes(2);
  std::size_t query_max_samples = 50'000'000;     ///< that one query holds, 16 bytes each
  std::size_t query_max_series = 500'000;         ///< that one selector of a query reads
  std::size_t query_cache_bytes = 64U << 20;      ///< of results kept from query to query; 0: none
  std::size_t max_series_per_workload = 500'000;  ///< unless it says so itself; jobs, too
  bool admin_api = false;                         ///< whether series can be deleted over HTTP
  bool lifecycle = false;                         ///< whether /-/reload and /-/quit do anything
  std::string cors_origin;      ///< regex of origins whose pages may read metrics; empty: none
  std::string features;         ///< PromQL features, as Prometheus' --enable-feature
  std::string public_url;       ///< how people reach `listen`; for links in messages
  std::string external_labels;  ///< "region=eu,replica=a": $externalLabels of rules' templates
  bool sandbox = true;          ///< run commands of runbooks in bubblewrap
  std::string secrets_folder;   ///< its files may be given to runs as secret inputs; empty: none
  std::string log_level = "info";
  std::string log_format = "auto";
  std::string config_file;  ///< which settings were read from; empty: none
  std::string version, revision, build_date;
};

/// Declares every setting: the one place that knows their names, for flags, environment and file.
/// `options` outlives `settings`.
void declare(config::Settings& settings, Options& options);

/// name -> value of a list as `Options::external_labels`; blanks around both do not count.
/// kInvalid: a pair without "=", without a name, or with the name of one before.
Result<std::map<std::string, std::string>> read_external_labels(std::string_view text);

/// kInvalid when the options contradict each other or open a door: --no-auth or no TLS beyond
/// loopback.
Status check(const Options& options);

}  // namespace wellrun::server
