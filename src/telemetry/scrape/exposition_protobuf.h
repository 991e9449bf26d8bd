#pragma once

// The protobuf exposition: MetricFamily messages, each after its length. The only form in which
// targets expose native histograms. Pure. Source: io.prometheus.client, metrics.proto.

#include "telemetry/scrape/exposition.h"

namespace wellrun::telemetry::scrape {

/// As parse_exposition(). A histogram with native buckets becomes one native sample; with
/// `keep_classic` its classic series stand beside it.
Result<Exposition> parse_protobuf_exposition(std::string_view body, const ExpositionLimits& limits,
                                             bool keep_classic);

}  // namespace wellrun::telemetry::scrape
