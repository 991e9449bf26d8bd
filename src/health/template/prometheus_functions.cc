// Prometheus' template functions. Source: Prometheus' template reference.

#include <algorithm>
#include <cmath>
#include <re2/re2.h>

#include "core/text.h"
#include "core/unicode.h"
#include "health/template/functions.h"
#include "health/template/humanize.h"

namespace wellrun::health::templates {
namespace {

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

Result<std::string> text_argument(std::string_view function, const Value& value) {
  const auto* text = value.as<std::string>();
  if (text == nullptr)
    return wrong(fmt::format("{} takes a text and got a {}", function, value.type_name()));
  return *text;
}

Result<double> number_argument(std::string_view function, const Value& value) {
  auto number = number_of(value);
  if (!number) return wrong(fmt::format("{}: {}", function, number.error().message));
  return *number;
}

// ---- what a query answers ----

constexpr std::string_view kSampleType = "sample";

Result<const Fields*> sample_argument(std::string_view function, const Value& value) {
  const auto* fields = value.fields();
  if (fields == nullptr || fields->type != kSampleType)
    return wrong(fmt::format("{} takes one series of a query's answer and got a {}", function,
                             value.type_name()));
  return fields;
}

std::string label_of(const Fields& sample, const std::string& name) {
  const auto* labels = sample.items.at("Labels").fields();
  const auto found = labels->items.find(name);
  return found == labels->items.end() ? std::string() : *found->second.as<std::string>();
}

Result<Value> query(const Environment& environment, Arguments arguments) {
  TRY(const auto promql, text_argument("query", arguments[0]));
  if (!environment.query) return wrong("query: nothing can be asked here");
  return environment.query(promql);
}

Result<Value> first(const Environment&, Arguments arguments) {
  const auto* list = arguments[0].list();
  if (list == nullptr)
    return wrong(
        fmt::format("first takes a query's answer and got a {}", arguments[0].type_name()));
  if (list->empty()) return wrong("first() called on vector with no elements");
  return list->front();
}

Result<Value> label(const Environment&, Arguments arguments) {
  TRY(const auto name, text_argument("label", arguments[0]));
  TRY(const auto* sample, sample_argument("label", arguments[1]));
  return Value(label_of(*sample, name));
}

Result<Value> value(const Environment&, Arguments arguments) {
  TRY(const auto* sample, sample_argument("value", arguments[0]));
  return sample->items.at("Value");
}

Result<Value> strvalue(const Environment&, Arguments arguments) {
  TRY(const auto* sample, sample_argument("strvalue", arguments[0]));
  return Value(label_of(*sample, "__value__"));
}

Result<Value> sort_by_label(const Environment&, Arguments arguments) {
  TRY(const auto name, text_argument("sortByLabel", arguments[0]));
  const auto* list = arguments[1].list();
  if (list == nullptr)
    return wrong(
        fmt::format("sortByLabel takes a query's answer and got a {}", arguments[1].type_name()));
  for (const auto& each : *list) {
    if (auto sample = sample_argument("sortByLabel", each); !sample)
      return std::unexpected(sample.error());
  }
  List sorted = *list;
  std::ranges::stable_sort(sorted, {},
                           [&](const Value& each) { return label_of(*each.fields(), name); });
  return Value(std::move(sorted));
}

// ---- templates ----

Result<Value> args(const Environment&, Arguments arguments) {
  Fields fields;
  fields.type = "map[string]interface {}";
  for (std::size_t i = 0; i < arguments.size(); ++i)
    fields.items[fmt::format("arg{}", i)] = arguments[i];
  Value made(std::move(fields));
  if (made.depth() > kDeepestValue)
    return fail(ErrorCode::kTooLarge,
                fmt::format("args: values nest deeper than {}", kDeepestValue));
  return made;
}

Result<Value> tmpl(const Environment& environment, Arguments arguments) {
  TRY(const auto name, text_argument("tmpl", arguments[0]));
  if (!environment.run_defined) return wrong("tmpl: no template can be run here");
  TRY(auto text, environment.run_defined(name, arguments[1]));
  return Value(std::move(text));
}

Result<Value> safe_html(const Environment&, Arguments arguments) {
  TRY(auto text, text_argument("safeHtml", arguments[0]));
  return Value(std::move(text));
}

// ---- texts ----

template <typename Map>
std::string mapped(std::string_view rest, Map map) {
  std::string out;
  while (!rest.empty()) append_utf8(out, map(next_code_point(rest)));
  return out;
}

Result<Value> upper(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("toUpper", arguments[0]));
  return Value(mapped(text, to_upper));
}
Result<Value> lower(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("toLower", arguments[0]));
  return Value(mapped(text, to_lower));
}

/// Whether a word goes on over `c`: letters, digits and what joins letters (Unicode's MidLetter and
/// MidNumLet).
bool joins_letters(char32_t c) {
  return c == '\'' || c == '.' || c == ':' || c == U'’' || c == U'‘' || c == U'·';
}

