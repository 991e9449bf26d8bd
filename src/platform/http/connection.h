#pragma once

// One accepted connection: reads requests one after another, hands them over, writes what is
// answered. A state machine on its socket's strand; drain() and abort() are thread-safe. Internal
// to http/.

#include <atomic>
#include <memory>
#include <string>

#include "platform/http/server.h"
#include "platform/http/transport.h"

namespace wellrun::http {

class Connection;

/// What all connections of a server share.
struct ServerContext {
  ServerContext(ServerOptions options_, const Router& router_, Authenticate authenticate_,
                Runtime runtime_)
      : options(std::move(options_)),
        router(router_),
        authenticate(std::move(authenticate_)),
        runtime(runtime_) {}

  ServerOptions options;
  const Router& router;
  Authenticate authenticate;
  Runtime runtime;
  std::atomic<bool> stopping = false;
  std::function<void(Connection*)> closed;  ///< once a connection, on its strand
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  virtual void refuse() = 0;  ///< instead of start(): 503 and close
  virtual void drain() = 0;   ///< closes now when idle or a stream, otherwise after the answer
  virtual void abort() = 0;   ///< closes now
};

std::shared_ptr<Connection> make_connection(std::shared_ptr<ServerContext> context,
                                            std::unique_ptr<Transport> transport,
                                            std::string remote);

}  // namespace wellrun::http
