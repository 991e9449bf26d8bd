#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct UpdateTemplates {
  std::string opened;  ///< mustache; empty: a stated default text of respond
  std::string update;
  std::string resolved;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about(
        "Texts, with `{{workload}}`, `{{severity}}`, `{{title}}` and `{{next_update}}` filled in.");
    s.field("opened", &UpdateTemplates::opened, "When an incident opens.");
    s.field("update", &UpdateTemplates::update, "When there is news.");
    s.field("resolved", &UpdateTemplates::resolved, "When it is over.");
  }
};

/// How customers are told about an incident of a workload.
struct CommunicationPlan {
  static constexpr const char* kKind = "CommunicationPlan";
  Metadata metadata;
  Ref<Workload> workload;
  Ref<StatusPage> status_page;
  std::vector<int> severities = {1, 2};
  Duration update_every = std::chrono::minutes(30);
  bool auto_post = false;
  UpdateTemplates templates;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("How customers are told about an incident of a workload.");
    s.field("workload", &CommunicationPlan::workload, "The workload.").required();
    s.field("statusPage", &CommunicationPlan::status_page, "Where updates are posted.").required();
    s.field("severities", &CommunicationPlan::severities, "Incidents of these severities are told.")
        .range(1, 4);
    s.field("updateEvery", &CommunicationPlan::update_every, "The next update is promised by then.")
        .positive();
    s.field("autoPost", &CommunicationPlan::auto_post,
            "Whether the first and last update are posted without asking.");
    s.field("templates", &CommunicationPlan::templates, "The texts.");
  }
};

}  // namespace wellrun::catalog
