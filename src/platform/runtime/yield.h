#pragma once

// For work that comes in bursts beside work that somebody waits for.

namespace wellrun {

/// Whoever waits for this processor goes first. Takes less than a microsecond when nobody does.
void let_others_run();

}  // namespace wellrun
