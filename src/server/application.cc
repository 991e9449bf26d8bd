#include "server/application.h"

#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <future>

#include "catalog/catalog_api.h"
#include "health/effectiveness/effectiveness_api.h"
#include "health/health_api.h"
#include "health/rules/rules_api.h"
#include "health/slo/slo_api.h"
#include "journal/sqlite_store.h"
#include "platform/auth/auth.h"
#include "platform/grpc/grpc_server.h"
#include "platform/http/http_client.h"
#include "platform/http/server.h"
#include "platform/log/log.h"
#include "platform/runtime/system_runtime.h"
#include "respond/respond_api.h"
#include "respond/respond_effects.h"
#include "respond/status_page.h"
#include "server/backup_api.h"
#include "server/cardinality_api.h"
#include "server/control_plane.h"
#include "server/cross_origin.h"
#include "server/languages.h"
#include "server/lifecycle_api.h"
#include "server/notifications_api.h"
#include "server/openapi_api.h"
#include "server/otlp_access.h"
#include "server/relabel_api.h"
#include "server/retention.h"
#include "server/secrets.h"
#include "server/self_api.h"
#include "server/series_limits.h"
#include "server/status_api.h"
#include "server/targets.h"
#include "server/tsdb_admin_api.h"
#include "server/web_pages.h"
#include "server/workloads_api.h"
#include "telemetry/commit_watch.h"
#include "telemetry/federate.h"
#include "telemetry/logs_api.h"
#include "telemetry/otlp/otlp_api.h"
#include "telemetry/otlp/otlp_grpc.h"
#include "telemetry/promql/querier.h"
#include "telemetry/query_api.h"
#include "telemetry/remote_read.h"
#include "telemetry/remote_write.h"
#include "telemetry/scrape/scraper.h"
#include "telemetry/search_api.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {
namespace {

namespace fs = std::filesystem;

// Queries may take minutes: so many run at once that two workers are left for rules, ingestion and
// the disk, and the system's scheduler shares the processors among them. Their helpers and work
// that nobody waits for are not among these workers for the same reason.
constexpr int kWorkers = 5;
constexpr std::size_t kQueries = 3;
constexpr int kHelpers = 1;
constexpr int kUnhurried = 1;
// What blocks on a peer that may not answer has threads of its own, too; mail, which pages people,
// does not wait for name servers either.
constexpr int kMailers = 4;
constexpr int kLookups = 2;

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("the data folder {} cannot be made: {}; name another with --data", path,
                            error.message()));
  fs::permissions(path, fs::perms::owner_all, error);
  return {};
}

/// Empty stays empty.
std::string absolute(const std::string& path) {
  if (path.empty()) return {};
  auto text = fs::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// What of the server no step may see. What the catalog names as secrets is added at each step.
std::vector<std::string> kept_from_steps(const Options& options) {
  std::vector<std::string> hidden{"/etc/wellrun"};
  for (const auto* path :
       {&options.data, &options.secrets_folder, &options.tls_key_file, &options.config_file}) {
    if (!path->empty()) hidden.push_back(absolute(*path));
  }
  return hidden;
}

/// Reads secrets, but none of the server's own.
procedures::ReadSecret secrets_outside(const std::string& data) {
  return [own = fs::canonical(data).string()](const std::string& reference) {
    return read_secret_outside(reference, own);
  };
}

/// Why a server could not be started, with the setting that says where it listens.
std::unexpected<Error> cannot_listen(Error error, std::string_view setting) {
  error.message += fmt::format(" ({})", setting);
  return std::unexpected(std::move(error));
}

}  // namespace

struct Application::State {
  explicit State(Options given)
      : options(std::move(given)),
        system({.io_threads = 2, .worker_threads = kWorkers}),
        runtime(system.runtime()),
        mail_workers(system.add_workers(kMailers)),
        lookup_workers(system.add_workers(kLookups)),
        helpers(system.add_workers(kHelpers)),
        unhurried(system.add_workers(kUnhurried)) {}
  ~State();

