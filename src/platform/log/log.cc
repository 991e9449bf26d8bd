#include "platform/log/log.h"

#include <map>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>
#include <vector>

#include "platform/log/log_line.h"

namespace wellrun {
namespace {

constexpr Duration kRarely{60'000};
constexpr std::size_t kMaxRareLines = 1000;
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)";

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_({line.data(), line.size()});
  }
  void flush_() override {}

  std::function<void(std::string_view)> write_;
};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::sink_ptr sink_of(const LogOptions& options, bool is_json) {
  if (options.write) return std::make_shared<FunctionSink>(options.write);
  if (is_json) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

/// The last time of a rare line, and what was left out since.
struct RareLine {
  Timestamp written;
  std::int64_t suppressed_count = 0;
};

struct Log {
  explicit Log(const LogOptions& options)
      : is_json(options.format == LogFormat::kJson ||
                (options.format == LogFormat::kAuto && ::isatty(STDERR_FILENO) == 0)),
        logger("wellrun", sink_of(options, is_json)) {
    logger.set_level(spdlog_level(options.level));
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        is_json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc));
  }

  void write(Level level, std::string_view area, std::string_view message,
             std::span<const Field> fields) {
    const auto line = is_json ? json_line(area, message, fields) : text_line(area, message, fields);
    logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  }

  const bool is_json;
  spdlog::logger logger;
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, RareLine> rare_lines;
};

/// The one log of the process: lines from everywhere meet in one stream anyway.
std::unique_ptr<Log>& current() {
  static auto log = std::make_unique<Log>(LogOptions{});
  return log;
}

/// How many lines were left out before this one; std::nullopt: leave this one out, too.
std::optional<std::int64_t> suppressed_before(Log& log, Timestamp now, std::string_view area,
                                              std::string_view message) {
  const std::lock_guard lock(log.mutex);
  auto& lines = log.rare_lines;
  if (lines.size() >= kMaxRareLines) {
    std::erase_if(lines, [now](const auto& line) { return now - line.second.written >= kRarely; });
    if (lines.size() >= kMaxRareLines) lines.clear();
  }
  const auto [found, is_new] =
      lines.try_emplace({std::string(area), std::string(message)}, RareLine{.written = now});
  if (is_new) return 0;
  auto& line = found->second;
  const bool is_too_soon = now >= line.written && now - line.written < kRarely;
  if (is_too_soon) {
    ++line.suppressed_count;
    return std::nullopt;
  }
  line.written = now;
  return std::exchange(line.suppressed_count, 0);
}

}  // namespace

const char* name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::optional<Level> level_named(std::string_view name) {
  for (const auto level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (name == name_of(level)) return level;
  }
  return std::nullopt;
}

void configure_log(const LogOptions& options) {
  current() = std::make_unique<Log>(options);
}

bool is_logged(Level level) {
  return current()->logger.should_log(spdlog_level(level));
}

void log(Level level, std::string_view area, std::string_view message,
         std::initializer_list<Field> fields) {
  if (is_logged(level)) current()->write(level, area, message, std::span(fields));
}

void log_rarely(Timestamp now, Level level, std::string_view area, std::string_view message,
                std::initializer_list<Field> fields) {
  if (!is_logged(level)) return;
  const auto suppressed_count = suppressed_before(*current(), now, area, message);
  if (!suppressed_count) return;
  std::vector<Field> all(fields);
  if (*suppressed_count > 0) all.emplace_back("suppressed", *suppressed_count);
  current()->write(level, area, message, all);
}

}  // namespace wellrun
