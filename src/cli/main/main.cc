// The program. What it does stands in src/cli/commands.cc (the client) and src/server/ (the
// server).

#include "cli/program.h"

int main(int argc, char** argv) {
  return wellrun::cli::run_program(argc, argv);
}
