#include "telemetry/query_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <numeric>
#include <span>

#include "core/text.h"
#include "platform/runtime/parallel.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kLongestValue =
    400;  ///< the digits of the largest double, and of the smallest
constexpr std::size_t kLongestTime = 32;

char* write_integer(char* to, std::uint64_t value) {
  return std::to_chars(to, to + 20, value).ptr;
}

/// Integers and decimals of up to three places, as most samples are; null for anything else. A
/// decimal of at most 15 digits that reads back as `size` is the shortest one, for no other such
/// decimal does.
char* write_short_decimal(char* to, double size) {
  constexpr double kExact = 1e12;  // so that a thousand times as much has 15 digits
  if (!(size < kExact)) return nullptr;
  const auto whole = static_cast<std::uint64_t>(size);
  if (static_cast<double>(whole) == size) return write_integer(to, whole);
  const auto thousandths = static_cast<std::uint64_t>(std::llrint(size * 1000));
  if (static_cast<double>(thousandths) / 1000 != size) return nullptr;
  to = write_integer(to, thousandths / 1000);
  *to++ = '.';
  const auto places = thousandths % 1000;
  *to++ = static_cast<char>('0' + places / 100);
  if (places % 100 != 0) *to++ = static_cast<char>('0' + places / 10 % 10);
  if (places % 10 != 0) *to++ = static_cast<char>('0' + places % 10);
  return to;
}

/// Of a whole number from 2^53 to 1e21: its shortest digits, and zeros in place of those that it
/// does not need. As Go's FormatFloat(size, 'f', -1, 64); std::to_chars writes all that it has.
char* write_large_integer(char* to, double size) {
  char* const end = std::to_chars(to, to + kLongestTime, size, std::chars_format::scientific).ptr;
  char* last = std::find(to, end, 'e');
  const int exponent = (last[2] - '0') * 10 + (last[3] - '0');  // 15 to 20, after "e+"
  if (to[1] == '.') {
    std::memmove(to + 1, to + 2, static_cast<std::size_t>(last - to - 2));
    --last;
  }
  char* const whole = to + exponent + 1;
  std::fill(last, whole, '0');
  return whole;
}

