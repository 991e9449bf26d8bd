#pragma once

// What every kind is made of. A kind is one header: its struct, and describe(), the one declaration
// from which decoding, checks, defaults, export, JSON Schema and the reference page come
// (catalog/shape.h). Defaults are the member initialisers. Adding a kind: one header here, one line
// in catalog/registry.cc.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace wellrun::catalog {

inline constexpr const char* kApiVersion = "wellrun.io/v1";

struct Metadata {
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  bool operator==(const Metadata&) const = default;
};

/// The name of a resource of kind T; empty: none. After check() it exists.
template <typename T>
struct Ref {
  std::string name;
  bool empty() const { return name.empty(); }
  explicit operator bool() const { return !name.empty(); }
  bool operator==(const Ref&) const = default;
};

using TextMap = std::map<std::string, std::string>;
using TextListMap = std::map<std::string, std::vector<std::string>>;

struct Team;
struct Person;
struct Priority;
struct Workload;
struct Component;
struct Environment;
struct Scrape;
struct Kpi;
struct Slo;
struct Baseline;
struct RuleGroup;
struct Schedule;
struct EscalationPolicy;
struct Channel;
struct CommunicationPlan;
struct StatusPage;
struct Runbook;
struct Automation;

}  // namespace wellrun::catalog
