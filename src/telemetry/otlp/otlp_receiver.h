#pragma once

// Takes OTLP requests to the store: decodes, writes, says what was rejected. Used by the HTTP
// routes and the gRPC methods. Thread-safe. Outlives both.

#include <atomic>
#include <memory>
#include <string>

#include "platform/runtime/runtime.h"
#include "telemetry/exemplars.h"
#include "telemetry/otlp/attributes.h"
#include "telemetry/otlp/delta_state.h"
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::otlp {

struct ReceiverOptions {
  DecodeLimits limits;
  DeltaLimits deltas;
  std::size_t max_request_bytes = 16 << 20;  ///< decompressed
  std::size_t max_pending_bytes = 64 << 20;  ///< of all requests admitted and not yet answered
  ExemplarStore* exemplars = nullptr;        ///< null: exemplars are not kept
};

/// What a sender is told: how many of its points, records or spans were not kept, and why the first
/// was not.
struct Receipt {
  std::int64_t rejected_count = 0;
  std::string message;
};

/// Room for one request while it lives.
class Admission {
 public:
  Admission(std::atomic<std::size_t>& pending, std::size_t bytes)
      : pending_(&pending), bytes_(bytes) {}
  Admission(Admission&& other) noexcept
      : pending_(std::exchange(other.pending_, nullptr)), bytes_(other.bytes_) {}
  Admission& operator=(Admission&&) = delete;
  ~Admission() {
    if (pending_) *pending_ -= bytes_;
  }

 private:
  std::atomic<std::size_t>* pending_;
  std::size_t bytes_;
};

class OtlpReceiver {
 public:
  OtlpReceiver(const Clock& clock, MetricWriter& metrics, SignalStore& signals,
               ReceiverOptions options = {})
      : clock_(clock),
        metrics_(metrics),
        signals_(signals),
        options_(options),
        deltas_(options.deltas) {}

  /// kTooLarge beyond max_request_bytes; kExhausted when too much is under way: try again later.
  Result<Admission> admit(std::size_t bytes);

  /// Decodes an Export…ServiceRequest and stores it; blocks until it is durable. kInvalid,
  /// kTooLarge: nothing was kept. Errors of the store pass through (kNoSpace, kUnavailable …).
  Result<Receipt> receive(Signal signal, std::string_view protobuf);

  const ReceiverOptions& options() const { return options_; }

 private:
  Result<Receipt> receive_metrics(std::string_view protobuf);
  Result<Receipt> receive_logs(std::string_view protobuf);
  Result<Receipt> receive_traces(std::string_view protobuf);

  const Clock& clock_;
  MetricWriter& metrics_;
  SignalStore& signals_;
  const ReceiverOptions options_;
  DeltaState deltas_;
  std::atomic<std::size_t> pending_bytes_ = 0;
};

/// An Export…ServiceResponse: empty when nothing was rejected, else with partial_success.
std::string receipt_as_protobuf(const Receipt& receipt);
std::string receipt_as_json(Signal signal, const Receipt& receipt);

}  // namespace wellrun::telemetry::otlp
