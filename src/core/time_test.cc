#include "core/time.h"

#include <gtest/gtest.h>

namespace wellrun {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsEveryUnitInDescendingOrderOnly) {
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("1y2w3d4h5m6s7ms").value(),
            24h * 365 + 24h * 14 + 24h * 3 + 4h + 5min + 6s + 7ms);
  EXPECT_EQ(parse_duration("0").value(), 0ms);
  for (const char* wrong : {"", "5", "m", "30m1h", "5m5m", "-5m", "1.5h", "5 m",
                            "99999999999999999999y", "9999999999y"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Duration, PrintsWhatItReadsBack) {
  for (const char* text : {"0s", "250ms", "30s", "5m", "1h30m", "2d", "2w", "1y", "8d", "1h1ms"}) {
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
  }
}

TEST(Rfc3339, ReadsOffsetsAndFractionsAndPrintsUtc) {
  EXPECT_EQ(format_rfc3339(parse_rfc3339("2026-11-24T12:19:33.25+01:00").value()),
            "2026-11-24T11:19:33.250Z");
  EXPECT_EQ(format_rfc3339(from_unix_ms(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(from_unix_ms(-1)), "1969-12-31T23:59:59.999Z");
  for (const char* wrong :
       {"", "yesterday", "2026-11-24", "2026-13-24T00:00:00Z", "infinite-future"}) {
    EXPECT_FALSE(parse_rfc3339(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace wellrun
