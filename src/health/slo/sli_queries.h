#pragma once

// What an indicator asks of PromQL, for any kind of indicator and any way of counting its budget.
// Pure. docs/slo.md has the table of what each becomes.

#include <string>

#include "catalog/kinds/slo.h"
#include "core/result.h"

namespace wellrun::health {

/// Each gives one value at the moment that a window ends: how many there were in it.
struct SliQueries {
  std::string good;  ///< or bad ones, see `bad`
  std::string total;
  bool bad = false;  ///< `good` counts the bad ones
};

/// Samples that are summed (`counter: false`) and of which one is NaN.
enum class NanSamples {
  kLeftOut,  ///< asked in a way that reads the window several times over
  kSpoil,    ///< the sum is NaN: then kLeftOut says what it is. Slices are as with kLeftOut
};

/// What the budget is counted in: events, samples of a value, or slices of time.
SliQueries sli_queries(const catalog::Slo& slo, Duration window, NanSamples nan);
SliQueries sli_queries(const catalog::Slo& slo, Duration window);  ///< NaN left out

/// The events below: the same for `Occurrences`; of slices the requests that fell into them, of
/// values the samples. What the guard against little traffic looks at.
SliQueries event_queries(const catalog::Slo& slo, Duration window, NanSamples nan);
SliQueries event_queries(const catalog::Slo& slo, Duration window);  ///< NaN left out

/// kInvalid when something that is asked for the SLO is no PromQL, although its queries may be:
/// says what they become.
Status check_slo_queries(const catalog::Slo& slo);

/// A query whose value at one moment is the share that was good in the `length` before it: what a
/// chart shows. No value where nothing happened.
std::string ratio_query(const catalog::Slo& slo, Duration length);

/// The length that a chart takes for ratio_query(): the slice, or a hundredth of the window,
/// between one minute and an hour.
Duration chart_length(const catalog::Slo& slo);

/// "events", "samples" or "slices of 1m".
std::string unit_of(const catalog::Slo& slo);

struct Counting {
  bool counter = true;
  Duration window{0};
  std::string edges;  ///< a modifier (" anchored") of the ranges that the window is, or empty
  NanSamples nan = NanSamples::kLeftOut;
};

/// `query` as a count over the window. Of counters, an expression over selectors
/// (`a{code="200"}`, `sum(a) - sum(b)`) becomes the same over their increases; one that has ranges
/// already (`sum(rate(a[5m]))`) is averaged and scaled to the window; `{{.window}}` is filled in.
std::string count_query(const std::string& query, const Counting& how);

}  // namespace wellrun::health
