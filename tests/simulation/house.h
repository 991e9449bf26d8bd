#pragma once

// The program in a simulated world: the real control plane with every domain, the real PromQL
// engine and the real routes; only what is outside is the world's. It dies with the world's process
// and is built again from what was durable.

#include <memory>
#include <optional>
#include <string>

#include "platform/auth/link_signer.h"
#include "server/control_plane.h"
#include "simulation/world.h"
#include "telemetry/commit_watch.h"
#include "telemetry/promql/engine.h"
#include "telemetry/running_queries.h"

namespace wellrun::simulation {

struct HouseOptions {
  journal::Sequence snapshot_every = 5000;
};

class House {
 public:
  explicit House(World& world, HouseOptions options = {});
  ~House();

  /// Builds it anew when the process has died; true when it did.
  bool revive();
  /// Ends it as SIGTERM does, and begins again.
  void restart();

  /// One request as `actor` with every right, running time until it is answered. std::nullopt: no
  /// answer, because the process died or within 30 seconds none came. `path` may have a query.
  std::optional<http::Response> call(const std::string& actor, const std::string& method,
                                     const std::string& path, const Json& body = Json::object());
  /// The same for a GET: the JSON of a good answer, or null.
  Json look(const std::string& path);

  server::ControlPlane& plane() { return *plane_; }
  World& world() { return world_; }

 private:
  void build();
  void tear_down();

  World& world_;
  HouseOptions options_;
  Runtime runtime_;
  telemetry::promql::Engine engine_;
  LinkSigner signer_;
  std::unique_ptr<telemetry::CommitWatch> commits_;
  std::unique_ptr<telemetry::Querier> querier_;
  std::unique_ptr<telemetry::RunningQueries> running_;
  std::unique_ptr<server::ControlPlane> plane_;
  std::unique_ptr<Timer> watching_;
  std::unique_ptr<http::Router> router_;
};

}  // namespace wellrun::simulation
