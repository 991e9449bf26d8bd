#pragma once

// Routes: which handler answers which method and path, who may call it, and which OpenAPI operation
// it is. A test holds the routes and api/openapi.yaml against each other.
//
// A handler runs on the I/O thread that read the request. It answers by calling `reply` exactly
// once, from any thread, now or later; a reply that is dropped unanswered becomes a 500. Handlers
// of the control plane go through `on_strand` (below), so that they read and change domain state
// alone.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/message.h"
#include "platform/runtime/runtime.h"

namespace wellrun::http {

using Reply = std::move_only_function<void(Response)>;
using Handler = std::function<void(Request, Reply)>;

/// One server-sent-events connection, kept by whoever publishes. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// Queues one event; false once the peer has gone or its bounded queue is full (it will reconnect
  /// from `id`).
  virtual bool send(std::string_view event, std::string_view data, std::string_view id) = 0;
};

/// Opens a stream; `last_event_id` is what the browser saw last, or empty.
using StreamHandler =
    std::function<void(Request, std::string last_event_id, std::shared_ptr<EventSink>)>;

struct Route {
  std::string method;
  std::string pattern;  ///< "/api/v1/incidents/{id}/acknowledge"; a last "{path*}" takes the rest
  Role role = Role::kAdmin;  ///< the lowest that may call it
  std::string operation_id;  ///< as in api/openapi.yaml; empty for pages and assets, which are not
                             ///< part of the API
  Handler handler;
  StreamHandler stream;  ///< instead of `handler` for server-sent events
  std::size_t max_body_bytes = 1 << 20;
  bool watches_peer = false;  ///< keeps Request::abandoned up to date, for answers that take long
};

struct Match {
  const Route* route = nullptr;                                     ///< null when no path matches
  std::map<std::string, std::string, std::less<>> path_parameters;  ///< decoded
  std::vector<std::string> allowed_methods;  ///< of the path, when the method did not match
};

/// Built once at start, then only read: thread-safe from then on.
class Router {
 public:
  /// Two routes that the same request could match equally well are a bug.
  void add(Route route);
  /// `raw_path` is percent-encoded: a segment is decoded after the path was split. A literal
  /// segment wins over a parameter, leftmost first; HEAD is answered by GET. Cost: linear in the
  /// routes.
  Match match(std::string_view method, std::string_view raw_path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> patterns_;  ///< of each route, split at '/'
};

/// A handler that answers at once, run on the strand: `on_strand(strand, [&](const Request&) ->
/// Response {…})`.
Handler on_strand(Strand& strand, std::function<Response(const Request&)> answer);

/// The same for one that answers later (a command that waits for its commit).
Handler on_strand_later(Strand& strand, std::function<void(Request, Reply)> answer);

}  // namespace wellrun::http
