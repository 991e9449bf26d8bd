#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A part of a workload: usually one deployable service.
struct Component {
  static constexpr const char* kKind = "Component";
  Metadata metadata;
  Ref<Workload> workload;
  Ref<Team> owner;      ///< empty: the workload's
  std::string service;  ///< empty: metadata.name; see service_name()
  std::string description;
  std::string repository;
  std::vector<Ref<Component>> depends_on;
  std::vector<std::string> external_dependencies;
  std::vector<std::string> signals;  ///< of metrics, logs, traces

  /// OpenTelemetry's service.name.
  const std::string& service_name() const { return service.empty() ? metadata.name : service; }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A part of a workload: usually one deployable service.");
    s.field("workload", &Component::workload, "The workload it is part of.").required();
    s.field("owner", &Component::owner, "The team that answers for it. Default: the workload's.");
    s.field("service", &Component::service,
            "OpenTelemetry's `service.name`. Default: `metadata.name`.");
    s.field("description", &Component::description, "What it does.");
    s.field("repository", &Component::repository, "Where its source is.").format("url");
    s.field("dependsOn", &Component::depends_on, "Components it needs to do its work.");
    s.field("externalDependencies", &Component::external_dependencies,
            "What it needs from outside: a payment provider, a DNS service.");
    s.field("signals", &Component::signals, "The telemetry it is expected to send.")
        .one_of({"metrics", "logs", "traces"});
  }
};

}  // namespace wellrun::catalog
