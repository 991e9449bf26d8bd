#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct StatusComponent {
  std::string name;
  Ref<Workload> workload;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("One line of the page.");
    s.field("name", &StatusComponent::name, "As customers know it.").required();
    s.field("workload", &StatusComponent::workload, "The workload behind it.").required();
  }
};

/// What customers are shown.
struct StatusPage {
  static constexpr const char* kKind = "StatusPage";
  Metadata metadata;
  std::string title;
  std::string description;
  std::vector<StatusComponent> components;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A public page on which customers see how workloads are.");
    s.field("title", &StatusPage::title, "Heading.").required();
    s.field("description", &StatusPage::description, "A sentence below it.");
    s.field("components", &StatusPage::components, "Its lines, in this order.").required();
  }
};

}  // namespace wellrun::catalog
