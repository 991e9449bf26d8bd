#include "telemetry/scrape/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <simdjson.h>

#include "core/text.h"
#include "telemetry/scrape/exposition_protobuf.h"
#include "telemetry/scrape/open_metrics_number.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr std::size_t kMaxExemplarLabels = 64;

bool is_name_start(char c, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
}
bool is_name_part(char c, bool colon) {
  return is_name_start(c, colon) || (c >= '0' && c <= '9');
}

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

Result<double> parse_number(std::string_view text) {
  const auto sign = text.starts_with('-') ? -1.0 : 1.0;
  std::string lower(text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (lower == "inf" || lower == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  const bool hex = lower.starts_with("0x");
  const char* const begin = lower.data() + (hex ? 2 : 0);
  const char* const end = lower.data() + lower.size();
  double value = 0;
  const auto [stop, problem] =
      std::from_chars(begin, end, value, hex ? std::chars_format::hex : std::chars_format::general);
  const bool out_of_range = problem == std::errc::result_out_of_range;
  const bool starts_well =
      begin != end && ((*begin >= '0' && *begin <= '9') || *begin == '.' || hex);
  if (!starts_well || stop != end || (problem != std::errc{} && !out_of_range))
    return bad(fmt::format("{} is not a number", quote(text.substr(0, 80))));
  if (out_of_range) value = std::strtod(lower.c_str(), nullptr);  // what is too small is zero
  if (std::isinf(value))
    return bad(fmt::format("{} is beyond the range of a double", quote(text.substr(0, 80))));
  return sign * value;
}

/// A cursor over one line.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  bool at_end() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (front() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view rest() const { return rest_; }

  std::string_view word() {
    const auto length = std::min(rest_.find_first_of(" \t"), rest_.size());
    const auto out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return out;
  }

  std::string_view name(bool colon) {
    if (rest_.empty() || !is_name_start(rest_.front(), colon)) return {};
    std::size_t length = 1;
    while (length < rest_.size() && is_name_part(rest_[length], colon)) ++length;
    const auto out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return out;
  }

  /// From the opening quote to the closing one; \\, \" and \n are the only escapes.
  Result<std::string> quoted() {
    if (!take('"')) return bad("a double quote was expected");
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escaped = front();
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      if (escaped == 'n')
        out += '\n';
      else if (escaped == '\\' || escaped == '"')
        out += escaped;
      else
        out += {'\\', escaped};  // as Prometheus keeps unknown escapes
    }
    return bad("a quoted text without its closing quote");
  }

 private:
  std::string_view rest_;
};

class Parser {
 public:
  Parser(Format format, const ExpositionLimits& limits) : format_(format), limits_(limits) {}

  Result<Exposition> parse(std::string_view text) {
    if (!simdjson::validate_utf8(text.data(), text.size()))
      return bad("the exposition is not UTF-8");
    std::size_t number = 0;
    while (!text.empty()) {
      ++number;
      const auto end = text.find('\n');
      auto line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (auto status = read_line(line); !status) {
        auto error = std::move(status).error();
        error.context = fmt::format("line {}", number);
        return std::unexpected(std::move(error));
      }
    }
    if (open_metrics() && !ended_)
      return bad("an OpenMetrics exposition must end with \"# EOF\"; it may be cut off");
    give_starts();
    for (auto& [family, metadata] : metadata_) out_.metadata.push_back(std::move(metadata));
    return std::move(out_);
  }

 private:
  bool open_metrics() const { return format_ == Format::kOpenMetrics; }

  Status read_line(std::string_view text) {
    if (ended_) return bad("something stands after \"# EOF\"");
    if (!open_metrics() && text.ends_with('\r')) text.remove_suffix(1);
    if (text == "# EOF" && open_metrics()) {
      ended_ = true;
      return {};
    }
    Line line(text);
    if (!open_metrics()) line.skip_blanks();
    if (line.at_end()) return open_metrics() ? Status(bad("an empty line")) : Status{};
    return line.front() == '#' ? read_comment(line) : read_sample(line);
  }

  Status read_comment(Line& line) {
    line.take('#');
    line.skip_blanks();
    const auto keyword = line.word();
    if (keyword != "TYPE" && keyword != "HELP" && keyword != "UNIT") return {};
    line.skip_blanks();
    std::string family;
    if (line.front() == '"') {
      TRY(family, line.quoted());
    } else {
      family = line.name(true);
    }
    if (family.empty()) return bad(fmt::format("# {} without a metric name", keyword));
    if (family.size() > limits_.max_name_bytes)
      return too_long("a metric name", family.size(), limits_.max_name_bytes);
    line.skip_blanks();
    auto& metadata = metadata_[family];
    metadata.family = family;
    if (keyword == "HELP") return read_help(metadata, line.rest());
    if (keyword == "UNIT") {
      metadata.unit = line.rest();
      return {};
    }
    return read_type(metadata, trimmed(line.rest()));
  }

