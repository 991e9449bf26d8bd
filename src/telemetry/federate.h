#pragma once

// /federate: the newest samples of the series that match, in Prometheus' text format or protobuf,
// for another Prometheus to scrape. Names that are not plain are written as its Accept takes them.
// Takes its turn among the queries. Source:
// https://prometheus.io/docs/prometheus/latest/federation/

#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/in_turn.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// GET /federate?match[]=… . References outlive the server.
std::vector<http::Route> federate_routes(Runtime& runtime, const MetricReader& reader,
                                         RunningQueries& running);

/// What the route answers at `now`: samples at most five minutes old, with their times, sorted by
/// name; series that ended are left out, and from the text native histograms, which it cannot hold.
/// 400 for a match[] that cannot be read.
http::Response answer_federate(const http::Request& request, const MetricReader& reader,
                               Timestamp now, const ReadLimits& limits = {});

}  // namespace wellrun::telemetry
