#pragma once

// How answers look in a terminal: tables that fit, colours where there is a terminal, JSON for
// programs.

#include <string>
#include <vector>

#include "core/json.h"
#include "core/time.h"

namespace wellrun::cli {

struct Column {
  std::string title;
  std::string path;  ///< into an item: "id", "kpis.missed", "on_call.0.person"
  /// kForetold: a time as kAge, or "already" of an item whose `beyond` says that it is crossed.
  enum class Form { kText, kAge, kForetold, kPercent, kNumber, kList, kState } form = Form::kText;
};

struct Terminal {
  bool colour = false;
  int width = 100;
  Timestamp now;
};

/// Rows of `items` under a heading; `empty` when there are none. Columns are cut from the widest on
/// until the table fits.
std::string table(const Json& items, const std::vector<Column>& columns, const Terminal& terminal,
                  const std::string& empty);

/// One item as "name: value" lines.
std::string details(const Json& item, const std::vector<Column>& columns, const Terminal& terminal);

/// `text` in lines of at most `width` columns, each indented by `indent`, broken between words; a
/// longer word stays whole. Empty for empty text.
std::string wrapped(std::string_view text, int width, int indent);

/// The value at a path as a person reads it; "-" for null and absent.
std::string cell(const Json& item, const Column& column, Timestamp now);

/// `text` in a colour by what the state means: red for failed, critical, missed; yellow for
/// at_risk, triggered; green for good.
std::string coloured(const std::string& text, const std::string& state, const Terminal& terminal);

/// What a terminal may be given: control characters become U+FFFD but for line ends, tabs and the
/// colours of `coloured`. Titles and labels are written by whoever sends telemetry, and must not
/// move the cursor, set the clipboard or rewrite what stands above.
std::string harmless(std::string_view text);

}  // namespace wellrun::cli
