#include "telemetry/otlp/delta_state.h"

#include <absl/hash/hash.h>

#include "telemetry/otlp/exponential.h"

namespace wellrun::telemetry::otlp {
namespace {

constexpr Duration kSweepInterval{60'000};

std::size_t size_of(const Labels& labels) {
  std::size_t bytes = 256;
  for (const auto& label : labels) bytes += sizeof(Label) + label.name.size() + label.value.size();
  return bytes;
}

std::size_t size_of(const Histogram& histogram) {
  return (histogram.positive_counts.size() + histogram.negative_counts.size()) * 2 * sizeof(double);
}

/// `total`: anything with the interval that it counts over; an end of 0: nothing yet.
template <typename Total>
Status check_order(const Total& total, DeltaInterval point) {
  if (total.end_ns == 0) return {};
  if (point.end_ns < total.end_ns)
    return fail(ErrorCode::kConflict, "a delta point that ends before the last one of its series");
  if (point.start_ns != 0 && total.start_ns != 0 && point.start_ns < total.start_ns)
    return fail(ErrorCode::kConflict,
                "a delta point that began before the first one of its series");
  return {};
}

}  // namespace

std::size_t DeltaState::Hash::operator()(const Labels& labels) const {
  std::size_t hash = 0;
  for (const auto& label : labels) hash = absl::HashOf(hash, label.name, label.value);
  return hash;
}

std::size_t DeltaState::series_count() const {
  std::lock_guard lock(mutex_);
  return totals_.size();
}

void DeltaState::forget_idle(Timestamp now) {
  if (now - swept_ < kSweepInterval && now >= swept_) return;
  swept_ = now;
  absl::erase_if(totals_, [&](const auto& entry) {
    const bool idle = now - entry.second.used > limits_.idle;
    if (idle) bytes_ -= entry.second.bytes;
    return idle;
  });
}

/// Room for `bytes` in all is made before: a total may grow with its histogram.
Result<DeltaState::Total*> DeltaState::find_or_make(const Labels& series, std::size_t bytes,
                                                    Timestamp now) {
  bytes += size_of(series);
  const auto held = [&] {
    const auto found = totals_.find(series);
    return found == totals_.end() ? 0 : found->second.bytes;
  };
  if (bytes_ - held() + bytes > limits_.max_bytes) forget_idle(now);
  const auto before = held();
  const auto wanted = std::max(bytes, before);
  if (bytes_ - before + wanted > limits_.max_bytes)
    return fail(ErrorCode::kExhausted,
                "no space to add up another delta series; send cumulative temporality");
  auto& total = totals_[series];
  bytes_ += wanted - before;
  total.bytes = wanted;
  total.used = now;
  return &total;
}

Result<DeltaTotal<std::vector<double>>> DeltaState::add(const Labels& series,
                                                        DeltaInterval interval,
                                                        std::vector<double> shape,
                                                        std::vector<double> values, Timestamp now) {
  std::lock_guard lock(mutex_);
  TRY(Total* const total,
      find_or_make(series, (shape.size() + values.size()) * sizeof(double), now));
  TRY_STATUS(check_order(*total, interval));
  const bool same_shape = total->shape == shape && total->values.size() == values.size();
  if (same_shape && interval.end_ns == total->end_ns)
    return DeltaTotal{total->values, total->start_ns};
  const bool goes_on = same_shape && total->end_ns != 0;
  if (goes_on)
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += total->values[i];
  else
    total->start_ns = interval.start_ns;
  total->end_ns = interval.end_ns;
  total->shape = std::move(shape);
  total->values = values;
  return DeltaTotal{std::move(values), total->start_ns};
}

Result<DeltaTotal<Histogram>> DeltaState::add(const Labels& series, DeltaInterval interval,
                                              Histogram delta, Timestamp now) {
  std::lock_guard lock(mutex_);
  TRY(Total* const total, find_or_make(series, size_of(delta), now));
  TRY_STATUS(check_order(*total, interval));
  if (interval.end_ns == total->end_ns) return DeltaTotal{total->native, total->start_ns};
  if (total->end_ns == 0) total->start_ns = interval.start_ns;
  total->native = total->end_ns == 0 ? std::move(delta) : add_histograms(total->native, delta);
  total->end_ns = interval.end_ns;
  const auto bytes = size_of(series) + size_of(total->native);
  if (bytes > total->bytes) {
    bytes_ += bytes - total->bytes;
    total->bytes = bytes;
  }
  return DeltaTotal{total->native, total->start_ns};
}

}  // namespace wellrun::telemetry::otlp
