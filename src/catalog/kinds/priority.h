#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// What the business put first, and which workloads serve it.
struct Priority {
  static constexpr const char* kKind = "Priority";
  Metadata metadata;
  int rank = 1;  ///< 1 is first
  std::string statement;
  Ref<Person> sponsor;
  std::vector<Ref<Workload>> workloads;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Something the business put first, and the workloads that serve it.");
    s.field("rank", &Priority::rank, "Its place; 1 is first.").range(1, 1000);
    s.field("statement", &Priority::statement, "What is wanted, in words.").required();
    s.field("sponsor", &Priority::sponsor, "Who speaks for it.");
    s.field("workloads", &Priority::workloads, "The workloads that serve it.");
  }
};

}  // namespace wellrun::catalog