/// The first letter of each word in upper case, the others as they are.
Result<Value> title(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("title", arguments[0]));
  std::u32string points;
  for (std::string_view rest = text; !rest.empty();) points += next_code_point(rest);
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto c = points[i];
    append_utf8(out, inside ? c : to_upper(c));
    const bool joined =
        inside && joins_letters(c) && i + 1 < points.size() && is_letter(points[i + 1]);
    const bool extends = inside && ((c >= '0' && c <= '9') || c == '_');
    inside = is_letter(c) || joined || extends;
  }
  return Value(out);
}

constexpr std::size_t kRegexSteps = 50;  ///< it is compiled at each call

Result<std::unique_ptr<RE2>> regex_of(std::string_view function, const std::string& pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(1 << 20);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (!regex->ok())
    return wrong(fmt::format("{}: {} is no regular expression: {}", function, quote(pattern),
                             regex->error()));
  return regex;
}

Result<Value> match(const Environment&, Arguments arguments) {
  TRY(const auto pattern, text_argument("match", arguments[0]));
  TRY(const auto text, text_argument("match", arguments[1]));
  TRY(const auto regex, regex_of("match", pattern));
  return Value(RE2::PartialMatch(text, *regex));
}

/// What `$1`, `${1}`, `$name` and `$$` of a replacement mean for one match, as in Go.
std::string replaced(std::string_view replacement, const RE2& regex,
                     std::span<const re2::StringPiece> groups) {
  std::string out;
  while (!replacement.empty() && out.size() <= kMostText) {
    const auto dollar = replacement.find('$');
    out += replacement.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const bool braces = replacement.starts_with('{');
    const auto begin = braces ? 1U : 0U;
    auto end = begin;
    while (end < replacement.size() &&
           (std::isalnum(static_cast<unsigned char>(replacement[end])) != 0 ||
            replacement[end] == '_'))
      ++end;
    const std::string name(replacement.substr(begin, end - begin));
    if (name.empty() || (braces && (end >= replacement.size() || replacement[end] != '}'))) {
      out += '$';
      continue;
    }
    replacement.remove_prefix(end + (braces ? 1 : 0));
    const bool numbered =
        std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; });
    const auto& named = regex.NamedCapturingGroups();
    std::size_t group = groups.size();
    if (numbered && name.size() < 4) group = static_cast<std::size_t>(std::stoi(name));
    if (const auto found = named.find(name); !numbered && found != named.end())
      group = static_cast<std::size_t>(found->second);
    if (group < groups.size())
      out.append(groups[group].data() == nullptr ? "" : groups[group].data(), groups[group].size());
  }
  return out;
}

Result<Value> replace_all(const Environment&, Arguments arguments) {
  TRY(const auto pattern, text_argument("reReplaceAll", arguments[0]));
  TRY(const auto replacement, text_argument("reReplaceAll", arguments[1]));
  TRY(const auto text, text_argument("reReplaceAll", arguments[2]));
  TRY(const auto regex, regex_of("reReplaceAll", pattern));
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex->NumberOfCapturingGroups()) +
                                       1);
  std::string out;
  std::size_t at = 0;
  std::size_t copied = 0;
  while (at <= text.size() && regex->Match(text, at, text.size(), RE2::UNANCHORED, groups.data(),
                                           static_cast<int>(groups.size()))) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const auto end = begin + groups[0].size();
    // An empty match right behind the match before does not count.
    const bool counts = end > begin || begin > copied || begin == 0;
    if (counts) {
      out += text.substr(copied, begin - copied) + replaced(replacement, *regex, groups);
      copied = end;
    }
    if (out.size() > kMostText) return Value(std::move(out));
    std::string_view rest = std::string_view(text).substr(end);
    if (end == begin && !rest.empty()) {
      const auto before = rest.size();
      next_code_point(rest);
      at = end + (before - rest.size());
    } else {
      at = end == begin ? end + 1 : end;
    }
  }
  return Value(out + text.substr(std::min(copied, text.size())));
}

/// host:port apart; std::nullopt when it is not one.
std::optional<std::pair<std::string, std::string>> host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = text.substr(colon + 1);
  if (text.starts_with('[')) {
    if (text[colon - 1] != ']' || text.find(']') != colon - 1) return std::nullopt;
    return std::pair(text.substr(1, colon - 2), port);
  }
  if (text.find(':') != colon || text.find_first_of("[]") != std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, colon), port);
}

bool is_address(const std::string& host) {
  static const RE2 v4(
      R"(((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))");
  static const RE2 v6(R"([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)");
  return RE2::FullMatch(host, v4) || RE2::FullMatch(host, v6);
}

Result<Value> strip_port(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("stripPort", arguments[0]));
  const auto parts = host_and_port(text);
  return Value(parts ? parts->first : text);
}

Result<Value> strip_domain(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("stripDomain", arguments[0]));
  const auto parts = host_and_port(text).value_or(std::pair(text, std::string()));
  if (is_address(parts.first)) return Value(text);
  const auto host = parts.first.substr(0, parts.first.find('.'));
  return Value(parts.second.empty() ? host : host + ":" + parts.second);
}

