#pragma once

namespace wellrun::cli {

/// The whole program: reads arguments and environment, does what they say, returns the exit code.
/// Called once, by main().
int run_program(int argc, char** argv);

}  // namespace wellrun::cli