  Status open();
  void build_control_plane();
  Status start_control_plane();
  respond::PageLinks links_to(const respond::Incident& incident, const std::string& person) const;
  Lifecycle lifecycle();
  void build_routes();
  Status bind();
  Status take_requests();
  /// Runs `task` on the strand and waits for it.
  void on_strand(std::function<void()> task);
  void stop();
  std::string address() const;
  /// Where people reach it; like address(), only once it is bound.
  std::string public_url() const;

  Options options;
  SystemRuntime system;
  Runtime runtime;
  Workers &mail_workers, &lookup_workers, &helpers, &unhurried;
  std::unique_ptr<journal::Store> journal;
  std::unique_ptr<telemetry::EmbeddedStore> store;
  std::unique_ptr<telemetry::CommitWatch> commits;  ///< in front of the store, for whoever writes
  std::unique_ptr<telemetry::promql::Engine> engine;
  std::unique_ptr<telemetry::RunningQueries> running_queries;
  std::unique_ptr<telemetry::Querier> querier;
  std::unique_ptr<health::watch::WatchStore> baselines;
  std::unique_ptr<telemetry::ExemplarStore> exemplars;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<http::Client> scrape_client;  ///< whose names may not answer
  std::unique_ptr<ProcessRunner> processes;
  std::unique_ptr<Authenticator> authenticator;
  std::optional<LinkSigner> signer;
  std::unique_ptr<respond::Mailer> mailer;
  std::unique_ptr<ControlPlane> plane;
  std::unique_ptr<telemetry::scrape::Scraper> scraper;
  std::unique_ptr<telemetry::scrape::Discovery> discovery;
  std::unique_ptr<ScrapeJobs> scrape_jobs;
  std::unique_ptr<SeriesLimits> series_limits;
  std::unique_ptr<Timer> catalog_watch;  ///< tells the scraper and the limits of each apply
  std::unique_ptr<telemetry::otlp::OtlpReceiver> receiver;
  http::Router main_router, status_router, otlp_router;
  std::unique_ptr<http::Server> main_server, status_server, otlp_server;
  std::unique_ptr<grpc::GrpcServer> otlp_grpc;
  bool stopped = false;
};

Application::State::~State() {
  stop();
}

void Application::State::on_strand(std::function<void()> task) {
  auto done = std::make_shared<std::promise<void>>();
  auto finished = done->get_future();
  runtime.strand.post([task = std::move(task), done] {
    task();
    done->set_value();
  });
  finished.wait();
}

Status Application::State::open() {
  TRY_STATUS(check(options));
  TRY_STATUS(make_folder(options.data));
  TRY(journal, journal::open_sqlite_store(options.data + "/journal.sqlite"));
  telemetry::EmbeddedStoreOptions store_options{.dir = options.data + "/telemetry"};
  store_options.retention = options.retention;
  store_options.out_of_order_window = options.out_of_order_window;
  store_options.flush_interval = options.flush_interval;
  store_options.readers = &helpers;
  TRY(store, telemetry::EmbeddedStore::open(std::move(store_options), runtime));
  commits = std::make_unique<telemetry::CommitWatch>(*store);
  TRY(exemplars, telemetry::ExemplarStore::open(options.data + "/telemetry/exemplars"));
  telemetry::promql::EngineOptions engine_options;
  engine_options.helpers = &helpers;
  engine_options.max_samples = options.query_max_samples;
  engine_options.max_series = options.query_max_series;
  engine_options.changes = &store->changes();
  engine_options.result_cache_bytes = options.query_cache_bytes;
  TRY_STATUS(telemetry::promql::enable_features(engine_options, options.features));
  engine = std::make_unique<telemetry::promql::Engine>(*store, engine_options);
  running_queries = std::make_unique<telemetry::RunningQueries>(
      runtime, telemetry::RunningQueriesOptions{.max_running = kQueries,
                                                .max_running_per_user = kQueries - 1,
                                                .timeout = options.query_timeout});
  querier = telemetry::promql::make_querier(runtime, *engine);
  baselines = std::make_unique<health::watch::WatchStore>(options.data + "/baselines.sqlite");
  client = http::make_client(system);
  scrape_client = http::make_client(system);
  processes = make_process_runner(system, {.hidden = kept_from_steps(options)});
  const bool tls = !options.tls_certificate_file.empty();
  TRY(authenticator, Authenticator::open(options.data, runtime,
                                         {.no_auth = options.no_auth, .secure_cookies = tls}));
  signer = authenticator->link_signer();
  return {};
}