char* write_text(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

constexpr std::uint64_t each_byte(std::uint8_t byte) {
  return 0x0101010101010101ULL * byte;
}

/// Whether one of eight characters is a quote, a backslash or not of ASCII's that are seen. Source:
/// "Determine if a word has a byte less than n",
/// https://graphics.stanford.edu/~seander/bithacks.html
bool needs_escape(std::uint64_t word) {
  const auto any_below = [](std::uint64_t bytes, std::uint8_t end) {
    return (bytes - each_byte(end)) & ~bytes & each_byte(0x80);
  };
  return ((word & each_byte(0x80)) | any_below(word, 0x20) | any_below(word ^ each_byte('"'), 1) |
          any_below(word ^ each_byte('\\'), 1)) != 0;
}

/// Whether it stands in JSON as it is.
bool is_plain(std::string_view text) {
  std::uint64_t word = each_byte('a');
  if (text.empty()) return true;
  if (text.size() < sizeof word) {
    std::memcpy(&word, text.data(), text.size());
    return !needs_escape(word);
  }
  const auto last = text.size() - sizeof word;
  for (std::size_t at = 0; at < last; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (needs_escape(word)) return false;
  }
  std::memcpy(&word, text.data() + last, sizeof word);
  return !needs_escape(word);
}

/// `to` has room for kLongestValue.
char* write_value(char* to, double value) {
  if (std::isnan(value)) return write_text(to, "NaN");
  if (std::isinf(value)) return write_text(to, value > 0 ? "+Inf" : "-Inf");
  if (std::signbit(value)) *to++ = '-';
  const double size = std::abs(value);
  if (char* const end = write_short_decimal(to, size)) return end;
  const bool exponent = size < 1e-6 || size >= 1e21;    // 0 is a short decimal
  constexpr double kAllDigitsCount = 9007199254740992;  // 2^53
  if (size >= kAllDigitsCount && !exponent) return write_large_integer(to, size);
  return std::to_chars(to, to + kLongestValue - 1, size,
                       exponent ? std::chars_format::scientific : std::chars_format::fixed)
      .ptr;
}

/// `to` has room for kLongestTime.
char* write_time(char* to, std::int64_t ms) {
  if (ms < 0) *to++ = '-';
  const auto size = ms < 0 ? -static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  to = write_integer(to, size / 1000);
  const auto rest = size % 1000;
  if (rest == 0) return to;
  *to++ = '.';
  *to++ = static_cast<char>('0' + rest / 100);
  if (rest % 100 != 0) *to++ = static_cast<char>('0' + rest / 10 % 10);
  if (rest % 10 != 0) *to++ = static_cast<char>('0' + rest % 10);
  return to;
}

/// The beginnings of points, `[1700000000.5,`: the series of a matrix mostly have the same times,
/// which are written once.
class TimeTexts {
 public:
  /// `series` that have points at these times: of one alone none is kept.
  explicit TimeTexts(std::size_t series) : is_shared_(series > 1) {}

  /// Of the index-th point of a series, until the next call.
  std::string_view at(std::size_t index, std::int64_t ms) {
    if (!is_shared_) index = 0;
    if (index >= texts_.size()) texts_.resize(index + 1);
    auto& text = texts_[index];
    if (text.size == 0 || text.ms != ms) write(text, ms);
    return {text.characters.data(), text.size};
  }

 private:
  struct Text {
    std::int64_t ms = 0;
    std::array<char, kLongestTime> characters;
    std::uint8_t size = 0;
  };
  static void write(Text& text, std::int64_t ms) {
    text.ms = ms;
    char* const start = text.characters.data();
    *start = '[';
    char* const end = write_time(start + 1, ms);
    *end = ',';
    text.size = static_cast<std::uint8_t>(end + 1 - start);
  }

  const bool is_shared_;
  std::vector<Text> texts_;
};

void append_value(std::string& out, double value) {
  out += '"';
  append_sample_value(out, value);
  out += '"';
}

constexpr std::size_t kLongestPoint = kLongestTime + kLongestValue + 4;

/// `to` has room for kLongestPoint.
char* write_point(char* to, std::string_view time, const Sample& sample) {
  to = write_text(to, time);
  *to++ = '"';
  to = write_value(to, sample.value);
  *to++ = '"';
  *to++ = ']';
  return to;
}

void append_point(std::string& out, std::string_view time, const Sample& sample) {
  char buffer[kLongestPoint];
  out.append(buffer, write_point(buffer, time, sample));
}

void append_histogram(std::string& out, const Histogram& histogram) {
  out += "{\"count\":";
  append_value(out, histogram.count);
  out += ",\"sum\":";
  append_value(out, histogram.sum);
  bool first = true;
  for (const auto& bucket : promql::all_buckets(histogram)) {
    if (bucket.count == 0) continue;
    out += first ? ",\"buckets\":[" : ",";
    first = false;
    const char rule = bucket.lower_inclusive ? (bucket.upper_inclusive ? '3' : '1')
                                             : (bucket.upper_inclusive ? '0' : '2');
    out += '[';
    out += rule;
    for (const double number : {bucket.lower, bucket.upper, bucket.count}) {
      out += ',';
      append_value(out, number);
    }
    out += ']';
  }
  if (!first) out += ']';
  out += '}';
}

void append_point(std::string& out, std::string_view time, const HistogramSample& sample) {
  out += time;
  append_histogram(out, *sample.histogram);
  out += ']';
}

/// With commas between them; many at a time to the text.
void append_list(std::string& out, std::span<const Sample> samples, TimeTexts& times) {
  std::array<char, 8 * kLongestPoint> buffer;
  char* to = buffer.data();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (static_cast<std::size_t>(buffer.data() + buffer.size() - to) < kLongestPoint + 1) {
      out.append(buffer.data(), to);
      to = buffer.data();
    }
    if (i > 0) *to++ = ',';
    to = write_point(to, times.at(i, samples[i].time_ms), samples[i]);
  }
  out.append(buffer.data(), to);
}

