#include "server/tsdb_admin_api.h"

#include <filesystem>
#include <fmt/format.h>

#include "facts/telemetry.h"
#include "telemetry/api_answer.h"

namespace wellrun::server {
namespace {

namespace api = telemetry::api;
namespace fs = std::filesystem;

constexpr std::size_t kMostMatcherBytes = 8 * 1024;  ///< a fact's body has room for twice that

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

template <typename Fact>
journal::Decision record(const Fact& body) {
  journal::NewFact fact;
  fact.stream = "telemetry/deletions";
  fact.type = Fact::kType;
  fact.body = body;
  journal::Decision decision;
  decision.facts.push_back(std::move(fact));
  return decision;
}

/// Empty: the earliest or the latest.
std::string time_text(std::int64_t ms) {
  return ms <= api::kEarliestMs || ms >= api::kLatestMs ? "" : format_rfc3339(from_unix_ms(ms));
}

struct Deletion {
  std::vector<std::vector<telemetry::Matcher>> sets;
  telemetry::TimeRange range;
  facts::SeriesDeleted fact;
  std::string actor;
};

/// On a worker. Answers once what came of it is in the journal.
void carry_out(const Admin& admin, Deletion deletion, http::Reply reply) {
  const auto deleted = admin.store.delete_samples(deletion.sets, deletion.range);
  std::optional<Error> failed;
  if (deleted) {
    deletion.fact.series = deleted->series;
    deletion.fact.samples = deleted->samples;
  } else {
    failed = deleted.error();
    deletion.fact.error = to_string(*failed);
  }
  admin.ledger.command(
      {.actor = deletion.actor},
      [fact = std::move(deletion.fact)](Timestamp) { return record(fact); },
      [failed, reply = std::move(reply)](const Result<std::vector<journal::Fact>>& told) mutable {
        if (failed) return reply(api::failure_of(*failed));
        reply(told ? done() : api::failure_of(told.error()));
      });
}

Result<Deletion> read_deletion(const http::Request& request) {
  Deletion deletion{.actor = request.principal.actor};
  TRY(deletion.range, api::range_parameters(request));
  TRY(deletion.sets, api::match_parameters(request));
  if (deletion.sets.empty()) return fail(ErrorCode::kInvalid, "no match[] parameter provided");
  if (deletion.range.end_ms < deletion.range.start_ms)
    return fail(ErrorCode::kInvalid, "end is before start");
  std::size_t bytes = 0;
  for (const auto& selector : request.parameters("match[]")) bytes += selector.size();
  if (bytes > kMostMatcherBytes)
    return fail(ErrorCode::kInvalid,
                fmt::format("the selectors have {} bytes, and at most {} are recorded: delete in "
                            "several requests",
                            bytes, kMostMatcherBytes));
  deletion.fact.matchers = request.parameters("match[]");
  deletion.fact.from = time_text(deletion.range.start_ms);
  deletion.fact.to = time_text(deletion.range.end_ms);
  return deletion;
}

/// Who deletes is in the journal before anything is gone.
void delete_series(const Admin& admin, const http::Request& request, http::Reply reply) {
  auto deletion = read_deletion(request);
  if (!deletion) return reply(api::failure(400, "bad_data", deletion.error().message));
  const auto& fact = deletion->fact;
  facts::SeriesDeletionRequested asked{fact.matchers, fact.from, fact.to};
  journal::Cause cause{.actor = deletion->actor};
  admin.ledger.command(
      std::move(cause), [asked = std::move(asked)](Timestamp) { return record(asked); },
      [&admin, deletion = std::move(*deletion),
       reply = std::move(reply)](const Result<std::vector<journal::Fact>>& told) mutable {
        if (!told) return reply(api::failure_of(told.error()));
        admin.runtime.workers.run(
            [&admin, deletion = std::move(deletion), reply = std::move(reply)]() mutable {
              carry_out(admin, std::move(deletion), std::move(reply));
            });
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
  if (skip == "true" || skip == "1")
    return reply(api::failure(400, "bad_data", "skip_head: a snapshot here is always a whole one"));
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
        return reply(api::failure(500, "unavailable", "admin APIs disabled"));
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
