#include "cli/render.h"

#include <array>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::cli {
namespace {

const Json* find_path(const Json& item, std::string_view path) {
  const Json* at = &item;
  for (const auto part : split(path, '.')) {
    const bool is_index =
        !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    if (at->is_array() && is_index) {
      const auto index = std::stoul(std::string(part));
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else if (at->is_object() && at->contains(part)) {
      at = &at->at(std::string(part));
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string plain(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>().empty() ? "-" : value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return value.dump();
}

std::string listed(const Json& value) {
  if (!value.is_array()) return plain(value);
  if (value.empty()) return "-";
  std::string text;
  for (const auto& each : value) {
    if (!text.empty()) text += ", ";
    if (!each.is_object()) {
      text += plain(each);
      continue;
    }
    for (const char* key : {"display_name", "name", "person", "id", "alert"}) {
      if (each.contains(key)) {
        text += plain(each.at(key));
        break;
      }
    }
  }
  return text;
}

/// Width in a terminal: code points, which is right for what names hold.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string cut_to(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::string kept;
  std::size_t count = 0;
  for (const char c : text) {
    const bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts && ++count >= width) break;
    kept += c;
  }
  return kept + "…";
}

enum class Meaning { kNeutral, kGood, kWarning, kBad };

Meaning meaning_of(std::string_view state) {
  constexpr std::array kGood{"healthy",   "on_target", "resolved", "succeeded", "operational",
                             "practised", "ok",        "signed",   "done",      "up"};
  constexpr std::array kWarning{"at_risk",          "triggered", "acknowledged", "mitigated",
                                "waiting_approval", "partly",    "pending",      "degraded",
                                "ticket",           "unknown",   "inactive",     "anomalous"};
  constexpr std::array kBad{"critical", "missed", "failed",      "firing", "outage",
                            "not",      "page",   "rolled_back", "down"};
  if (std::ranges::find(kGood, state) != kGood.end()) return Meaning::kGood;
  if (std::ranges::find(kWarning, state) != kWarning.end()) return Meaning::kWarning;
  return std::ranges::find(kBad, state) != kBad.end() ? Meaning::kBad : Meaning::kNeutral;
}

/// Two digits, and more until a share below one is not shown as all of it.
std::string percent(double share) {
  constexpr int kFewest = 2, kMost = 12;
  auto text = fmt::format("{:.{}f}", share * 100, kFewest);
  for (int digits = kFewest + 1; share < 1 && text.starts_with("100.") && digits <= kMost; ++digits)
    text = fmt::format("{:.{}f}", share * 100, digits);
  return share < 1 && text.starts_with("100.") ? "< 100 %" : text + " %";
}

std::string age(Timestamp time, Timestamp now) {
  if (time > now) return "in " + format_age(time - now);
  return format_age(now - time) + (now - time < std::chrono::seconds(1) ? "" : " ago");
}

}  // namespace

std::string coloured(const std::string& text, const std::string& state, const Terminal& terminal) {
  if (!terminal.colour) return text;
  switch (meaning_of(state)) {
    case Meaning::kGood:
      return "\x1b[32m" + text + "\x1b[0m";
    case Meaning::kWarning:
      return "\x1b[33m" + text + "\x1b[0m";
    case Meaning::kBad:
      return "\x1b[31m" + text + "\x1b[0m";
    case Meaning::kNeutral:
      return text;
  }
  return text;
}

std::string cell(const Json& item, const Column& column, Timestamp now) {
  const auto* value = find_path(item, column.path);
  if (value == nullptr || value->is_null()) return "-";
  const auto time = value->is_string() ? parse_rfc3339(value->get<std::string>())
                                       : Result<Timestamp>(fail(ErrorCode::kInvalid, ""));
  switch (column.form) {
    case Column::Form::kAge:
      return time ? age(*time, now) : plain(*value);
    case Column::Form::kForetold:
      if (time && *time > now && item.value("beyond", false)) return "already";
      return time ? age(*time, now) : plain(*value);
    case Column::Form::kPercent:
      return value->is_number() ? percent(value->get<double>()) : plain(*value);
    case Column::Form::kList:
      return listed(*value);
    default:
      return plain(*value);
  }
}

std::string table(const Json& items, const std::vector<Column>& columns, const Terminal& terminal,
                  const std::string& empty) {
  if (!items.is_array() || items.empty()) return empty + "\n";
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> widths;
  for (const auto& column : columns) widths.push_back(width_of(column.title));
  for (const auto& item : items) {
    auto& row = rows.emplace_back();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      row.push_back(cell(item, columns[c], terminal.now));
      std::ranges::replace(row.back(), '\n', ' ');
      widths[c] = std::max(widths[c], width_of(row.back()));
    }
  }
  constexpr std::size_t kGap = 2;
  constexpr std::size_t kNarrowest = 8;
  auto total = [&] {
    std::size_t sum = 0;
    for (const auto width : widths) sum += width + kGap;
    return sum - kGap;
  };
  while (total() > static_cast<std::size_t>(terminal.width)) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) break;
    --*widest;
  }
  std::string text;
  auto put = [&](const std::string& value, std::size_t c, const std::string& shown) {
    text += shown;
    if (c + 1 < columns.size())
      text.append(widths[c] - std::min(widths[c], width_of(value)) + kGap, ' ');
  };
  for (std::size_t c = 0; c < columns.size(); ++c)
    put(columns[c].title, c,
        terminal.colour ? "\x1b[2m" + columns[c].title + "\x1b[0m" : columns[c].title);
  text += '\n';
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto fitted = cut_to(row[c], widths[c]);
      put(fitted, c,
          columns[c].form == Column::Form::kState ? coloured(fitted, row[c], terminal) : fitted);
    }
    text += '\n';
  }
  return text;
}

std::string wrapped(std::string_view text, int width, int indent) {
  const auto room = static_cast<std::size_t>(std::max(1, width - indent));
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string lines;
  std::string line;
  for (const auto word : split(text, ' ')) {
    if (!line.empty() && width_of(line) + 1 + width_of(word) > room) {
      lines += margin + line + '\n';
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line.empty() ? lines : lines + margin + line + '\n';
}

std::string details(const Json& item, const std::vector<Column>& columns,
                    const Terminal& terminal) {
  std::size_t widest = 0;
  for (const auto& column : columns) widest = std::max(widest, width_of(column.title));
  std::string text;
  for (const auto& column : columns) {
    const auto value = cell(item, column, terminal.now);
    if (value == "-") continue;
    const auto shown =
        column.form == Column::Form::kState ? coloured(value, value, terminal) : value;
    text += fmt::format("{}{}  {}\n", column.title,
                        std::string(widest - width_of(column.title), ' '), shown);
  }
  return text;
}

namespace {

/// Length of "ESC [ digits m" at the front of `text`, or 0.
std::size_t colour_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const auto end = text.find_first_not_of("0123456789", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

/// Length of the control character at the front of `text`, or 0: C0, DEL, and C1 in UTF-8.
std::size_t control_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return first == '\n' || first == '\t' ? 0 : 1;
  const bool is_c1 = first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return is_c1 ? 2 : 0;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    if (const auto colour = colour_length(text); colour != 0) {
      length = colour;
      out += text.substr(0, length);
    } else if (const auto control = control_length(text); control != 0) {
      length = control;
      out += "\uFFFD";
    } else {
      out += text[0];
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace wellrun::cli