Result<Value> graph_link(const Environment&, Arguments arguments) {
  TRY(const auto expr, text_argument("graphLink", arguments[0]));
  return Value("/graph?g0.expr=" + query_escaped(expr) + "&g0.tab=0");
}
Result<Value> table_link(const Environment&, Arguments arguments) {
  TRY(const auto expr, text_argument("tableLink", arguments[0]));
  return Value("/graph?g0.expr=" + query_escaped(expr) + "&g0.tab=1");
}
Result<Value> url_query_escape(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("urlQueryEscape", arguments[0]));
  return Value(query_escaped(text));
}

Result<Value> external_url(const Environment& environment, Arguments) {
  return Value(environment.external_url);
}
Result<Value> path_prefix(const Environment& environment, Arguments) {
  std::string_view url = environment.external_url;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  const auto slash = url.find('/');
  if (slash == std::string_view::npos) return Value("");
  url.remove_prefix(slash);
  return Value(std::string(url.substr(0, url.find_first_of("?#"))));
}

// ---- numbers and times ----

template <std::string (*Print)(double)>
Result<Value> humanized(const Environment&, Arguments arguments) {
  TRY(const auto number, number_argument("humanize", arguments[0]));
  return Value(Print(number));
}

Result<Value> time_humanized(const Environment&, Arguments arguments) {
  TRY(const auto seconds, number_argument("humanizeTimestamp", arguments[0]));
  constexpr double kLast = 9223372036.854775807;  // Prometheus counts nanoseconds in 64 bits
  if (std::isfinite(seconds) && std::abs(seconds) > kLast)
    return wrong("humanizeTimestamp: the number is no time");
  return Value(humanize_timestamp(seconds));
}

Result<Value> to_time(const Environment&, Arguments arguments) {
  TRY(const auto seconds, number_argument("toTime", arguments[0]));
  if (!std::isfinite(seconds) || std::abs(seconds) > 9.2e9)
    return wrong("toTime: the number is no time");
  return Value(from_unix_ms(static_cast<std::int64_t>(std::floor(seconds * 1000))));
}
Result<Value> to_duration(const Environment&, Arguments arguments) {
  TRY(const auto seconds, number_argument("toDuration", arguments[0]));
  if (!std::isfinite(seconds) || std::abs(seconds) > 9.2e9)
    return wrong("toDuration: the number is no length of time");
  return Value(Nanoseconds{static_cast<std::int64_t>(seconds * 1e9)});
}
Result<Value> now(const Environment& environment, Arguments) {
  return Value(to_unix_seconds(environment.now));
}
Result<Value> duration_seconds(const Environment&, Arguments arguments) {
  TRY(const auto text, text_argument("parseDuration", arguments[0]));
  TRY(const auto length, parse_duration(text));
  return Value(to_seconds(length));
}

constexpr FunctionInfo kTable[] = {
    {"query", 1, 1, query},
    {"first", 1, 1, first},
    {"label", 2, 2, label},
    {"value", 1, 1, value},
    {"strvalue", 1, 1, strvalue},
    {"sortByLabel", 2, 2, sort_by_label},
    {"args", 0, -1, args},
    {"tmpl", 2, 2, tmpl},
    {"safeHtml", 1, 1, safe_html},
    {"title", 1, 1, title},
    {"toUpper", 1, 1, upper},
    {"toLower", 1, 1, lower},
    {"match", 2, 2, match, kRegexSteps},
    {"reReplaceAll", 3, 3, replace_all, kRegexSteps},
    {"stripPort", 1, 1, strip_port},
    {"stripDomain", 1, 1, strip_domain},
    {"graphLink", 1, 1, graph_link},
    {"tableLink", 1, 1, table_link},
    {"urlQueryEscape", 1, 1, url_query_escape},
    {"externalURL", 0, 0, external_url},
    {"pathPrefix", 0, 0, path_prefix},
    {"humanize", 1, 1, humanized<humanize>},
    {"humanize1024", 1, 1, humanized<humanize_1024>},
    {"humanizeDuration", 1, 1, humanized<humanize_duration>},
    {"humanizePercentage", 1, 1, humanized<humanize_percentage>},
    {"humanizeTimestamp", 1, 1, time_humanized},
    {"toTime", 1, 1, to_time},
    {"toDuration", 1, 1, to_duration},
    {"now", 0, 0, now},
    {"parseDuration", 1, 1, duration_seconds},
};

}  // namespace

Value query_sample(std::map<std::string, std::string> labels, Value value) {
  Fields fields;
  fields.is_struct = true;
  fields.type = kSampleType;
  fields.items = {{"Labels", text_map(std::move(labels))}, {"Value", std::move(value)}};
  return fields;
}

std::span<const FunctionInfo> prometheus_functions() {
  return kTable;
}

}  // namespace wellrun::health::templates