std::string Application::State::address() const {
  const bool tls = !options.tls_certificate_file.empty();
  const auto host = options.listen.substr(0, options.listen.rfind(':'));
  return fmt::format("{}://{}:{}", tls ? "https" : "http", host,
                     main_server ? main_server->port() : 0);
}

std::string Application::State::public_url() const {
  return options.public_url.empty() ? address() : options.public_url;
}

/// Before the control plane is built: templates of its rules, and pages that it takes up again,
/// name the port. Nobody is answered before take_requests().
Status Application::State::bind() {
  const auto authenticate = [this](const http::Request& request) {
    return authenticator->authenticate(request);
  };
  const auto bind = [&](std::unique_ptr<http::Server>& server, const std::string& listen,
                        const http::Router& router, const char* setting,
                        decltype(http::ServerOptions::more_headers) more_headers = {}) -> Status {
    if (listen.empty()) return {};
    http::ServerOptions server_options{.listen = listen,
                                       .tls_certificate_file = options.tls_certificate_file,
                                       .tls_key_file = options.tls_key_file,
                                       .more_headers = std::move(more_headers)};
    server =
        std::make_unique<http::Server>(system, std::move(server_options), router, authenticate);
    if (auto bound = server->bind(); !bound) return cannot_listen(bound.error(), setting);
    return {};
  };
  TRY(auto cross_origin, CrossOrigin::make(options.cors_origin));
  TRY_STATUS(bind(main_server, options.listen, main_router, "--listen",
                  [cross_origin = std::move(cross_origin)](const http::Request& request) {
                    return cross_origin.headers_for(request);
                  }));
  TRY_STATUS(bind(status_server, options.status_listen, status_router, "--status-listen"));
  return bind(otlp_server, options.otlp_http_listen, otlp_router, "--otlp-http-listen");
}

Status Application::State::take_requests() {
  for (auto* server : {main_server.get(), status_server.get(), otlp_server.get()}) {
    if (server != nullptr) server->accept();
  }
  if (options.otlp_grpc_listen.empty()) return {};
  otlp_grpc = std::make_unique<grpc::GrpcServer>(
      grpc::GrpcServerOptions{.listen = options.otlp_grpc_listen,
                              .certificate_file = options.tls_certificate_file,
                              .key_file = options.tls_key_file},
      runtime.workers,
      telemetry::otlp::otlp_methods(
          *receiver, otlp_authorize(options, options.otlp_grpc_listen, *authenticator)));
  if (auto started = otlp_grpc->start(); !started)
    return cannot_listen(started.error(), "--otlp-grpc-listen");
  return {};
}

void Application::State::build_control_plane() {
  mailer = respond::make_smtp_mailer(runtime.clock, mail_workers);
  plane = std::make_unique<ControlPlane>(
      Ports{.runtime = runtime,
            .journal = *journal,
            .querier = *querier,
            .engine = *engine,
            .metrics = *commits,
            .signals = *store,
            .http = *client,
            .processes = *processes,
            .mailer = *mailer,
            .read_secret = secrets_outside(options.data),
            .links = [this](const auto& incident,
                            const auto& person) { return links_to(incident, person); },
            .sandbox = options.sandbox,
            .secrets_folder = absolute(options.secrets_folder),
            .evaluator = {.commits = commits.get(),
                          .external_labels = read_external_labels(options.external_labels)
                                                 .value_or(std::map<std::string, std::string>()),
                          .external_url = public_url(),
                          .last_sample = store->newest_sample()},
            .ledger = {},
            .baselines = baselines.get(),
            .unhurried = &unhurried});
  scraper =
      std::make_unique<telemetry::scrape::Scraper>(runtime, *scrape_client, *commits, *exemplars);
  const Runtime lookups{runtime.clock, runtime.random, runtime.strand, lookup_workers};
  discovery = std::make_unique<telemetry::scrape::Discovery>(lookups, *scrape_client, *scraper);
  receiver = std::make_unique<telemetry::otlp::OtlpReceiver>(
      runtime.clock, *commits, *store,
      telemetry::otlp::ReceiverOptions{.exemplars = exemplars.get()});
  series_limits =
      std::make_unique<SeriesLimits>(runtime, *plane, *store, options.max_series_per_workload);
}

