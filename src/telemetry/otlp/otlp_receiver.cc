#include "telemetry/otlp/otlp_receiver.h"

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "core/json.h"
#include "telemetry/otlp/metrics.h"
#include "telemetry/otlp/records.h"

namespace wellrun::telemetry::otlp {

Result<Admission> OtlpReceiver::admit(std::size_t bytes) {
  if (bytes > options_.max_request_bytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("a request of {} bytes, {} are allowed; send smaller batches", bytes,
                            options_.max_request_bytes));
  const auto before = pending_bytes_.fetch_add(bytes);
  Admission admission(pending_bytes_, bytes);
  if (before + bytes > options_.max_pending_bytes)
    return fail(ErrorCode::kExhausted,
                "too many requests are being stored just now; send this one again later");
  return admission;
}

Result<Receipt> OtlpReceiver::receive(Signal signal, std::string_view protobuf) {
  switch (signal) {
    case Signal::kMetrics:
      return receive_metrics(protobuf);
    case Signal::kLogs:
      return receive_logs(protobuf);
    case Signal::kTraces:
      break;
  }
  return receive_traces(protobuf);
}

Result<Receipt> OtlpReceiver::receive_metrics(std::string_view protobuf) {
  TRY(auto batch, decode_metrics(protobuf, deltas_, clock_.now(), options_.limits));
  auto rejected = batch.rejected_count;
  if (!batch.metadata.empty()) metrics_.put_metadata(std::move(batch.metadata));
  if (!batch.series.empty()) {
    TRY(auto outcome, metrics_.write(std::move(batch.series)));
    rejected = rejected_points(batch, outcome.rejections);
    if (batch.first_rejection.empty()) batch.first_rejection = std::move(outcome.first_rejection);
  }
  if (options_.exemplars != nullptr && !batch.exemplars.empty()) {
    for (auto& [series, exemplar] : batch.exemplars)
      options_.exemplars->add(series, std::move(exemplar));
    options_.exemplars->commit();
  }
  return Receipt{static_cast<std::int64_t>(rejected), std::move(batch.first_rejection)};
}

Result<Receipt> OtlpReceiver::receive_logs(std::string_view protobuf) {
  TRY(auto batch, decode_logs(protobuf, clock_.now(), options_.limits));
  if (!batch.records.empty()) TRY_STATUS(signals_.put_logs(std::move(batch.records)));
  return Receipt{static_cast<std::int64_t>(batch.rejected_count), std::move(batch.first_rejection)};
}

Result<Receipt> OtlpReceiver::receive_traces(std::string_view protobuf) {
  TRY(auto batch, decode_spans(protobuf, clock_.now(), options_.limits));
  if (!batch.records.empty()) TRY_STATUS(signals_.put_spans(std::move(batch.records)));
  return Receipt{static_cast<std::int64_t>(batch.rejected_count), std::move(batch.first_rejection)};
}

std::string receipt_as_protobuf(const Receipt& receipt) {
  std::string out;
  if (receipt.rejected_count == 0) return out;
  std::string partial_bytes;
  protozero::pbf_writer partial(partial_bytes);
  partial.add_int64(1, receipt.rejected_count);
  partial.add_string(2, receipt.message);
  protozero::pbf_writer(out).add_message(1, partial_bytes);
  return out;
}

std::string receipt_as_json(Signal signal, const Receipt& receipt) {
  if (receipt.rejected_count == 0) return "{}";
  const char* const counter = signal == Signal::kMetrics ? "rejectedDataPoints"
                              : signal == Signal::kLogs  ? "rejectedLogRecords"
                                                         : "rejectedSpans";
  return to_text(Json{
      {"partialSuccess",
       {{counter, std::to_string(receipt.rejected_count)}, {"errorMessage", receipt.message}}}});
}

}  // namespace wellrun::telemetry::otlp
