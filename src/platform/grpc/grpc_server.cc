#include "platform/grpc/grpc_server.h"

#include <atomic>
#include <condition_variable>
#include <fmt/format.h>
#include <fstream>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <mutex>
#include <sstream>

#include "platform/http/compression.h"

namespace wellrun::grpc {
namespace {

constexpr std::int64_t kStopSeconds = 2;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxThreads = 8;

::grpc::StatusCode code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return ::grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kUnauthenticated:
      return ::grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::kForbidden:
      return ::grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kNotFound:
      return ::grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kConflict:
      return ::grpc::StatusCode::ABORTED;
    case ErrorCode::kTooLarge:
    case ErrorCode::kExhausted:
      return ::grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kDeadline:
      return ::grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::kCancelled:
      return ::grpc::StatusCode::CANCELLED;
    case ErrorCode::kUnavailable:
    case ErrorCode::kNoSpace:
      return ::grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kUnsupported:
      return ::grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::kCorrupt:
      return ::grpc::StatusCode::DATA_LOSS;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return ::grpc::StatusCode::INTERNAL;
}

std::string bytes_of(const ::grpc::ByteBuffer& buffer) {
  std::vector<::grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  out.reserve(buffer.Length());
  for (const auto& slice : slices)
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

/// The message as it was before its sender compressed it. gRPC itself would decompress without a
/// bound and look at the size afterwards: 16 MiB may become 16 GiB. Only gzip is on offer, and no
/// protobuf begins with its two bytes (wire type 7 does not exist).
Result<std::string> plain_of(const ::grpc::ByteBuffer& buffer, std::size_t max_bytes) {
  constexpr std::string_view kGzip = "\x1f\x8b";
  auto bytes = bytes_of(buffer);
  if (!std::string_view(bytes).starts_with(kGzip)) return bytes;
  return http::gunzip(bytes, max_bytes);
}

/// "ipv4:192.0.2.7:51234", "ipv6:[2001:db8::1]:51234" (percent-encoded brackets in some versions).
std::string remote_of(const std::string& peer) {
  const auto start = peer.find(':');
  const auto end = peer.rfind(':');
  if (start == std::string::npos || end <= start) return peer;
  return peer.substr(start + 1, end - start - 1);
}

Metadata metadata_of(const ::grpc::CallbackServerContext& context) {
  Metadata out{{std::string(kRemote), remote_of(context.peer())}};
  for (const auto& [name, value] : context.client_metadata())
    out.emplace_back(std::string(name.data(), name.size()),
                     std::string(value.data(), value.size()));
  return out;
}

/// Counts calls between their first and last touch of the server, so that stop() can wait for all
/// of them.
class Calls {
 public:
  bool enter(int limit) {
    std::lock_guard lock(mutex_);
    if (count_ >= limit) return false;
    ++count_;
    return true;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void wait_for_none() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [&] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

struct Shared {
  Workers& workers;
  std::map<std::string, Method> methods;
  int max_pending_calls;
  std::size_t max_message_bytes;
  Calls calls;
};

/// One unary call: read one message, run the method on a worker, write one message. gRPC deletes
/// nothing: OnDone does, and that runs only after Finish.
class Call final : public ::grpc::ServerGenericBidiReactor {
 public:
  Call(Shared& shared, ::grpc::GenericCallbackServerContext& context)
      : shared_(shared), context_(context) {
    const auto found = shared_.methods.find(context_.method());
    if (found == shared_.methods.end()) {
      Finish({::grpc::StatusCode::UNIMPLEMENTED,
              fmt::format("there is no method {}", context_.method().substr(0, 200))});
      return;
    }
    method_ = &found->second;
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok)
      return Finish({::grpc::StatusCode::INVALID_ARGUMENT, "a unary call needs one message"});
    if (!shared_.calls.enter(shared_.max_pending_calls))
      return Finish({::grpc::StatusCode::UNAVAILABLE,
                     "too many calls are under way; send this one again later"});
    shared_.workers.run([this] { answer(); });
  }

  void OnWriteDone(bool) override {}
  void OnDone() override { delete this; }

 private:
  void answer() {
    auto& calls = shared_.calls;
    const auto message = plain_of(request_, shared_.max_message_bytes);
    request_.Clear();
    const auto body = message ? (*method_)(*message, metadata_of(context_)) : message;
    if (!body) {
      Finish({code_of(body.error().code), to_string(body.error())});
    } else {
      const ::grpc::Slice slice(*body);
      response_ = ::grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&response_, {}, ::grpc::Status::OK);
    }
    calls.leave();
  }

  Shared& shared_;
  ::grpc::GenericCallbackServerContext& context_;
  const Method* method_ = nullptr;
  ::grpc::ByteBuffer request_, response_;
};

class Service final : public ::grpc::CallbackGenericService {
 public:
  explicit Service(Shared& shared) : shared_(shared) {}
  ::grpc::ServerGenericBidiReactor* CreateReactor(
      ::grpc::GenericCallbackServerContext* context) override {
    return new Call(shared_, *context);
  }

 private:
  Shared& shared_;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kIo, fmt::format("cannot read the TLS file {}", path));
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

Result<std::shared_ptr<::grpc::ServerCredentials>> credentials_of(
    const GrpcServerOptions& options) {
  if (options.certificate_file.empty() && options.key_file.empty())
    return ::grpc::InsecureServerCredentials();
  TRY(auto certificate, read_file(options.certificate_file));
  TRY(auto key, read_file(options.key_file));
  ::grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  if (!options.client_ca_file.empty()) {
    TRY(tls.pem_root_certs, read_file(options.client_ca_file));
    tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return ::grpc::SslServerCredentials(tls);
}

}  // namespace

struct GrpcServer::State {
  State(GrpcServerOptions given, Workers& workers, std::map<std::string, Method> methods)
      : options(std::move(given)),
        shared{workers,
               std::move(methods),
               options.max_pending_calls,
               static_cast<std::size_t>(options.max_message_bytes),
               {}} {}

  GrpcServerOptions options;
  Shared shared;
  Service service{shared};
  std::unique_ptr<::grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(GrpcServerOptions options, Workers& workers,
                       std::map<std::string, Method> methods)
    : state_(std::make_unique<State>(std::move(options), workers, std::move(methods))) {}

GrpcServer::~GrpcServer() {
  stop();
}

Status GrpcServer::start() {
  TRY(auto credentials, credentials_of(state_->options));
  ::grpc::ResourceQuota quota("wellrun");
  quota.Resize(state_->options.max_memory_bytes).SetMaxThreads(kMaxThreads);
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort(state_->options.listen, std::move(credentials), &state_->port);
  builder.SetMaxReceiveMessageSize(state_->options.max_message_bytes);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             state_->options.handshake_timeout_ms);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, state_->options.max_pending_calls);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                             1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
  builder.RegisterCallbackGenericService(&state_->service);
  state_->server = builder.BuildAndStart();
  if (state_->server && state_->port != 0) return {};
  state_->server.reset();
  return fail(ErrorCode::kUnavailable, fmt::format("cannot listen for gRPC on {}: the address is "
                                                   "in use, not ours, or the TLS files do not fit",
                                                   state_->options.listen));
}

int GrpcServer::port() const {
  return state_->port;
}

void GrpcServer::stop() {
  if (!state_->server) return;
  state_->server->Shutdown(
      gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(kStopSeconds, GPR_TIMESPAN)));
  state_->shared.calls.wait_for_none();
  state_->server->Wait();
  state_->server.reset();
}

}  // namespace wellrun::grpc
