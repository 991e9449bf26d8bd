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

/// `total`: anything with the interval that it counts over.
template <typename Total>
Status check_order(const Total& total, DeltaInterval point) {
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

/// What is known of the series, which is in use from now on; null: nothing.
DeltaState::Total* DeltaState::find(const Labels& series, Timestamp now) {
  const auto found = totals_.find(series);
  if (found == totals_.end()) return nullptr;
  found->second.used = now;
  return &found->second;
}

/// A place for a total of `bytes`: where it is `known`, or a new one. One that does not grow always
/// has its place.
Result<DeltaState::Total*> DeltaState::make_room(const Labels& series, Total* known,
                                                 std::size_t bytes, Timestamp now) {
  bytes += size_of(series);
  const auto held = known ? known->bytes : 0;
  const auto fits = [&] { return bytes <= held || bytes_ - held + bytes <= limits_.max_bytes; };
  if (!fits()) forget_idle(now);
  if (!fits())
    return fail(ErrorCode::kExhausted,
                "no space to add up another delta series; send cumulative temporality");
  auto& total = known ? *known : totals_[series];
  bytes_ = bytes_ - held + bytes;
  total.bytes = bytes;
  total.used = now;
  return &total;
}

Result<DeltaTotal<std::vector<double>>> DeltaState::add(const Labels& series,
                                                        DeltaInterval interval,
                                                        std::vector<double> shape,
                                                        std::vector<double> values, Timestamp now) {
  std::lock_guard lock(mutex_);
  auto* const known = find(series, now);
  bool goes_on = false;
  if (known) {
    TRY_STATUS(check_order(*known, interval));
    goes_on = known->shape == shape && known->values.size() == values.size();
    if (goes_on && interval.end_ns == known->end_ns)
      return DeltaTotal{known->values, known->start_ns};
  }
  TRY(Total* const total,
      make_room(series, known, (shape.size() + values.size()) * sizeof(double), now));
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
  auto* const known = find(series, now);
  if (known) {
    TRY_STATUS(check_order(*known, interval));
    if (interval.end_ns == known->end_ns) return DeltaTotal{known->native, known->start_ns};
    delta = add_histograms(known->native, delta);
  }
  TRY(Total* const total, make_room(series, known, size_of(delta), now));
  if (!known) total->start_ns = interval.start_ns;
  total->native = std::move(delta);
  total->end_ns = interval.end_ns;
  return DeltaTotal{total->native, total->start_ns};
}

}  // namespace wellrun::telemetry::otlp
