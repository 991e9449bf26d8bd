#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A way for messages to go out. Secrets are references: "env:NAME" or "file:/path".
struct Channel {
  static constexpr const char* kKind = "Channel";
  Metadata metadata;
  std::string type;  ///< email, webhook or slack
  std::string smtp;  ///< host:port
  std::string from;
  std::string start_tls = "auto";  ///< auto, require or never
  std::string username_ref;
  std::string password_ref;
  std::string url;
  std::string url_ref;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A way for messages to go out. Secrets are references, never values.");
    s.field("type", &Channel::type, "What it is.").required().one_of({"email", "webhook", "slack"});
    s.field("smtp", &Channel::smtp, "Mail server, `host:port`; for `email`.").format("host-port");
    s.field("from", &Channel::from, "Sender's address; for `email`.").format("email");
    s.field("startTls", &Channel::start_tls, "Whether the connection to the mail server is sealed.")
        .one_of({"auto", "require", "never"});
    s.field("usernameRef", &Channel::username_ref, "Where the user name is kept.")
        .format("secret-ref");
    s.field("passwordRef", &Channel::password_ref, "Where the password is kept.")
        .format("secret-ref");
    s.field("url", &Channel::url, "Where to post; for `webhook` and `slack`.").format("url");
    s.field("urlRef", &Channel::url_ref, "Where the URL is kept, when it is a secret.")
        .format("secret-ref");
  }
};

}  // namespace wellrun::catalog
