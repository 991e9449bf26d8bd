#include <snappy.h>

#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/remote_read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry;
  static const auto reader = [] {
    promql::testing::MemoryReader made;
    SeriesWrite series;
    series.labels = wellrun::Labels{{"__name__", "m"}};
    series.samples = {{1000, 1}, {2000, 2.5}};
    made.add(std::move(series));
    return made;
  }();
  wellrun::http::Request request;
  snappy::Compress(reinterpret_cast<const char*>(data), size, &request.body);
  (void)answer_remote_read(request, reader);
  return 0;
}
