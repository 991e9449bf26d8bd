#pragma once

// One structured line a decision, to standard error: text on a terminal, JSON lines elsewhere.
//
//   log(Level::kInfo, "respond/incident", "opened", {{"incident", id}, {"severity", 2}});
//
// Thread-safe. `area` is the folder that speaks; `message` is constant, what varies goes into
// fields. Never a secret.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/result.h"
#include "core/time.h"

namespace wellrun {

enum class Level { kDebug, kInfo, kWarning, kError };

/// "debug", "info", "warning", "error".
const char* name_of(Level level);
std::optional<Level> level_named(std::string_view name);

/// A name and what it holds; views, valid for the call. Names are snake_case with the unit last.
struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view name, std::string_view text) : name(name), value(text) {}
  Field(std::string_view name, const std::string& text)
      : name(name), value(std::string_view(text)) {}
  Field(std::string_view name, const char* text) : name(name), value(std::string_view(text)) {}
  Field(std::string_view name, bool flag) : name(name), value(flag) {}
  Field(std::string_view name, double number) : name(name), value(number) {}
  /// In milliseconds; name it …_ms.
  Field(std::string_view name, Duration length) : name(name), value(length.count()) {}
  template <typename Integer>
    requires std::is_integral_v<Integer>
  Field(std::string_view name, Integer number)
      : name(name), value(static_cast<std::int64_t>(number)) {}
};

enum class LogFormat {
  kAuto,  ///< text when standard error is a terminal, else JSON
  kText,
  kJson,
};

struct LogOptions {
  Level level = Level::kInfo;  ///< lines below are not written
  LogFormat format = LogFormat::kAuto;
  /// Takes each line (with its newline) instead of standard error: for tests.
  std::function<void(std::string_view line)> write = {};
};

/// At start, before other threads log. Until then: level info, format kAuto.
void configure_log(const LogOptions& options);

/// True when a line of that level is written: asks before costly fields are made.
bool is_logged(Level level);

void log(Level level, std::string_view area, std::string_view message,
         std::initializer_list<Field> fields = {});

/// The same line (area and message) at most once a minute of `now`; the next that is written
/// carries `suppressed`, how many were not. For what a peer or a broken disk can cause at will.
void log_rarely(Timestamp now, Level level, std::string_view area, std::string_view message,
                std::initializer_list<Field> fields = {});

}  // namespace wellrun