void append_list(std::string& out, std::span<const HistogramSample> samples, TimeTexts& times) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i > 0) out += ',';
    append_point(out, times.at(i, samples[i].time_ms), samples[i]);
  }
}

template <typename Items>
void append_points(std::string& out, const char* key, const Items& items, TimeTexts& times) {
  if (items.empty()) return;
  out += key;
  append_list(out, std::span(items), times);
  out += ']';
}

void append_vector_element(std::string& out, const promql::ResultSeries& series, TimeTexts& times) {
  out += "{\"metric\":";
  append_labels_json(out, series.labels);
  if (!series.samples.empty()) {
    out += ",\"value\":";
    append_point(out, times.at(0, series.samples[0].time_ms), series.samples[0]);
  } else if (!series.histograms.empty()) {
    out += ",\"histogram\":";
    append_point(out, times.at(0, series.histograms[0].time_ms), series.histograms[0]);
  }
  out += '}';
}

void append_matrix_element(std::string& out, const promql::ResultSeries& series, TimeTexts& times) {
  out += "{\"metric\":";
  append_labels_json(out, series.labels);
  append_points(out, ",\"values\":[", series.samples, times);
  append_points(out, ",\"histograms\":[", series.histograms, times);
  out += '}';
}

using AppendElement = void (*)(std::string&, const promql::ResultSeries&, TimeTexts&);

/// With commas between them.
void append_elements(std::string& out, std::span<const promql::ResultSeries> series,
                     AppendElement append) {
  TimeTexts times(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (i > 0) out += ',';
    append(out, series[i], times);
  }
}

std::size_t count_points(std::span<const promql::ResultSeries> series) {
  std::size_t points = 0;
  for (const auto& one : series) points += one.samples.size();
  return points;
}

/// Enough for most answers, so that they are not moved while they grow.
std::size_t likely_size(std::size_t series, std::size_t points) {
  constexpr std::size_t kSeriesBytes = 200, kPointBytes = 36;
  return series * kSeriesBytes + points * kPointBytes;
}

/// The second half on another thread, when there are many points and a helper is idle.
void append_elements(std::string& out, std::span<const promql::ResultSeries> series,
                     AppendElement append, Workers* helpers) {
  constexpr std::size_t kWorthAThread = 10'000;
  const auto points = count_points(series);
  out.reserve(out.size() + likely_size(series.size(), points));
  if (helpers == nullptr || points < kWorthAThread || series.size() < 2)
    return append_elements(out, series, append);
  const auto middle = series.size() / 2;
  std::string second;
  in_parallel(helpers, 2, [&](std::size_t part) {
    if (part == 0) return append_elements(out, series.first(middle), append);
    second.reserve(likely_size(series.size(), points) / 2);
    append_elements(second, series.subspan(middle), append);
  });
  out += ',';
  out += second;
}

/// Bytes that are not UTF-8 become U+FFFD, as Go's encoder writes them.
std::string mended(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size < std::min<std::size_t>(4, text.size()) && !is_valid_utf8(text.substr(0, size)))
      ++size;
    const bool valid = is_valid_utf8(text.substr(0, size));
    out += valid ? text.substr(0, size) : "\xEF\xBF\xBD";
    text.remove_prefix(valid ? size : 1);
  }
  return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (is_plain(text)) {
    out += text;
    out += '"';
    return;
  }
  const auto utf8 = is_valid_utf8(text) ? std::string(text) : mended(text);
  for (const char c : utf8) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_api_time(std::string& out, std::int64_t ms) {
  char buffer[kLongestTime];
  out.append(buffer, write_time(buffer, ms));
}

void append_sample_value(std::string& out, double value) {
  char buffer[kLongestValue];
  out.append(buffer, write_value(buffer, value));
}

