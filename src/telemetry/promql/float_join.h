#pragma once

// Binary operators between two vectors of floats where every element has at most one partner for
// the whole query: column meets column, no step needs a look-up. binary.cc says what the operators
// mean and does everything else. Pure functions.

#include <optional>
#include <vector>

#include "telemetry/promql/value.h"

namespace wellrun::telemetry::promql {

inline constexpr std::size_t kNoPartner = static_cast<std::size_t>(-1);

double arithmetic(BinaryOp op, double left, double right);
/// Whether a comparison is true.
bool holds(BinaryOp op, double left, double right);

/// A side of the operator, with the match group of each column, numbered from 0.
struct MatchedSide {
  const Columns& columns;
  const std::vector<std::size_t>& group;
};

/// For each column of `many` the index of its one partner in `one`, or kNoPartner. std::nullopt
/// when there are histograms, or when a group has several columns of `one` (of either side where
/// `one_to_one`): those may still meet one at a time.
std::optional<std::vector<std::size_t>> single_partners(const MatchedSide& many,
                                                        const MatchedSide& one,
                                                        std::size_t group_count, bool one_to_one);

/// Arithmetic or a comparison, step by step where both sides have a value. A comparison keeps the
/// left value where it holds, or gives 1 and 0 with `as_bool`. `out` is empty and as long as both.
void join_floats(BinaryOp op, bool as_bool, const Column& left, const Column& right, Column& out);

}  // namespace wellrun::telemetry::promql
