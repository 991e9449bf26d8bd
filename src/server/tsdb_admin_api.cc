#include "server/tsdb_admin_api.h"

#include <filesystem>
#include <fmt/format.h>

#include "facts/telemetry.h"
#include "telemetry/api_answer.h"

namespace wellrun::server {
namespace {

namespace api = telemetry::api;
namespace fs = std::filesystem;

/// All outlive the routes.
struct Admin {
  Runtime runtime;
  const Options& options;
  telemetry::EmbeddedStore& store;
  journal::Ledger& ledger;
};

http::Response done() {
  http::Response response;
  response.status = 204;
  return response;
}

journal::Decision record(const facts::SeriesDeleted& deleted) {
  journal::NewFact fact;
  fact.stream = "telemetry/deletions";
  fact.type = facts::SeriesDeleted::kType;
  fact.body = deleted;
  journal::Decision decision;
  decision.facts.push_back(std::move(fact));
  return decision;
}

/// Empty: the earliest or the latest.
std::string time_text(std::int64_t ms) {
  return ms <= api::kEarliestMs || ms >= api::kLatestMs ? "" : format_rfc3339(from_unix_ms(ms));
}

/// Answers once it is in the journal, too.
void delete_series(const Admin& admin, const http::Request& request, http::Reply reply) {
  const auto range = api::range_parameters(request);
  if (!range) return reply(api::failure(400, "bad_data", range.error().message));
  const auto sets = api::match_parameters(request);
  if (!sets) return reply(api::failure(400, "bad_data", sets.error().message));
  if (sets->empty()) return reply(api::failure(400, "bad_data", "no match[] parameter provided"));
  if (range->end_ms < range->start_ms)
    return reply(api::failure(400, "bad_data", "end is before start"));
  const auto deleted = admin.store.delete_samples(*sets, *range);
  if (!deleted) return reply(api::failure_of(deleted.error()));
  facts::SeriesDeleted fact;
  fact.matchers = request.parameters("match[]");
  fact.from = time_text(range->start_ms);
  fact.to = time_text(range->end_ms);
  fact.series = deleted->series;
  fact.samples = deleted->samples;
  admin.ledger.command(
      {.actor = request.principal.actor},
      [fact = std::move(fact)](Timestamp) { return record(fact); },
      [reply = std::move(reply)](const Result<std::vector<journal::Fact>>& recorded) mutable {
        reply(recorded ? done() : api::failure_of(recorded.error()));
      });
}

void clean_tombstones(const Admin& admin, const http::Request&, http::Reply reply) {
  const auto compacted = admin.store.compact();
  reply(compacted ? done() : api::failure_of(compacted.error()));
}

/// As Prometheus names them: the time, then chance.
std::string snapshot_name(const Runtime& runtime) {
  auto time = format_rfc3339(runtime.clock.now());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  if (const auto dot = time.find('.'); dot != std::string::npos) time = time.substr(0, dot) + "Z";
  return fmt::format("{}-{:016x}", time, runtime.random.next());
}

/// A whole telemetry folder below the data folder's snapshots/.
void take_snapshot(const Admin& admin, const http::Request& request, http::Reply reply) {
  const auto skip = request.parameter("skip_head").value_or("");
  if (!skip.empty() && skip != "true" && skip != "false" && skip != "1" && skip != "0")
    return reply(api::failure(400, "bad_data", "unable to parse boolean \"skip_head\" argument"));
  const auto name = snapshot_name(admin.runtime);
  const auto folder = fs::path(admin.options.data) / "telemetry" / "snapshots";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return reply(
        api::failure(500, "internal", "making the folder of snapshots failed: " + error.message()));
  const auto made = admin.store.backup(folder / name);
  if (!made) {
    fs::remove_all(folder / name, error);
    return reply(api::failure_of(made.error()));
  }
  reply(api::success(fmt::format("{{\"name\":\"{}\"}}", name)));
}

}  // namespace

std::vector<http::Route> tsdb_admin_routes(Runtime runtime, const Options& options,
                                           telemetry::EmbeddedStore& store,
                                           journal::Ledger& ledger) {
  std::vector<http::Route> routes;
  const auto admin = std::make_shared<const Admin>(Admin{runtime, options, store, ledger});
  const auto add = [&](const char* pattern, const char* operation,
                       void (*act)(const Admin&, const http::Request&, http::Reply)) {
    http::Handler handler = [admin, act](http::Request request, http::Reply reply) {
      if (!admin->options.admin_api)
        return reply(api::failure(503, "unavailable", "admin APIs disabled"));
      admin->runtime.workers.run(
          [admin, act, request = std::move(request), reply = std::move(reply)]() mutable {
            act(*admin, request, std::move(reply));
          });
    };
    for (const auto* method : {"POST", "PUT"})
      routes.push_back({.method = method,
                        .pattern = pattern,
                        .role = http::Role::kAdmin,
                        .operation_id = method == std::string_view("POST") ? operation : "",
                        .handler = handler});
  };
  add("/api/v1/admin/tsdb/delete_series", "deleteSeries", delete_series);
  add("/api/v1/admin/tsdb/clean_tombstones", "cleanTombstones", clean_tombstones);
  add("/api/v1/admin/tsdb/snapshot", "takeSnapshot", take_snapshot);
  return routes;
}

}  // namespace wellrun::server
