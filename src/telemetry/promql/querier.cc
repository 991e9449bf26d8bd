#include "telemetry/promql/querier.h"

#include <fmt/format.h>

namespace wellrun::telemetry::promql {
namespace {

constexpr Duration kTimeout{120'000};

class EngineQuerier : public Querier {
 public:
  EngineQuerier(Runtime& runtime, const Engine& engine) : runtime_(runtime), engine_(engine) {}

  void instant(std::string promql, Timestamp time,
               std::move_only_function<void(Result<InstantResult>)> done) override {
    runtime_.workers.run([&runtime = runtime_, &engine = engine_, promql = std::move(promql), time,
                          done = std::move(done)]() mutable {
      QueryLimits limits;
      limits.timed_out = [&clock = runtime.clock, until = runtime.clock.steady() + kTimeout] {
        return clock.steady() > until;
      };
      auto result = engine.instant(promql, time, limits);
      Result<InstantResult> answer =
          result ? instant_result(std::move(*result)) : std::unexpected(std::move(result).error());
      runtime.strand.post([answer = std::move(answer), done = std::move(done)]() mutable {
        done(std::move(answer));
      });
    });
  }

 private:
  Runtime& runtime_;
  const Engine& engine_;
};

}  // namespace

std::unique_ptr<Querier> make_querier(Runtime& runtime, const Engine& engine) {
  return std::make_unique<EngineQuerier>(runtime, engine);
}

Result<InstantResult> instant_result(QueryResult result) {
  if (result.type != ValueType::kVector && result.type != ValueType::kScalar)
    return fail(ErrorCode::kInvalid,
                fmt::format("the query gives a {}; an instant vector or a scalar is wanted here",
                            documented_name(result.type)));
  InstantResult out;
  out.warnings = std::move(result.warnings);
  for (auto& series : result.series) {
    if (!series.samples.empty())
      out.series.push_back({std::move(series.labels), series.samples.front().value});
    else if (!series.histograms.empty())
      out.histograms.push_back({std::move(series.labels), series.histograms.front().histogram});
  }
  return out;
}

}  // namespace wellrun::telemetry::promql
