#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// One relabelling step, as Prometheus' relabel_config.
struct RelabelRule {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  int modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  std::string action = "replace";

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("One relabelling step, as Prometheus' `relabel_config`.");
    s.field("sourceLabels", &RelabelRule::source_labels,
            "Labels whose values are joined and matched.");
    s.field("separator", &RelabelRule::separator, "What joins them.");
    s.field("regex", &RelabelRule::regex, "What the whole of it is matched against (RE2).");
    s.field("modulus", &RelabelRule::modulus, "For `hashmod`.").range(0, 1'000'000'000);
    s.field("targetLabel", &RelabelRule::target_label, "The label that is written.");
    s.field("replacement", &RelabelRule::replacement, "Its value; `$1` is the first group.");
    s.field("action", &RelabelRule::action, "What is done.")
        .one_of({"replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap",
                 "labeldrop", "labelkeep", "lowercase", "uppercase"});
  }
};

struct FileDiscovery {
  std::vector<std::string> files;
  Duration refresh{30'000};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Targets from files, JSON or YAML, as Prometheus' `file_sd_config`.");
    s.field("files", &FileDiscovery::files, "Paths; `*` stands for any part of a name.").required();
    s.field("refreshInterval", &FileDiscovery::refresh, "How often they are read.").positive();
  }
};

struct HttpDiscovery {
  std::string url;
  Duration refresh{60'000};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Targets from an HTTP endpoint, as Prometheus' `http_sd_config`.");
    s.field("url", &HttpDiscovery::url, "What answers with the list.").required().format("url");
    s.field("refreshInterval", &HttpDiscovery::refresh, "How often it is asked.").positive();
  }
};

struct DnsDiscovery {
  std::vector<std::string> names;
  std::string type = "SRV";
  int port = 0;
  Duration refresh{30'000};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Targets by DNS, as Prometheus' `dns_sd_config`.");
    s.field("names", &DnsDiscovery::names, "Names to look up.").required();
    s.field("type", &DnsDiscovery::type, "Of the records.").one_of({"SRV", "A", "AAAA"});
    s.field("port", &DnsDiscovery::port, "Of targets found by `A` and `AAAA`.").range(0, 65'535);
    s.field("refreshInterval", &DnsDiscovery::refresh, "How often they are looked up.").positive();
  }
};

struct BasicAuth {
  std::string username;
  std::string password_ref;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("HTTP basic authentication.");
    s.field("username", &BasicAuth::username, "The user name.").required();
    s.field("passwordRef", &BasicAuth::password_ref, "Where the password is kept.")
        .format("secret-ref");
  }
};

struct Authorization {
  std::string type = "Bearer";
  std::string credentials_ref;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The `Authorization` header.");
    s.field("type", &Authorization::type, "Its first word.");
    s.field("credentialsRef", &Authorization::credentials_ref, "Where the rest is kept.")
        .required()
        .format("secret-ref");
  }
};

struct OAuth2 {
  std::string client_id;
  std::string client_secret_ref;
  std::string token_url;
  std::vector<std::string> scopes;
  TextMap endpoint_params;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("OAuth 2 client credentials: a token is fetched and kept fresh.");
    s.field("clientId", &OAuth2::client_id, "The client.").required();
    s.field("clientSecretRef", &OAuth2::client_secret_ref, "Where its secret is kept.")
        .required()
        .format("secret-ref");
    s.field("tokenUrl", &OAuth2::token_url, "Where tokens are given out.").required().format("url");
    s.field("scopes", &OAuth2::scopes, "What is asked for.");
    s.field("endpointParams", &OAuth2::endpoint_params, "Sent with each request for a token.");
  }
};

struct ScrapeTls {
  std::string ca_file;
  std::string cert_file, key_file;
  std::string server_name;
  bool insecure_skip_verify = false;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("How the target's certificate is checked, and which one is shown to it.");
    s.field("caFile", &ScrapeTls::ca_file, "Certificates to trust beside the system's.");
    s.field("certFile", &ScrapeTls::cert_file,
            "The certificate shown to a target that asks for one (PEM); needs `keyFile`. Both are "
            "read for each connection.");
    s.field("keyFile", &ScrapeTls::key_file, "Its key (PEM).");
    s.field("serverName", &ScrapeTls::server_name,
            "Whom the target's certificate must name. Default: the host of the address.");
    s.field("insecureSkipVerify", &ScrapeTls::insecure_skip_verify,
            "Takes any certificate: only for tests.");
  }
};

