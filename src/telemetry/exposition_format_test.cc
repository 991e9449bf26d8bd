#include "telemetry/exposition_format.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry {
namespace {

std::string negotiated(std::string_view accept) {
  constexpr ExpositionKind kOffered[] = {ExpositionKind::kText, ExpositionKind::kText100,
                                         ExpositionKind::kProtobuf};
  constexpr const char* kNames[] = {"text", "text 1.0.0", "OpenMetrics", "protobuf"};
  const auto format = negotiate(accept, kOffered);
  return std::string(kNames[static_cast<int>(format.kind)]) + " " +
         std::string(name_of(format.escaping));
}

TEST(ExpositionFormat, IsWhatTheScraperWantsMostOfWhatIsOffered) {
  EXPECT_EQ(negotiated(""), "text underscores");
  EXPECT_EQ(negotiated("*/*"), "text underscores");
  EXPECT_EQ(negotiated("text/plain;version=1.0.0;escaping=allow-utf-8"), "text 1.0.0 allow-utf-8");
  EXPECT_EQ(negotiated("text/plain;version=0.0.4;escaping=dots"), "text dots");
  EXPECT_EQ(negotiated("text/plain;escaping=values"), "text values");
  EXPECT_EQ(negotiated("text/plain;escaping=unheard-of"), "text underscores");
  EXPECT_EQ(negotiated("text/plain;version=9;escaping=dots"), "text dots");
  EXPECT_EQ(negotiated("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                       "application/openmetrics-text;version=0.0.1;q=0.5,"
                       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
            "text 1.0.0 allow-utf-8");
  EXPECT_EQ(negotiated("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                       "encoding=delimited;escaping=allow-utf-8;q=0.6,text/plain;q=0.3"),
            "protobuf allow-utf-8");
  EXPECT_EQ(negotiated("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                       "encoding=text,text/plain;q=0.3"),
            "text underscores");
}

TEST(ExpositionFormat, NamesThatAreNotPlainAreEscaped) {
  const auto names = [](std::string_view name, NameOf kind = NameOf::kMetric) {
    return escaped_name(name, kind, Escaping::kAllowUtf8) + " " +
           escaped_name(name, kind, Escaping::kUnderscores) + " " +
           escaped_name(name, kind, Escaping::kDots) + " " +
           escaped_name(name, kind, Escaping::kValues);
  };
  EXPECT_EQ(names("up"), "up up up up");
  EXPECT_EQ(names("a_b:c"), "a_b:c a_b:c a__b:c a_b:c");
  EXPECT_EQ(names("a_b.c/d"), "a_b.c/d a_b_c_d a__b_dot_c__d U__a__b_2e_c_2f_d");
  EXPECT_EQ(names("1größe"), "1größe _gr__e __gr____e U___31_gr_f6__df_e");
  EXPECT_EQ(names("\xF0\x9F\x90\xA2"), "\xF0\x9F\x90\xA2 _ __ U___1f422_");
  EXPECT_EQ(names("a:b", NameOf::kLabel), "a:b a_b a__b U__a_3a_b");
  EXPECT_EQ(escaped_name("a\xFF", NameOf::kMetric, Escaping::kValues), "U__a_fffd_");
}

}  // namespace
}  // namespace wellrun::telemetry
