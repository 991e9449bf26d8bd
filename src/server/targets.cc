#include "server/targets.h"

#include <algorithm>
#include <openssl/evp.h>

#include "catalog/kinds/scrape.h"
#include "platform/log/log.h"

namespace wellrun::server {
namespace {

namespace scrape = telemetry::scrape;

constexpr std::size_t kDefaultBodyBytes = 64U << 20;

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<scrape::Relabelling> relabelling(const std::vector<catalog::RelabelRule>& rules) {
  return scrape::Relabelling::compile(relabel_steps(rules));
}

Status add_credentials(const catalog::Scrape& from, const ReadSecret& read_secret,
                       scrape::ScrapeJob& job) {
  auto& headers = job.settings.target.headers;
  if (from.basic_auth) {
    std::string password;
    if (!from.basic_auth->password_ref.empty()) {
      TRY(password, read_secret(from.basic_auth->password_ref));
    }
    headers.push_back(
        {"Authorization", "Basic " + base64(from.basic_auth->username + ":" + password)});
  }
  if (from.authorization) {
    TRY(const auto credentials, read_secret(from.authorization->credentials_ref));
    headers.push_back({"Authorization", from.authorization->type + " " + credentials});
  }
  if (!from.oauth2) return {};
  scrape::OAuthSource oauth{.token_url = from.oauth2->token_url,
                            .client_id = from.oauth2->client_id,
                            .scopes = from.oauth2->scopes,
                            .parameters = from.oauth2->endpoint_params};
  TRY(oauth.client_secret, read_secret(from.oauth2->client_secret_ref));
  job.oauth = std::move(oauth);
  return {};
}

std::size_t limit_of(int limit) {
  return static_cast<std::size_t>(std::max(limit, 0));
}

Result<scrape::ScrapeJob> job_of(const catalog::Scrape& from, const ReadSecret& read_secret) {
  scrape::ScrapeJob job;
  auto& settings = job.settings;
  auto& target = settings.target;
  target.job = from.job_name();
  target.interval = from.interval;
  target.timeout = timeout_of(from);
  target.honor_labels = from.honor_labels;
  target.honor_timestamps = from.honor_timestamps;
  target.track_timestamps_staleness = from.track_timestamps_staleness;
  target.native_histograms = from.native_histograms;
  target.classic_histograms = from.classic_histograms;
  target.sample_limits = {.samples = limit_of(from.sample_limit),
                          .labels = limit_of(from.label_limit),
                          .label_name_bytes = limit_of(from.label_name_length_limit),
                          .label_value_bytes = limit_of(from.label_value_length_limit)};
  target.max_body_bytes =
      from.body_size_limit > 0 ? limit_of(from.body_size_limit) : kDefaultBodyBytes;
  target.follow_redirects = from.follow_redirects;
  if (from.tls) {
    target.ca_file = from.tls->ca_file;
    target.certificate_file = from.tls->cert_file;
    target.key_file = from.tls->key_file;
    target.server_name = from.tls->server_name;
    target.verify_certificate = !from.tls->insecure_skip_verify;
  }
  TRY(target.metric_relabelling, relabelling(from.metric_relabel));
  TRY(settings.relabelling, relabelling(from.relabel));
  settings.scheme = from.scheme;
  settings.path = from.path;
  settings.parameters.assign(from.params.begin(), from.params.end());
  settings.target_limit = limit_of(from.target_limit);
  scrape::TargetGroup group{.targets = from.targets};
  for (const auto& [name, value] : from.labels) group.labels.set(name, value);
  job.groups.push_back(std::move(group));
  for (const auto& one : from.files)
    job.files.push_back({.patterns = one.files, .refresh = one.refresh});
  for (const auto& one : from.http) job.http.push_back({.url = one.url, .refresh = one.refresh});
  for (const auto& one : from.dns)
    job.dns.push_back(
        {.names = one.names, .type = one.type, .port = one.port, .refresh = one.refresh});
  if (const auto added = add_credentials(from, read_secret, job); !added)
    target.obstacle = to_string(added.error());
  return job;
}

}  // namespace

Duration timeout_of(const catalog::Scrape& scrape) {
  return scrape.timeout.value_or(std::min(Duration{10'000}, scrape.interval));
}

std::vector<scrape::RelabelStep> relabel_steps(const std::vector<catalog::RelabelRule>& rules) {
  std::vector<scrape::RelabelStep> steps;
  for (const auto& rule : rules)
    steps.push_back({.source_labels = rule.source_labels,
                     .separator = rule.separator,
                     .regex = rule.regex,
                     .modulus = static_cast<std::uint64_t>(rule.modulus),
                     .target_label = rule.target_label,
                     .replacement = rule.replacement,
                     .action = rule.action});
  return steps;
}

std::vector<scrape::ScrapeJob> scrape_jobs(const catalog::Catalog& catalog,
                                           const ReadSecret& read_secret) {
  std::vector<scrape::ScrapeJob> jobs;
  for (const auto* one : catalog.all<catalog::Scrape>()) {
    auto job = job_of(*one, read_secret);
    if (job)
      jobs.push_back(std::move(*job));
    else
      log(Level::kError, "scrape", "a job cannot be set up; its targets are not scraped",
          {{"job", one->job_name()}, {"error", to_string(job.error())}});
  }
  return jobs;
}

// ---- keeping secrets fresh ----

struct ScrapeJobs::State : std::enable_shared_from_this<State> {
  using Read = std::map<std::string, Result<std::string>>;

  State(Runtime given, const catalog::Catalog& of, ReadSecret reading, scrape::Discovery& to)
      : runtime(given), catalog(of), read_secret(std::move(reading)), discovery(to) {}

  /// The jobs with secrets as they are now; what cannot be read is as it was before.
  void set() {
    Read used;
    auto jobs = scrape_jobs(catalog, [&](const std::string& reference) {
      auto value = read_secret(reference);
      if (const auto old = known.find(reference); !value && old != known.end()) value = old->second;
      return used.insert_or_assign(reference, std::move(value)).first->second;
    });
    known = std::move(used);
    discovery.set_jobs(std::move(jobs));
  }

  void arm() {
    timer = runtime.strand.after(kSecretsEvery, [this] {
      const auto running = std::move(timer);  // must outlive this call
      arm();
      read_again();
    });
  }

  void read_again() {
    if (under_way || known.empty()) return;
    under_way = true;
    std::vector<std::string> references;
    for (const auto& [reference, value] : known) references.push_back(reference);
    runtime.workers.run([weak = weak_from_this(), &strand = runtime.strand, read = read_secret,
                         references = std::move(references)] {
      Read fresh;
      for (const auto& reference : references) fresh.emplace(reference, read(reference));
      strand.post([weak, fresh = std::move(fresh)] {
        if (const auto state = weak.lock()) state->take(fresh);
      });
    });
  }

  void take(const Read& fresh) {
    under_way = false;
    bool changed = false;
    for (const auto& [reference, value] : fresh) {
      const auto old = known.find(reference);
      if (old == known.end()) continue;  // of a job that went meanwhile
      if (!value) {
        log_rarely(runtime.clock.now(), Level::kWarning, "scrape",
                   "a secret cannot be read; what was read before holds",
                   {{"error", to_string(value.error())}});
      } else if (!old->second || *old->second != *value) {
        old->second = value;
        changed = true;
      }
    }
    if (changed) set();
  }

  Runtime runtime;
  const catalog::Catalog& catalog;
  ReadSecret read_secret;
  scrape::Discovery& discovery;
  Read known;  ///< by reference
  bool under_way = false;
  std::unique_ptr<Timer> timer;
};

ScrapeJobs::ScrapeJobs(Runtime runtime, const catalog::Catalog& catalog, ReadSecret read_secret,
                       scrape::Discovery& discovery)
    : state_(std::make_shared<State>(runtime, catalog, std::move(read_secret), discovery)) {
  state_->arm();
}

ScrapeJobs::~ScrapeJobs() {
  state_->timer.reset();
}

void ScrapeJobs::catalog_changed() {
  state_->set();
}

}  // namespace wellrun::server
