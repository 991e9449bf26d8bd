#include "cli/detect.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <sstream>

#include "catalog/load.h"
#include "core/text.h"
#include "health/baseline/detect_csv.h"

namespace wellrun::cli {
namespace {

struct GivenCalendar {
  std::string file;
  std::string time_zone;
};

/// The one Calendar in a file of operations as code.
Result<catalog::Calendar> read_calendar(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf()))
    return fail(ErrorCode::kIo, fmt::format("the calendar {} cannot be read", quote(path)));
  const auto declared = catalog::load({{path, text.str()}});
  if (!declared.problems.empty())
    return fail(ErrorCode::kInvalid, to_string(declared.problems.front()));
  const catalog::Calendar* only = nullptr;
  for (const auto& each : declared.items) {
    if (each.resource->kind != catalog::Calendar::kKind) continue;
    if (only != nullptr)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} declares more than one Calendar; give one", quote(path)));
    only = static_cast<const catalog::Calendar*>(each.resource->value.get());
  }
  if (only == nullptr)
    return fail(ErrorCode::kInvalid,
                fmt::format("{} declares no Calendar (docs/reference/calendar.md)", quote(path)));
  return *only;
}

Result<health::baseline::Calendar> calendar_of(const GivenCalendar& given) {
  catalog::Calendar calendar;
  if (!given.file.empty()) {
    TRY(calendar, read_calendar(given.file));
  }
  if (!given.time_zone.empty()) calendar.time_zone = given.time_zone;
  return health::baseline::Calendar::of(calendar);
}

}  // namespace

void add_detect(CLI::App& app, Context& context, int& exit_code) {
  auto options = std::make_shared<health::baseline::DetectOptions>();
  auto given = std::make_shared<GivenCalendar>();
  auto* command = app.add_subcommand(
      "detect", "Score each row of a series by how unusual it is: CSV in, CSV out");
  command->add_flag("--explain", options->explain,
                    "add the columns expected, lower, upper, reason");
  command->add_option("--calendar", given->file,
                      "file with a Calendar: whose time of day and holidays the values follow");
  command->add_option("--time-zone", given->time_zone,
                      "IANA time zone of the time of day, as Europe/Berlin (default: UTC, or the "
                      "calendar's); timestamps are UTC all the same");
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
  command->callback([&context, &exit_code, options, given] {
    auto calendar = calendar_of(*given);
    if (!calendar) {
      exit_code = report(context, calendar.error());
      return;
    }
    options->calendar = std::move(*calendar);
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    const auto done = health::baseline::detect(std::cin, std::cout, *options);
    exit_code = done ? 0 : report(context, done.error());
  });
}

}  // namespace wellrun::cli
