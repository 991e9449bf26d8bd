#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A group of people that owns workloads and answers for them.
struct Team {
  static constexpr const char* kKind = "Team";
  Metadata metadata;
  std::string description;
  std::vector<Ref<Person>> members;
  std::string email;
  Ref<Channel> channel;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A group of people that owns workloads and answers for them.");
    s.field("description", &Team::description, "What the team is for.");
    s.field("members", &Team::members, "Who belongs to it.");
    s.field("email", &Team::email, "A mailbox that reaches the whole team.").format("email");
    s.field("channel", &Team::channel, "Where messages to the whole team go.");
  }
};

}  // namespace wellrun::catalog