/// Replays the journal and begins; from then on each apply reaches the scraper.
Status Application::State::start_control_plane() {
  Status started;
  on_strand([&] {
    started = plane->start();
    if (!started) return;
    scrape_jobs = std::make_unique<ScrapeJobs>(runtime, plane->catalog(),
                                               secrets_outside(options.data), *discovery);
    scrape_jobs->catalog_changed();
    series_limits->start();
    apply_retention(plane->catalog(), *store);
    catalog_watch = plane->ledger().subscribe([this](const journal::Fact& fact) {
      if (fact.type != facts::CatalogApplied::kType) return;
      scrape_jobs->catalog_changed();
      series_limits->catalog_changed();
      apply_retention(plane->catalog(), *store);
    });
    plane->ledger().on_failure([](const Error& error) {
      log(Level::kError, "journal",
          "cannot be written; stopping, so that a restart begins from what is stored",
          {{"error", error.message}});
      std::raise(SIGTERM);
    });
  });
  return started;
}

respond::PageLinks Application::State::links_to(const respond::Incident& incident,
                                                const std::string& person) const {
  constexpr Duration kLinkLife = std::chrono::hours(24);
  const auto base = public_url();
  const auto token =
      signer->sign("acknowledge", incident.id + " " + person, runtime.clock.now() + kLinkLife);
  return {.incident = base + "/incidents/" + incident.id, .acknowledge = base + "/ack/" + token};
}

Lifecycle Application::State::lifecycle() {
  return {.reload =
              [this] {
                scrape_jobs->catalog_changed();
                log(Level::kInfo, "server", "reloaded, as it was asked to over HTTP");
              },
          .quit =
              [] {
                log(Level::kInfo, "server", "ending, as it was asked to over HTTP");
                std::raise(SIGTERM);
              }};
}

