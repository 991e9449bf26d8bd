#include "simulation/house.h"

#include "catalog/catalog_api.h"
#include "core/assert.h"
#include "core/text.h"
#include "respond/respond_api.h"
#include "server/languages.h"
#include "telemetry/promql/querier.h"

namespace wellrun::simulation {
namespace {

http::Request request_of(const std::string& actor, const std::string& method,
                         const std::string& target, const Json& body) {
  http::Request request;
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  if (const auto mark = target.find('?'); mark != std::string::npos) {
    for (const auto pair : split(std::string_view(target).substr(mark + 1), '&')) {
      const auto equals = pair.find('=');
      request.query.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }
  request.body = to_text(body);
  request.principal = {.actor = actor, .role = http::Role::kAdmin};
  return request;
}

}  // namespace

House::House(World& world, HouseOptions options)
    : world_(world),
      options_(options),
      runtime_(world.time.runtime()),
      engine_(world.metrics),
      signer_(std::string(32, 'k')) {
  build();
}

House::~House() {
  tear_down();
}

void House::tear_down() {
  world_.time.crash();
  watching_.reset();
  router_.reset();
  plane_.reset();
  running_.reset();
  querier_.reset();
  commits_.reset();
}

void House::build() {
  commits_ = std::make_unique<telemetry::CommitWatch>(world_.metric_writer());
  querier_ = telemetry::promql::make_querier(runtime_, engine_);
  running_ = std::make_unique<telemetry::RunningQueries>(runtime_);
  plane_ = std::make_unique<server::ControlPlane>(server::Ports{
      .runtime = runtime_,
      .journal = world_.store,
      .querier = *querier_,
      .engine = engine_,
      .metrics = *commits_,
      .signals = world_.signals(),
      .http = world_.http(),
      .processes = world_.processes(),
      .mailer = world_.mailer(),
      .read_secret = [](const std::string& reference) -> Result<std::string> {
        return "secret of " + reference;
      },
      .links =
          [](const respond::Incident& incident, const std::string& person) {
            return respond::PageLinks{"https://wellrun.example/incidents/" + incident.id,
                                      "https://wellrun.example/ack/" + person};
          },
      .sandbox = true,
      .evaluator = {.commits = commits_.get(), .external_labels = {}, .external_url = {}},
      .ledger = {.snapshot_every = options_.snapshot_every}});
  world_.be_born(*commits_);
  watching_ = plane_->ledger().subscribe([this](const journal::Fact& fact) {
    world_.note(fmt::format("fact {} {} {} by {}: {}", fact.seq, fact.stream, fact.type, fact.actor,
                            to_text(fact.body)));
  });
  const auto started = plane_->start();
  WELLRUN_ASSERT(started.has_value(), to_string(started.error()));
  router_ = std::make_unique<http::Router>();
  const auto add = [&](std::vector<http::Route> routes) {
    for (auto& route : routes) router_->add(std::move(route));
  };
  add(plane_->routes());
  add(catalog::catalog_routes({runtime_.strand, runtime_.workers, plane_->ledger(),
                               plane_->catalog_domain(), server::languages()}));
  add(respond::respond_routes(runtime_, plane_->ledger(), plane_->respond(), signer_, *running_));
}

bool House::revive() {
  if (!world_.dead()) return false;
  tear_down();
  build();
  return true;
}

void House::restart() {
  bool stopped = false;
  plane_->stop([&] { stopped = true; });
  world_.time.run_for(std::chrono::seconds(1));
  if (!world_.dead()) WELLRUN_ASSERT(stopped, "a stop ends once what was decided is durable");
  world_.note("the process stops");
  tear_down();
  build();
}

std::optional<http::Response> House::call(const std::string& actor, const std::string& method,
                                          const std::string& path, const Json& body) {
  if (world_.dead()) return std::nullopt;
  auto request = request_of(actor, method, path, body);
  const auto match = router_->match(method, request.path);
  WELLRUN_ASSERT(match.route != nullptr, "no route for " + method + " " + path);
  request.path_parameters = match.path_parameters;
  auto answer = std::make_shared<std::optional<http::Response>>();
  match.route->handler(std::move(request),
                       [answer](http::Response response) { *answer = std::move(response); });
  world_.time.run_ready();
  for (int i = 0; i < 300 && !*answer && !world_.dead(); ++i)
    world_.time.run_for(std::chrono::milliseconds(100));
  return *answer;
}

Json House::look(const std::string& path) {
  const auto answer = call("person:onlooker", "GET", path);
  if (!answer || answer->status != 200) return nullptr;
  return parse_json(answer->body).value_or(Json());
}

}  // namespace wellrun::simulation