/// Targets whose metrics are fetched, as Prometheus' scrape_config.
struct Scrape {
  static constexpr const char* kKind = "Scrape";
  Metadata metadata;
  Ref<Component> component;
  std::string job;                   ///< empty: metadata.name; see job_name()
  std::vector<std::string> targets;  ///< host:port
  std::vector<FileDiscovery> files;
  std::vector<HttpDiscovery> http;
  std::vector<DnsDiscovery> dns;
  std::string scheme = "http";
  std::string path = "/metrics";
  TextMap params;
  Duration interval{15'000};
  std::optional<Duration> timeout;  ///< absent: 10 s, or the interval when that is shorter
  TextMap labels;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool native_histograms = false;
  bool classic_histograms = false;
  bool follow_redirects = true;
  std::vector<RelabelRule> relabel, metric_relabel;
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  std::optional<OAuth2> oauth2;
  std::optional<ScrapeTls> tls;
  int sample_limit = 0;  ///< 0: none; as all limits
  int label_limit = 0, label_name_length_limit = 0, label_value_length_limit = 0;
  int target_limit = 0;
  int body_size_limit = 0;

  const std::string& job_name() const { return job.empty() ? metadata.name : job; }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Targets whose metrics are fetched, as Prometheus' `scrape_config`.");
    s.field("component", &Scrape::component, "The component that the targets are instances of.");
    s.field("job", &Scrape::job, "The `job` label. Default: `metadata.name`.");
    s.field("targets", &Scrape::targets, "Each `host:port`.").format("host-port");
    s.field("files", &Scrape::files, "Targets from files.");
    s.field("http", &Scrape::http, "Targets from HTTP endpoints.");
    s.field("dns", &Scrape::dns, "Targets by DNS.");
    s.field("scheme", &Scrape::scheme, "How to ask.").one_of({"http", "https"});
    s.field("path", &Scrape::path, "What to ask for.");
    s.field("params", &Scrape::params, "Parameters of the URL.");
    s.field("interval", &Scrape::interval, "How often.").positive();
    s.field("timeout", &Scrape::timeout,
            "When to give up; at most the interval. Default: `10s`, or the interval when that is "
            "shorter.")
        .positive();
    s.field("labels", &Scrape::labels, "Labels added to every sample of `targets`.")
        .format("label-map");
    s.field("honorLabels", &Scrape::honor_labels,
            "Whether labels in the samples win over `job`, `instance` and `labels`.");
    s.field("honorTimestamps", &Scrape::honor_timestamps,
            "Whether the target's own timestamps are kept.");
    s.field("trackTimestampsStaleness", &Scrape::track_timestamps_staleness,
            "Whether series with timestamps of their own are marked stale when they end.");
    s.field("nativeHistograms", &Scrape::native_histograms,
            "Asks for the protobuf format, the only one that has native histograms.");
    s.field("classicHistograms", &Scrape::classic_histograms,
            "Keeps the classic series of a native histogram, too.");
    s.field("followRedirects", &Scrape::follow_redirects,
            "Whether a target may send the scrape on to another address. What `basicAuth`, "
            "`authorization` and `oauth2` give goes along only to the same host and port, or to "
            "the same host when it is from http to https.");
    s.field("relabel", &Scrape::relabel, "Steps that change or drop targets.");
    s.field("metricRelabel", &Scrape::metric_relabel, "Steps that change or drop samples.");
    s.field("basicAuth", &Scrape::basic_auth, "User name and password.");
    s.field("authorization", &Scrape::authorization, "A token.");
    s.field("oauth2", &Scrape::oauth2, "Tokens by OAuth 2.");
    s.field("tls", &Scrape::tls, "Certificates: how the target's is checked, which one is shown.");
    s.field("sampleLimit", &Scrape::sample_limit,
            "A scrape with more samples than this, after `metricRelabel`, fails whole; 0: no "
            "limit, as for all limits.")
        .range(0, 10'000'000);
    s.field("labelLimit", &Scrape::label_limit, "Most labels of a sample.").range(0, 1'000);
    s.field("labelNameLengthLimit", &Scrape::label_name_length_limit,
            "Longest name of a label, in bytes.")
        .range(0, 100'000);
    s.field("labelValueLengthLimit", &Scrape::label_value_length_limit,
            "Longest value of a label, in bytes.")
        .range(0, 1'000'000);
    s.field("targetLimit", &Scrape::target_limit,
            "With more targets than this, none of the job is scraped.")
        .range(0, 1'000'000);
    s.field("bodySizeLimit", &Scrape::body_size_limit, "A larger answer, in bytes, fails whole.")
        .range(0, 1'000'000'000);
  }
};

}  // namespace wellrun::catalog
