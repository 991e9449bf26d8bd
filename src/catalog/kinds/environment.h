#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A place where workloads run: staging, production.
struct Environment {
  static constexpr const char* kKind = "Environment";
  Metadata metadata;
  std::string description;
  int order = 0;
  bool production = false;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A place where workloads run: staging, production.");
    s.field("description", &Environment::description, "What it is for.");
    s.field("order", &Environment::order, "Changes reach lower numbers first.").range(0, 1000);
    s.field("production", &Environment::production, "Whether customers depend on it.");
  }
};

}  // namespace wellrun::catalog
