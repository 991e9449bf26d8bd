#include "health/baseline/detect_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <istream>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "core/text.h"
#include "health/baseline/baseline.h"

namespace wellrun::health::baseline {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// Splits at commas outside double quotes; the quotes around a field are taken off.
void split_row(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (line[i] != ',' || quoted)) continue;
    auto field = trimmed(line.substr(begin, i - begin));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = trimmed(field.substr(1, field.size() - 2));
    fields.push_back(field);
    begin = i + 1;
  }
}

std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) {
  int number = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = 10 * number + (text[i] - '0');
  }
  return number;
}

/// `YYYY-MM-DD HH:MM:SS`, by far the most usual form, without an allocation.
std::optional<Timestamp> parse_plain_time(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00 00:00:00";
  if (text.size() != kForm.size() || text[4] != '-' || text[7] != '-' ||
      (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return Timestamp{std::chrono::sys_days{date}} + std::chrono::hours{*hour} +
         std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return kMissing;
  if (error != std::errc{}) return std::nullopt;
  return number;
}

/// Names of holidays may hold anything.
std::string csv_field(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char each : text) quoted += each == '"' ? "\"\"" : std::string(1, each);
  return quoted + '"';
}

struct Columns {
  std::size_t time = 0;
  std::size_t value = 0;
  std::size_t count = 0;
};

Result<Columns> read_header(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  std::vector<std::string_view> fields;
  split_row(line, fields);
  const auto find = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(fields, name) - fields.begin());
  };
  const Columns columns{find("timestamp"), find("value"), fields.size()};
  if (columns.time == fields.size() || columns.value == fields.size())
    return fail(ErrorCode::kInvalid,
                fmt::format("the header must name the columns timestamp and value; found {}",
                            quote(line.substr(0, 200))),
                "line 1");
  return columns;
}

/// The reader, the baseline and the writer of one run.
class Detection {
 public:
  Detection(std::ostream& out, const DetectOptions& options) : out_(out), options_(options) {}

  Status header(std::string_view line) {
    TRY(columns_, read_header(line));
    buffer_ = "timestamp,value,anomaly_score";
    if (options_.explain) buffer_ += ",expected,lower,upper,reason";
    buffer_ += '\n';
    return {};
  }

  Status row(std::string_view line) {
    split_row(line, fields_);
    if (fields_.size() != columns_.count)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} fields where the header has {}: {}", fields_.size(),
                              columns_.count, quote(line.substr(0, 200))));
    TRY(const auto time, parse_row_time(fields_[columns_.time]));
    TRY(const auto value, parse_row_value(fields_[columns_.value]));
    write(time, value);
    return buffer_.size() < kFlushAt ? Status{} : flush();
  }

  Status flush() {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    out_.flush();
    buffer_.clear();
    if (!out_) return fail(ErrorCode::kIo, "the output cannot be written (is the disk full?)");
    return {};
  }

 private:
  static constexpr std::size_t kFlushAt = 64 * 1024;

  void write(Timestamp time, double value) {
    const auto& calendar = options_.calendar;
    const auto expectation = options_.explain ? baseline_.expect(time, calendar) : Expectation{};
    const Observation seen = baseline_.observe(time, value, calendar);
    fmt::format_to(std::back_inserter(buffer_), "{},{},{:.9g}", fields_[columns_.time],
                   fields_[columns_.value], seen.score);
    if (options_.explain)
      fmt::format_to(std::back_inserter(buffer_), ",{:.6g},{:.6g},{:.6g},{}", expectation.expected,
                     expectation.lower, expectation.upper,
                     csv_field(explain(seen, expectation, value, calendar.day_in_words(time))));
    buffer_ += '\n';
  }

  std::ostream& out_;
  DetectOptions options_;
  Columns columns_;
  Baseline baseline_;
  std::vector<std::string_view> fields_;
  std::string buffer_;
};

}  // namespace

Result<Timestamp> parse_row_time(std::string_view text) {
  if (const auto plain = parse_plain_time(text)) return *plain;
  if (auto full = parse_rfc3339(text)) return *full;
  // Beyond the year 9999, or before 0001, it is not a time.
  constexpr double kFarthest = 253'402'300'800;
  if (const auto number = parse_number(text); number && std::fabs(*number) < kFarthest)
    return from_unix_ms(std::llround(*number * 1000));
  return fail(ErrorCode::kInvalid,
              fmt::format("timestamp {} is neither YYYY-MM-DD HH:MM:SS, RFC 3339 nor Unix seconds",
                          quote(text.substr(0, 80))));
}

Result<double> parse_row_value(std::string_view text) {
  if (text.empty()) return kMissing;
  if (const auto number = parse_number(text)) return std::isfinite(*number) ? *number : kMissing;
  return fail(ErrorCode::kInvalid,
              fmt::format("value {} is not a number", quote(text.substr(0, 80))));
}

Status detect(std::istream& in, std::ostream& out, const DetectOptions& options) {
  Detection detection(out, options);
  std::string line;
  std::size_t number = 0;
  const auto at_line = [&](Error error) {
    error.context = fmt::format("line {}", number);
    return error;
  };
  while (std::getline(in, line)) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > kLongestLine)
      return std::unexpected(at_line({ErrorCode::kTooLarge, "a line of more than 64 KiB", ""}));
    if (number > 1 && trimmed(line).empty()) continue;
    if (const auto done = number == 1 ? detection.header(line) : detection.row(line); !done) {
      (void)detection.flush();
      return std::unexpected(at_line(done.error()));
    }
  }
  if (number == 0)
    return fail(ErrorCode::kInvalid, "nothing to read; expected the header timestamp,value",
                "line 1");
  return detection.flush();
}

}  // namespace wellrun::health::baseline
