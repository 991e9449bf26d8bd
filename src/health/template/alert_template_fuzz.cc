// Any text: it parses or not, it expands within its limits or not, and it never asks twice.

#include "core/assert.h"
#include "health/alert_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  using namespace wellrun::health;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TemplateQueries queries;
  const TemplateData given{.labels = Labels{{"job", "shop"}, {"code", "500"}},
                           .value = 0.5,
                           .external_labels = {{"region", "eu"}},
                           .external_url = "https://ops.example/x",
                           .now = from_unix_ms(1'767'225'600'000),
                           .query = queries.port()};
  const bool sound = check_template(text).has_value();
  auto expanded = expand_template(text, given);
  for (int round = 0; round < 3 && !expanded; ++round) {
    for (const auto& promql : queries.take_open()) {
      telemetry::InstantResult found;
      found.series.push_back({Labels{{"q", promql}}, 1});
      queries.put(promql, std::move(found));
    }
    expanded = expand_template(text, given);
  }
  WELLRUN_ASSERT(sound || !expanded || !text.contains("{{"), "what does not parse does not expand");
  WELLRUN_ASSERT(!expanded || !text.contains("{{") || expanded->size() <= 16 * 1024,
                 "output is bounded");
  return 0;
}
