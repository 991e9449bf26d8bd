#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// One way to reach a person: an address on a channel.
struct Contact {
  Ref<Channel> channel;
  std::string address;  ///< e-mail address, Slack id; empty for plain webhooks

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("One way to reach a person.");
    s.field("channel", &Contact::channel, "The channel to use.").required();
    s.field("address", &Contact::address,
            "Where on that channel: an e-mail address or a Slack id; empty for a plain webhook.");
  }
};

/// Someone who can own, be on call, approve.
struct Person {
  static constexpr const char* kKind = "Person";
  Metadata metadata;
  std::string display_name;
  std::string email;
  std::string time_zone = "UTC";
  std::vector<Contact> contacts;  ///< tried in this order

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Someone who can own things, be on call and approve steps.");
    s.field("displayName", &Person::display_name, "The name as people write it.");
    s.field("email", &Person::email, "E-mail address.").format("email");
    s.field("timeZone", &Person::time_zone, "IANA time zone, for showing times.")
        .format("time-zone");
    s.field("contacts", &Person::contacts, "How to reach the person, tried in this order.");
  }
};

}  // namespace wellrun::catalog
