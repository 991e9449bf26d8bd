#pragma once

// The HTTP/1.1 server: TCP or TLS, keep-alive, pipelining, compressed bodies, server-sent events.
// It finds the route, asks `Authenticate` who is asking, checks the role, bounds and reads the
// body, and hands the request over. Whatever a peer sends, its size and time are bounded. Built by
// server/wire.cc; thread-safe from start() on.

#include <functional>
#include <memory>
#include <string>

#include "platform/http/message.h"
#include "platform/http/router.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::http {

/// Who is asking, by the request's line and headers (the body is not read yet). kUnauthenticated:
/// nobody known; kForbidden: known, but the request was forged (CSRF); kExhausted: too many failed
/// attempts. Runs on an I/O thread, several at a time. Not called for its error on routes of
/// Role::kPublic: there an error means "nobody known".
using Authenticate = std::function<Result<Principal>(const Request&)>;

/// One answered request, for the log and the metrics of whoever listens.
struct Access {
  std::string remote;
  std::string method;
  std::string path;
  std::string route;  ///< the route's pattern, or empty: fit for a metric label, unlike `path`
  std::string actor;
  int status = 0;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  Duration duration{0};
};

struct ServerOptions {
  std::string listen =
      "127.0.0.1:0";  ///< "127.0.0.1:PORT", "[::1]:PORT", "0.0.0.0:PORT"; port 0: any free one
  std::string tls_certificate_file;  ///< PEM chain; empty with the key: plain HTTP
  std::string tls_key_file;
  std::size_t max_header_bytes = 32 << 10;
  Duration header_timeout{
      10'000};  ///< from a request's first byte (or connecting) to the end of its headers
  Duration idle_timeout{75'000};         ///< between two requests of a connection
  Duration body_timeout{60'000};         ///< for a whole body
  Duration write_timeout{60'000};        ///< for one piece of a response to be taken by the peer
  int max_connections = 1000;            ///< beyond: 503 and closed
  Duration stop_timeout{5'000};          ///< how long stop() waits for requests under way
  Duration heartbeat_interval{15'000};   ///< of server-sent events
  std::size_t max_queued_events = 1000;  ///< a stream whose peer does not take them is closed
  /// What an answer gets besides, by its request's line and headers; on an I/O thread; may be
  /// empty.
  std::function<Headers(const Request&)> more_headers;
  std::function<void(const Access&)> log;  ///< on an I/O thread; may be empty
};

class Server {
 public:
  /// `runtime` and `router` outlive the server and every Reply and EventSink it handed out.
  Server(SystemRuntime& runtime, ServerOptions options, const Router& router,
         Authenticate authenticate);
  ~Server();  ///< stop()

  /// Binds and listens. kInvalid: the address or the certificate cannot be read; kConflict: the
  /// port is taken.
  Status start();

  /// The two halves of start(), for whoever has to know the port before the first request may come.
  /// In between, clients that connect wait.
  Status bind();
  void accept();

  /// The port that was bound.
  int port() const;

  /// Takes no more connections, closes idle ones and streams, waits for requests under way up to
  /// `stop_timeout`. Not to be called on an I/O thread.
  void stop();

 private:
  struct State;
  std::shared_ptr<State>
      state_;  ///< shared with connections, which outlive a Reply that comes late
};

/// True when `listen` names only this machine: then neither TLS nor authentication is asked for.
Result<bool> is_loopback(std::string_view listen);

}  // namespace wellrun::http