namespace {

/// Of labels that are all plain.
void append_plain_labels(std::string& out, const Labels& labels) {
  std::size_t size = out.size() + std::max<std::size_t>(labels.size(), 1) + 1;  // commas, braces
  for (const auto& [name, value] : labels) size += name.size() + value.size() + 5;
  const auto start = out.size();
  out.resize_and_overwrite(size, [&](char* buffer, std::size_t) {
    char* to = buffer + start;
    *to = '{';
    for (const auto& [name, value] : labels) {
      *++to = '"';
      to = write_text(to + 1, name);
      to = write_text(to, "\":\"");
      to = write_text(to, value);
      *to++ = '"';
      *to = ',';
    }
    if (labels.empty()) ++to;
    *to++ = '}';
    return static_cast<std::size_t>(to - buffer);
  });
}

}  // namespace

void append_labels_json(std::string& out, const Labels& labels) {
  const auto plain = [](const Label& label) {
    return is_plain(label.name) && is_plain(label.value);
  };
  if (std::ranges::all_of(labels, plain)) return append_plain_labels(out, labels);
  out += '{';
  bool first = true;
  for (const auto& label : labels) {
    if (!first) out += ',';
    first = false;
    append_json_string(out, label.name);
    out += ':';
    append_json_string(out, label.value);
  }
  out += '}';
}

namespace {

void append_per_step(std::string& out, std::string_view name, const promql::Steps& steps,
                     const std::vector<std::int64_t>& counts) {
  out += fmt::format(",\"{}\":[", name);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out += i == 0 ? "[" : ",[";
    append_api_time(out, steps.at(i));
    out += fmt::format(",{}]", counts[i]);
  }
  out += ']';
}

}  // namespace

void append_query_stats(std::string& out, const promql::QueryStats& stats,
                        std::chrono::nanoseconds waited, const promql::Steps* per_step) {
  const auto seconds = [](std::chrono::nanoseconds time) {
    return fmt::format("{:.9f}", std::chrono::duration<double>(time).count());
  };
  const auto sum = [](const std::vector<std::int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  };
  const auto whole = stats.preparation + stats.evaluation + stats.sorting;
  out += fmt::format(
      "{{\"timings\":{{\"evalTotalTime\":{},\"resultSortTime\":{},\"queryPreparationTime\":{},"
      "\"innerEvalTime\":{},\"execQueueTime\":{},\"execTotalTime\":{}}},"
      "\"samples\":{{\"totalQueryableSamples\":{},\"samplesRead\":{},\"peakSamples\":{}",
      seconds(whole), seconds(stats.sorting), seconds(stats.preparation), seconds(stats.evaluation),
      seconds(waited), seconds(waited + whole), sum(stats.counts.queryable), sum(stats.counts.read),
      stats.peak_samples);
  if (per_step != nullptr) {
    append_per_step(out, "totalQueryableSamplesPerStep", *per_step, stats.counts.queryable);
    append_per_step(out, "samplesReadPerStep", *per_step, stats.counts.read);
  }
  out += "}}";
}

void append_query_data(std::string& out, const promql::QueryResult& result, Workers* helpers) {
  out += "{\"resultType\":\"";
  out += promql::name_of(result.type);
  out += "\",\"result\":";
  TimeTexts times(1);
  if (result.type == promql::ValueType::kString) {
    out += times.at(0, to_unix_ms(result.time));
    append_json_string(out, result.text);
    out += "]}";
    return;
  }
  if (result.type == promql::ValueType::kScalar) {
    const auto& sample = result.series.at(0).samples.at(0);
    out += times.at(0, sample.time_ms);
    out += '"' + promql::go_decimal(sample.value) + "\"]}";
    return;
  }
  out += '[';
  const auto append =
      result.type == promql::ValueType::kVector ? append_vector_element : append_matrix_element;
  append_elements(out, result.series, append, helpers);
  out += "]}";
}

}  // namespace wellrun::telemetry
