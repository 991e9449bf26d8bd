#pragma once

// A small gRPC server for unary methods, by path, on raw message bytes: no generated code. gRPC's
// own headers stay behind grpc_server.cc. Built by server/wire.cc for OTLP. start(), stop() on one
// thread; methods are called on worker threads.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "platform/runtime/runtime.h"

namespace wellrun::grpc {

/// Names in lower case, as sent; and kRemote, which a peer cannot send.
using Metadata = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::string_view kRemote = ":remote";  ///< the peer's address, without its port

/// May block. The error's code becomes the call's status: kInvalid is INVALID_ARGUMENT, kExhausted
/// and kTooLarge are RESOURCE_EXHAUSTED, kUnavailable and kNoSpace are UNAVAILABLE.
using Method =
    std::function<Result<std::string>(std::string_view request, const Metadata& metadata)>;

struct GrpcServerOptions {
  std::string listen = "127.0.0.1:4317";
  int max_message_bytes = 16 << 20;          ///< decompressed; larger is RESOURCE_EXHAUSTED
  std::size_t max_memory_bytes = 128 << 20;  ///< of gRPC's own buffers, all connections together
  int max_pending_calls =
      64;  ///< read but not yet answered; more are UNAVAILABLE at once, to be sent again
  int handshake_timeout_ms = 10'000;  ///< to say something sensible after connecting, TLS included
  std::string certificate_file, key_file;  ///< PEM; both empty: no TLS
  std::string client_ca_file;  ///< when given, clients must show a certificate signed by it
};

class GrpcServer {
 public:
  /// `methods` by path: "/package.Service/Method". `workers` outlives the server.
  GrpcServer(GrpcServerOptions options, Workers& workers, std::map<std::string, Method> methods);
  ~GrpcServer();  ///< stops

  /// kUnavailable when the address cannot be bound, kIo when a TLS file cannot be read.
  Status start();

  /// The port bound, also when `listen` asked for port 0. 0 before start().
  int port() const;

  /// Refuses new calls, waits up to two seconds for those under way, then ends them. Again:
  /// nothing.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wellrun::grpc