void Application::State::build_routes() {
  const auto add = [](http::Router& router, std::vector<http::Route> routes) {
    for (auto& route : routes) router.add(std::move(route));
  };
  add(main_router, plane->routes());
  add(main_router,
      catalog::catalog_routes({runtime.strand, runtime.workers, plane->ledger(),
                               plane->catalog_domain(), languages(), options.retention}));
  add(main_router, health::health_routes(runtime, plane->evaluator(), plane->health()));
  add(main_router, health::rules::rules_routes(runtime.clock, *engine, *journal, *running_queries));
  add(main_router,
      health::slo_routes(runtime, plane->catalog(), plane->evaluator(), plane->health(), *engine,
                         *journal, *running_queries, options.retention));
  add(main_router, health::effectiveness::effectiveness_routes(
                       runtime, plane->ledger(), plane->catalog(), plane->health(), *engine,
                       *journal, *running_queries));
  add(main_router, workload_routes(runtime, *plane));
  add(main_router, telemetry::running_queries_routes(*running_queries));
  add(main_router, telemetry::prometheus_query_routes(runtime, *engine, *running_queries,
                                                      {.timeout = options.query_timeout,
                                                       .version = options.version,
                                                       .revision = options.revision,
                                                       .build_date = options.build_date,
                                                       .exemplars = exemplars.get()}));
  add(main_router, telemetry::remote_write_routes(*commits, *exemplars, runtime.workers));
  add(main_router, telemetry::remote_read_routes(*store, *running_queries));
  add(main_router, telemetry::federate_routes(runtime, *store, *running_queries));
  add(main_router, telemetry::search_routes(runtime, *store, *running_queries,
                                            telemetry::is_search_enabled(options.features)));
  add(main_router, status_routes({.runtime = runtime,
                                  .options = options,
                                  .catalog = plane->catalog(),
                                  .engine = *engine,
                                  .store = *store,
                                  .running = *running_queries,
                                  .applies = plane->catalog_domain().applies(),
                                  .started = runtime.clock.now()}));
  add(main_router, telemetry::logs_routes(*store, runtime, *running_queries));
  add(main_router, telemetry::scrape::scrape_routes(*scraper, runtime.strand));
  add(main_router,
      telemetry::otlp::otlp_routes(*receiver, runtime.workers, {.prefix = "/api/v1/otlp"}));
  add(main_router, respond::respond_routes(runtime, plane->ledger(), plane->respond(), *signer,
                                           *running_queries));
  add(main_router, respond::status_assets());
  add(status_router, respond::status_page_routes(runtime, plane->respond()));
  add(main_router, authenticator->routes());
  add(main_router, cardinality_routes(*store, *running_queries));
  add(main_router, retention_routes(*store, *running_queries));
  add(main_router, relabel_routes(runtime, plane->catalog()));
  add(main_router, tsdb_admin_routes(runtime, options, *store, plane->ledger()));
  add(main_router, lifecycle_routes(runtime.strand, options, lifecycle()));
  add(main_router, notification_routes(runtime, *store, runtime.clock.now()));
  add(main_router, openapi_routes());
  add(main_router, backup_routes(runtime, options.data, *store));
  add(main_router, self_routes(runtime, *plane, *store, *engine, options.version));
  add(main_router, web_page_routes());
  const auto role = otlp_role(options, options.otlp_http_listen);
  add(otlp_router,
      telemetry::otlp::otlp_routes(*receiver, runtime.workers, {.prefix = "", .role = role}));
}

void Application::State::stop() {
  if (stopped) return;
  stopped = true;
  for (auto* server : {main_server.get(), status_server.get(), otlp_server.get()}) {
    if (server != nullptr) server->stop();
  }
  if (otlp_grpc) otlp_grpc->stop();
  if (plane) {
    auto durable = std::make_shared<std::promise<void>>();
    auto finished = durable->get_future();
    on_strand([this, durable] {
      catalog_watch.reset();
      series_limits.reset();
      scrape_jobs.reset();
      discovery.reset();
      scraper.reset();
      plane->stop([durable] { durable->set_value(); });
    });
    finished.wait_for(std::chrono::seconds(10));
    mailer->close();
  }
  processes.reset();
  if (store) (void)store->stop();
  if (running_queries)  // nobody is left to hear the answers
    for (const auto& query : running_queries->list()) (void)running_queries->cancel(query.id);
  // From here on nothing runs any more, so that the parts may go in any order.
  system.stop();
}

Application::Application(std::unique_ptr<State> state) : state_(std::move(state)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::start(Options options) {
  auto state = std::make_unique<State>(std::move(options));
  state->system.watch_signals();
  TRY_STATUS(state->open());
  TRY_STATUS(state->bind());
  state->build_control_plane();
  state->build_routes();
  TRY_STATUS(state->start_control_plane());
  TRY_STATUS(state->take_requests());
  return std::unique_ptr<Application>(new Application(std::move(state)));
}

std::string Application::url() const {
  return state_->address();
}

std::vector<const http::Route*> Application::routes() const {
  std::vector<const http::Route*> out;
  for (const auto* router : {&state_->main_router, &state_->status_router, &state_->otlp_router})
    for (const auto& route : router->routes()) out.push_back(&route);
  return out;
}

std::optional<std::string> Application::first_token() const {
  return state_->options.no_auth ? std::nullopt : state_->authenticator->first_token();
}

Status Application::run_until_signal() {
  state_->system.run_until_signal();
  std::optional<Error> failure;
  const bool by_itself = state_->plane->ledger().failed().has_value();
  if (by_itself) failure = state_->plane->ledger().failed();
  state_->stop();
  if (failure) return std::unexpected(*failure);
  return {};
}

}  // namespace wellrun::server
