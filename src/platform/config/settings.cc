#include "platform/config/settings.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "core/json.h"
#include "core/text.h"

namespace wellrun::config {
namespace {

std::string joined_by(std::string_view name, char joint, bool upper) {
  std::string out(name);
  for (auto& c : out) {
    if (c == '-') c = joint;
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

const char* text_of(bool value) {
  return value ? "true" : "false";
}

/// A scalar that YAML reads back as the same text: JSON's quotes are YAML's.
std::string yaml_scalar(const Setting& setting) {
  return setting.is_flag ? setting.show() : Json(setting.show()).dump();
}

}  // namespace

const char* name_of(Source source) {
  switch (source) {
    case Source::kDefault:
      return "default";
    case Source::kFile:
      return "file";
    case Source::kEnvironment:
      return "environment";
    case Source::kFlag:
      break;
  }
  return "flag";
}

std::string Setting::flag() const {
  return "--" + name;
}

std::string Setting::environment() const {
  return "WELLRUN_" + joined_by(name, '_', true);
}

std::string Setting::key() const {
  return joined_by(name, '_', false);
}

std::string Setting::shown() const {
  const auto value = show();
  return secret && !value.empty() ? "(set)" : value;
}

Setting& Settings::add(Setting setting) {
  return settings_.emplace_back(std::move(setting));
}

void Settings::text(std::string name, std::string kind, std::string& target, std::string help) {
  add({.name = std::move(name),
       .kind = std::move(kind),
       .help = std::move(help),
       .set = [&target](std::string_view value) -> Status {
         target = value;
         return {};
       },
       .show = [&target] { return target; }});
}

void Settings::secret(std::string name, std::string& target, std::string help) {
  text(std::move(name), "secret", target, std::move(help));
  settings_.back().secret = true;
}

void Settings::duration(std::string name, Duration& target, std::string help) {
  add({.name = std::move(name),
       .kind = "duration",
       .help = std::move(help),
       .set = [&target](std::string_view value) -> Status {
         TRY(target, parse_duration(value));
         return {};
       },
       .show = [&target] { return format_duration(target); }});
}

void Settings::count(std::string name, std::size_t& target, std::string help, std::size_t least) {
  add({.name = std::move(name),
       .kind = "count",
       .help = std::move(help),
       .set = [&target, least](std::string_view value) -> Status {
         std::size_t number = 0;
         const auto* end = value.data() + value.size();
         const auto [rest, failed] = std::from_chars(value.data(), end, number);
         if (failed != std::errc() || rest != end || number < least)
           return fail(ErrorCode::kInvalid,
                       fmt::format("{} is no whole number from {} on", quote(value), least));
         target = number;
         return {};
       },
       .show = [&target] { return std::to_string(target); }});
}

void Settings::flag(std::string name, bool& target, std::string help, bool meaning) {
  add({.name = std::move(name),
       .kind = "true or false",
       .help = std::move(help),
       .is_flag = true,
       .set = [&target, meaning](std::string_view value) -> Status {
         if (value != "true" && value != "false")
           return fail(ErrorCode::kInvalid, quote(value) + " is neither true nor false");
         target = (value == "true") == meaning;
         return {};
       },
       .show = [&target, meaning] { return text_of(target == meaning); }});
}

void Settings::choice(std::string name, std::string& target, std::vector<std::string> words,
                      std::string help) {
  const auto kind = fmt::format("{}", fmt::join(words, "|"));
  add({.name = std::move(name),
       .kind = kind,
       .help = std::move(help),
       .set = [&target, words = std::move(words)](std::string_view value) -> Status {
         if (std::ranges::find(words, value) == words.end())
           return fail(ErrorCode::kInvalid,
                       fmt::format("{} is none of {}{}", quote(value), join_words(words),
                                   did_you_mean(value, words)));
         target = value;
         return {};
       },
       .show = [&target] { return target; }});
}

const Setting* Settings::find(std::string_view name) const {
  const auto found = std::ranges::find(settings_, name, &Setting::name);
  return found == settings_.end() ? nullptr : &*found;
}

Status Settings::assign(Setting& setting, std::string_view value, Source source,
                        std::string origin) {
  if (source < setting.source) return {};
  if (auto taken = setting.set(value); !taken)
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: {}", setting.name,
                            setting.secret ? "not such a value" : taken.error().message),
                std::move(origin));
  setting.source = source;
  setting.origin = std::move(origin);
  return {};
}

std::vector<Error> Settings::apply_file(const std::vector<FileEntry>& entries) {
  std::vector<std::string> keys;
  for (const auto& setting : settings_) keys.push_back(setting.key());
  std::vector<Error> errors;
  for (const auto& entry : entries) {
    const auto found = std::ranges::find(keys, entry.key);
    if (found == keys.end()) {
      errors.push_back({ErrorCode::kInvalid,
                        fmt::format("no setting is called {}{}", quote(entry.key),
                                    did_you_mean(entry.key, keys)),
                        entry.where});
      continue;
    }
    auto& setting = settings_[static_cast<std::size_t>(found - keys.begin())];
    if (auto taken = assign(setting, entry.value, Source::kFile, entry.where); !taken)
      errors.push_back(std::move(taken).error());
  }
  return errors;
}

Status Settings::apply_environment(
    const std::function<std::optional<std::string>(const std::string&)>& variable) {
  for (auto& setting : settings_) {
    const auto value = variable(setting.environment());
    if (!value || value->empty()) continue;
    TRY_STATUS(assign(setting, *value, Source::kEnvironment, setting.environment()));
  }
  return {};
}

Status Settings::apply_flag(std::string_view name, std::string_view value) {
  for (auto& setting : settings_)
    if (setting.name == name) return assign(setting, value, Source::kFlag, setting.flag());
  return fail(ErrorCode::kInvalid, fmt::format("no setting is called {}", quote(name)));
}

std::string example_file(const Settings& settings) {
  std::string out =
      "# Settings of wellrun serve. A flag or an environment variable wins over this file: the\n"
      "# setting some_name is also --some-name and WELLRUN_SOME_NAME. A line in a comment shows\n"
      "# the default. After a change: wellrun config check --config THIS_FILE\n";
  for (const auto& setting : settings.all()) {
    out += fmt::format("\n# {} ({})\n{}{}: {}\n", setting.help, setting.kind,
                       setting.source == Source::kDefault ? "#" : "", setting.key(),
                       yaml_scalar(setting));
  }
  return out;
}

}  // namespace wellrun::config
