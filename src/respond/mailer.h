#pragma once

// Outgoing mail: a port, so that a simulation can be the mail server. The real one speaks SMTP.

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "platform/runtime/runtime.h"

namespace wellrun::respond {

struct Mail {
  std::string server;  ///< host:port
  std::string from, to, subject;
  std::string text;        ///< UTF-8, lines end with '\n'
  std::string message_id;  ///< without the angle brackets; the same for each try of one mail
  std::string user, password;
  bool require_tls = false, never_tls = false;  ///< neither: TLS when the server offers it
};

/// As it goes over the wire: headers, an empty line, the text; lines end with "\r\n". What is not
/// ASCII in the subject is in encoded words. Source: RFC 5322, RFC 2047.
std::string rendered(const Mail& mail, Timestamp now);

class Mailer {
 public:
  virtual ~Mailer() = default;
  /// On the strand. `done` runs exactly once, on any thread, within a minute: success means that
  /// the server took the mail, not that anybody has it. kUnavailable says what the server answered.
  virtual void send(Mail mail, std::move_only_function<void(Status)> done) = 0;
  /// From any thread: what waits for a server that does not answer is given up soon, as failed. It
  /// is sent again after the next start.
  virtual void close() {}
};

/// SMTP by libcurl. A server that does not answer holds a thread of `workers` for half a minute:
/// they should be for mail alone.
std::unique_ptr<Mailer> make_smtp_mailer(const Clock& clock, Workers& workers);

}  // namespace wellrun::respond
