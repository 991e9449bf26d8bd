#pragma once

// Finds the targets of scrape jobs: as written, from files, over HTTP, by DNS; asks again on an
// interval; and gives the scraper what relabelling makes of them. Keeps OAuth 2 tokens fresh. Lives
// on the strand. What a source (or one of its files and names) said last holds while it cannot be
// asked; targets whose token cannot be had stay, with that as their obstacle. Source: Prometheus'
// configuration, file_sd_config, http_sd_config, dns_sd_config, oauth2.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/http/client.h"
#include "platform/runtime/runtime.h"
#include "telemetry/scrape/scraper.h"
#include "telemetry/scrape/target_group.h"

namespace wellrun::telemetry::scrape {

struct FileSource {
  std::vector<std::string> patterns;  ///< paths; the last segment may hold `*`
  Duration refresh = std::chrono::seconds(30);
  auto operator<=>(const FileSource&) const = default;
};

struct HttpSource {
  std::string url;
  Duration refresh = std::chrono::seconds(60);
  auto operator<=>(const HttpSource&) const = default;
};

struct DnsSource {
  std::vector<std::string> names;
  std::string type = "SRV";  ///< A, AAAA or SRV
  int port = 0;              ///< of A and AAAA
  Duration refresh = std::chrono::seconds(30);
  auto operator<=>(const DnsSource&) const = default;
};

/// Client credentials, RFC 6749, section 4.4. The secret is resolved already.
struct OAuthSource {
  std::string token_url, client_id, client_secret;
  std::vector<std::string> scopes;
  std::map<std::string, std::string> parameters;  ///< sent with the request for a token
  auto operator<=>(const OAuthSource&) const = default;
};

struct ScrapeJob {
  JobSettings settings;
  std::vector<TargetGroup> groups;
  std::vector<FileSource> files;
  std::vector<HttpSource> http;
  std::vector<DnsSource> dns;
  std::optional<OAuthSource> oauth;
};

class Discovery {
 public:
  /// References outlive it. A name server that does not answer holds one of the runtime's workers
  /// for as long as the resolver waits: they should be for this alone.
  Discovery(Runtime runtime, http::Client& client, Scraper& scraper);
  ~Discovery();

  /// From now on these. Sources that stay, however often they are asked now, keep what they found;
  /// one that replaces another of its job has what that found until it answers itself. A token
  /// holds until there is one for another secret.
  void set_jobs(std::vector<ScrapeJob> jobs);

  /// What went wrong last, one a source or target.
  std::vector<std::string> problems() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What a source says, by file or by name: one that fails is no reason to lose the others.
using FoundParts = std::map<std::string, Result<std::vector<TargetGroup>>>;

/// The groups of all files that match. Blocks: on a worker.
FoundParts read_target_files(const FileSource& source);

/// The addresses behind the names; none for a name that there is not. Blocks: on a worker.
FoundParts look_up_targets(const DnsSource& source);

/// A name server's answer about the services `name`: a group for each SRV record, sorted by target,
/// with the record's own words in the labels. The host in them ends with the dot of a whole name,
/// as Prometheus has it. kUnavailable: it is no answer.
Result<std::vector<TargetGroup>> read_services(const std::string& name,
                                               std::span<const unsigned char> answer);

}  // namespace wellrun::telemetry::scrape
