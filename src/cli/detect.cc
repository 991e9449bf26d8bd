#include "cli/detect.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "health/baseline/detect_csv.h"

namespace wellrun::cli {

void add_detect(CLI::App& app, Context& context, int& exit_code) {
  auto options = std::make_shared<health::baseline::DetectOptions>();
  auto* command = app.add_subcommand(
      "detect", "Score each row of a series by how unusual it is: CSV in, CSV out");
  command->add_flag("--explain", options->explain,
                    "add the columns expected, lower, upper, reason");
  command->footer(
      "Reads the columns timestamp and value from stdin; writes them with anomaly_score (0..1) to\n"
      "stdout, row by row. 0.5 and more is an alarm. It learns level, season and spread by itself\n"
      "and says nothing (0) for the first 60 rows.\n\n"
      "Example:\n"
      "  wellrun detect --explain < latency.csv > scored.csv\n\n"
      "with latency.csv:\n"
      "  timestamp,value\n"
      "  2026-11-24 00:00:00,12.5\n"
      "  2026-11-24 00:05:00,12.9\n\n"
      "More: docs/detection.md");
  command->callback([&context, &exit_code, options] {
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    const auto done = health::baseline::detect(std::cin, std::cout, *options);
    exit_code = done ? 0 : report(context, done.error());
  });
}

}  // namespace wellrun::cli
