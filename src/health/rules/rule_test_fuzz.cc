// Any bytes as a rule file, as a sequence of values and as a file of tests: problems or a value,
// within bounds, and what was read can be run.

#include "core/assert.h"
#include "health/rules/rule_check.h"
#include "health/rules/series_notation.h"
#include "health/rules/unit_test_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::health::rules;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)check_rule_file("fuzz.yml", text);
  (void)read_unit_test_file("fuzz.yml", text);
  (void)parse_series_labels(text);
  if (const auto values = parse_sequence(text.substr(0, 200))) {
    WELLRUN_ASSERT(values->size() <= kMaxSequence, "a sequence is bounded");
    for (std::size_t i = 0; i < values->size() && i < 10; ++i) {
      const auto& histogram = (*values)[i].histogram;
      if (histogram == nullptr) continue;
      const auto again = parse_sequence(to_notation(*histogram));
      WELLRUN_ASSERT(again && again->size() == 1, "a histogram's notation reads back");
    }
  }
  return 0;
}