  Status read_help(Metadata& metadata, std::string_view text) const {
    if (text.size() > limits_.max_value_bytes)
      return too_long("a help text", text.size(), limits_.max_value_bytes);
    metadata.help.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      const bool escape =
          text[i] == '\\' && (next == 'n' || next == '\\' || (open_metrics() && next == '"'));
      metadata.help += !escape ? text[i] : next == 'n' ? '\n' : next;
      if (escape) ++i;
    }
    return {};
  }

  static Status read_type(Metadata& metadata, std::string_view type) {
    constexpr std::array kTypes = {"counter", "gauge", "histogram", "gaugehistogram",
                                   "summary", "info",  "stateset",  "unknown"};
    if (type == "untyped")
      metadata.type = "unknown";
    else if (std::ranges::find(kTypes, type) != kTypes.end())
      metadata.type = type;
    else
      return bad(fmt::format("{} is not a metric type", quote(type.substr(0, 80))));
    return {};
  }

  static std::unexpected<Error> too_long(const char* what, std::size_t found, std::size_t allowed) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} of {} bytes, {} are allowed", what, found, allowed));
  }

  Status read_sample(Line& line) {
    std::vector<Label> labels;
    if (line.front() != '{') {
      const auto name = line.name(true);
      if (name.empty()) return bad("a metric name was expected");
      labels.push_back({std::string(kMetricNameLabel), std::string(name)});
    }
    if (!open_metrics()) line.skip_blanks();
    if (line.front() == '{') TRY_STATUS(read_labels(line, labels, true));
    TRY_STATUS(check(labels));
    if (out_.samples.size() >= limits_.max_samples)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} samples", limits_.max_samples));
    normalize_bounds(labels);
    ExposedSample sample;
    sample.empty_labels = names_of_empty(labels);
    sample.labels = Labels(std::move(labels));
    TRY_STATUS(read_value(line, sample));
    note_created(sample);
    out_.samples.push_back(std::move(sample));
    return {};
  }

  /// `{"name.in.quotes", label="value", "quoted label"="value"}`; a trailing comma is allowed.
  Status read_labels(Line& line, std::vector<Label>& labels, bool may_name) {
    line.take('{');
    for (line.skip_blanks(); !line.take('}'); line.skip_blanks()) {
      std::string name;
      const bool in_quotes = line.front() == '"';
      if (in_quotes) {
        TRY(name, line.quoted());
      } else {
        name = line.name(false);
      }
      if (name.empty()) return bad("a label name was expected");
      line.skip_blanks();
      if (line.take('=')) {
        line.skip_blanks();
        TRY(auto value, line.quoted());
        if (name == kMetricNameLabel) return bad("__name__ cannot be given as a label");
        labels.push_back({std::move(name), std::move(value)});
      } else if (in_quotes && may_name &&
                 (labels.empty() || labels.front().name != kMetricNameLabel)) {
        labels.insert(labels.begin(), {std::string(kMetricNameLabel), std::move(name)});
      } else {
        return bad(fmt::format("label {} without a value", quote(name.substr(0, 80))));
      }
      line.skip_blanks();
      if (!line.take(',') && line.front() != '}')
        return bad("a comma or a closing brace was expected");
      if (labels.size() > limits_.max_labels + 1)
        return fail(ErrorCode::kTooLarge, fmt::format("more than {} labels", limits_.max_labels));
    }
    return {};
  }

  Status check(const std::vector<Label>& labels) const {
    if (labels.empty() || labels.front().name != kMetricNameLabel)
      return bad("a sample without a metric name");
    std::vector<std::string_view> names;
    for (const auto& label : labels) {
      names.push_back(label.name);
      const bool metric_name = label.name == kMetricNameLabel;
      if (label.name.size() > limits_.max_name_bytes)
        return too_long("a label name", label.name.size(), limits_.max_name_bytes);
      const auto allowed = metric_name ? limits_.max_name_bytes : limits_.max_value_bytes;
      if (label.value.size() > allowed)
        return too_long("a label value", label.value.size(), allowed);
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end())
      return bad(fmt::format("label {} is given twice", quote(twice->substr(0, 80))));
    return {};
  }

  void normalize_bounds(std::vector<Label>& labels) const {
    const auto name = std::string_view(labels.front().value);
    const bool bucket = name.ends_with("_bucket");
    const auto family = bucket ? name.substr(0, name.size() - 7) : name;
    const auto known = metadata_.find(family);
    if (known == metadata_.end()) return;
    const std::string_view type = known->second.type;
    const bool has_buckets = type == "histogram" || type == "gaugehistogram";
    const char* const wanted = bucket && has_buckets          ? "le"
                               : !bucket && type == "summary" ? "quantile"
                                                              : nullptr;
    if (!wanted) return;
    for (auto& label : labels) {
      if (label.name != wanted) continue;
      if (const auto number = parse_number(label.value)) label.value = open_metrics_number(*number);
    }
  }

  Status read_value(Line& line, ExposedSample& sample) {
    line.skip_blanks();
    TRY(sample.value, parse_number(line.word()));
    line.skip_blanks();
    if (!line.at_end() && line.front() != '#') TRY_STATUS(read_time(line.word(), sample));
    line.skip_blanks();
    if (line.at_end()) return {};
    if (!open_metrics() || line.front() != '#') return bad("something stands after the sample");
    return read_exemplar(line, sample);
  }

  /// Milliseconds in the Prometheus format, seconds with a fraction in OpenMetrics.
  Status read_time(std::string_view text, ExposedSample& sample) const {
    if (open_metrics()) {
      TRY(const double seconds, parse_number(text));
      if (!(std::abs(seconds) < 9e12)) return bad("the timestamp is out of range");
      sample.time_ms = static_cast<std::int64_t>(std::floor(seconds * 1000));
      return {};
    }
    std::int64_t time_ms = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), time_ms);
    if (problem != std::errc{} || end != text.data() + text.size())
      return bad(fmt::format("{} is not a timestamp in milliseconds", quote(text.substr(0, 80))));
    sample.time_ms = time_ms;
    return {};
  }

  Status read_exemplar(Line& line, ExposedSample& sample) {
    line.take('#');
    line.skip_blanks();
    std::vector<Label> labels;
    if (line.front() != '{') return bad("an exemplar needs labels");
    TRY_STATUS(read_labels(line, labels, false));
    if (labels.size() > kMaxExemplarLabels)
      return fail(ErrorCode::kTooLarge, "an exemplar with too many labels");
    Exemplar exemplar;
    exemplar.labels = Labels(std::move(labels));
    line.skip_blanks();
    const auto value = parse_number(line.word());
    if (!value) return bad("an exemplar without a value");
    exemplar.value = *value;
    line.skip_blanks();
    if (!line.at_end()) {
      const auto seconds = parse_number(line.word());
      if (!seconds || !(std::abs(*seconds) < 9e12))
        return bad("an exemplar's timestamp is not a number");
      exemplar.time_ms = static_cast<std::int64_t>(std::floor(*seconds * 1000));
    }
    line.skip_blanks();
    if (!line.at_end()) return bad("something stands after the exemplar");
    sample.exemplar = std::move(exemplar);
    return {};
  }

  /// The family that a sample is of, when `type` has such samples: "orders" for orders_total.
  const Metadata* family_of(std::string_view name, std::string_view& suffix) const {
    for (const auto one : {"_total", "_bucket", "_count", "_sum", "_created", ""}) {
      if (!name.ends_with(one)) continue;
      const auto known = metadata_.find(name.substr(0, name.size() - std::strlen(one)));
      if (known == metadata_.end()) continue;
      suffix = one;
      return &known->second;
    }
    return nullptr;
  }

  /// What all samples of one metric have in common: the family's name and the labels of its own.
  static Labels metric_of(const Metadata& family, const Labels& sample) {
    auto labels = sample;
    labels.set(kMetricNameLabel, family.family);
    if (family.type == "histogram") labels.set("le", "");
    if (family.type == "summary") labels.set("quantile", "");
    return labels;
  }

  static bool has_start(const Metadata& family) {
    return family.type == "counter" || family.type == "histogram" || family.type == "summary";
  }

  /// Source: OpenMetrics 1.0.0, "Counter", "Created": Unix seconds.
  void note_created(const ExposedSample& sample) {
    if (!open_metrics() || !sample.labels.metric_name().ends_with("_created")) return;
    std::string_view suffix;
    const auto* family = family_of(sample.labels.metric_name(), suffix);
    if (family == nullptr || suffix != "_created" || !has_start(*family)) return;
    if (!(sample.value > 0 && sample.value < 9e12)) return;
    created_[metric_of(*family, sample.labels)] =
        static_cast<std::int64_t>(std::floor(sample.value * 1000));
  }

  /// A metric's `_created` may stand before or behind its other samples.
  void give_starts() {
    if (created_.empty()) return;
    for (auto& sample : out_.samples) {
      std::string_view suffix;
      const auto* family = family_of(sample.labels.metric_name(), suffix);
      if (family == nullptr || suffix == "_created" || !has_start(*family)) continue;
      const auto found = created_.find(metric_of(*family, sample.labels));
      if (found != created_.end()) sample.start_ms = found->second;
    }
  }

  const Format format_;
  const ExpositionLimits& limits_;
  Exposition out_;
  std::map<Labels, std::int64_t> created_;  ///< when a metric began, ms
  std::map<std::string, Metadata, std::less<>> metadata_;
  bool ended_ = false;
};

}  // namespace

Format format_of(std::string_view content_type) {
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  if (type == "application/vnd.google.protobuf") return Format::kProtobuf;
  return type == "application/openmetrics-text" ? Format::kOpenMetrics : Format::kPrometheus;
}

std::vector<std::string> names_of_empty(std::span<const Label> labels) {
  std::vector<std::string> names;
  for (const auto& label : labels)
    if (label.value.empty()) names.push_back(label.name);
  return names;
}

Result<Exposition> parse_exposition(std::string_view text, Format format,
                                    const ExpositionLimits& limits, bool keep_classic) {
  if (format == Format::kProtobuf) return parse_protobuf_exposition(text, limits, keep_classic);
  return Parser(format, limits).parse(text);
}

}  // namespace wellrun::telemetry::scrape
