#pragma once

// What the judge believes, before it sees anything, about when a canary gets worse: perhaps from
// its first request, perhaps later. Pure. The weights of all moments sum to one, so an e-process
// that mixes over the moments with these weights is an e-process again, however long one watches.

namespace wellrun::health {

struct ChangePrior {
  double at_start = 0.5;         ///< probability that the change is there from the first row
  double never = 0;              ///< that there is none, so that evidence has to be the stronger
  double typical_s = 40 * 60.0;  ///< scale of the moments after the start
  double tail = 1;  ///< weight beyond `t` falls like (t / typical_s)^-tail: no end is assumed

  /// Weight of the changes that begin within (`from_s`, `to_s`], seconds since the first row.
  double between(double from_s, double to_s) const;
  /// Weight of all changes that begin after `time_s`, or never.
  double after(double time_s) const;
};

}  // namespace wellrun::health
