#pragma once

// Outgoing HTTP: a port, so that a simulation can replace the world. The real one is in
// http_client.cc.

#include <functional>
#include <string>

#include "platform/http/message.h"

namespace wellrun::http {

/// Which addresses an outgoing call may reach. Guards against request forgery into the inside.
enum class AddressPolicy {
  kPublicOnly,       ///< neither loopback nor private nor link-local ranges
  kAnyButLinkLocal,  ///< what an operator configured: scrape targets, webhooks inside; never
                     ///< 169.254.0.0/16, fe80::/10
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  ///< http:// or https://
  Headers headers;
  std::string body;
  Duration timeout{10'000};  ///< for the whole exchange, resolving included
  std::size_t max_response_bytes = 16 << 20;
  AddressPolicy addresses = AddressPolicy::kAnyButLinkLocal;
  std::string ca_file;  ///< extra trust; empty: the system's
  /// Shown to a server that asks who calls (PEM); both or neither. Read for each connection, so
  /// that a renewed certificate is taken.
  std::string certificate_file, key_file;
  std::string server_name;  ///< whom the certificate must name, and SNI says; empty: the URL's host
  bool verify_certificate = true;
};

/// Called exactly once. A response with any status is a success here. Nothing was sent:
/// kUnavailable (cannot connect, in time or at all), kForbidden (address policy), kInvalid (URL,
/// headers). The peer may have got the request, and done what it asks for: kDeadline, kIo (the
/// connection or the answer broke), kTooLarge (the answer).
using ClientCallback = std::move_only_function<void(Result<Response>)>;

class Client {
 public:
  virtual ~Client() = default;
  /// Thread-safe. The callback runs on an I/O thread (the strand in simulation).
  virtual void send(ClientRequest request, ClientCallback done) = 0;
};

}  // namespace wellrun::http
