#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// Who is paged together, and for how long before the next level is.
struct EscalationLevel {
  std::vector<Ref<Schedule>> schedules;
  std::vector<Ref<Person>> persons;
  Duration acknowledge_within = std::chrono::minutes(5);

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Who is paged together.");
    s.field("schedules", &EscalationLevel::schedules, "Whoever is on call in these.");
    s.field("persons", &EscalationLevel::persons, "These people, always.");
    s.field("acknowledgeWithin", &EscalationLevel::acknowledge_within,
            "The next level is paged when nobody acknowledged by then.")
        .positive();
  }
};

/// Who is paged, and who next.
struct EscalationPolicy {
  static constexpr const char* kKind = "EscalationPolicy";
  Metadata metadata;
  std::string description;
  std::vector<EscalationLevel> levels;
  int repeat = 1;  ///< how many times all levels are gone through

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Who is paged, and who next when nobody acknowledges.");
    s.field("description", &EscalationPolicy::description, "What it is for.");
    s.field("levels", &EscalationPolicy::levels, "The levels, first to last.")
        .required()
        .count(1, 20);
    s.field("repeat", &EscalationPolicy::repeat, "How many times all levels are gone through.")
        .range(1, 20);
  }
};

}  // namespace wellrun::catalog
