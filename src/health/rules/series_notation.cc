#include "health/rules/series_notation.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/text.h"
#include "health/template/value.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::rules {
namespace {

using telemetry::Histogram;
using Hint = Histogram::ResetHint;

constexpr std::pair<std::string_view, Hint> kHints[] = {{"unknown", Hint::kUnknown},
                                                        {"reset", Hint::kReset},
                                                        {"not_reset", Hint::kNoReset},
                                                        {"gauge", Hint::kGauge}};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<SequenceValue>> run() {
    skip_space();
    while (at_ < text_.size()) {
      TRY_STATUS(item());
      if (at_ < text_.size() && !is_space(text_[at_])) return wrong("a space is expected");
      skip_space();
    }
    return std::move(values_);
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  std::unexpected<Error> wrong(std::string_view what) const {
    const auto rest = text_.substr(at_, 20);
    return fail(ErrorCode::kInvalid,
                fmt::format("the values do not read on at {} (byte {}): {}",
                            rest.empty() ? "their end" : quote(rest), at_, what));
  }

  Status add(std::size_t count, auto value_at) {
    if (count > kMaxSequence - values_.size())
      return fail(ErrorCode::kTooLarge,
                  fmt::format("a sequence of more than {} values", kMaxSequence));
    for (std::size_t i = 0; i < count; ++i) values_.push_back(value_at(i));
    return {};
  }

  /// `x5`, or nothing.
  Result<std::optional<std::size_t>> times() {
    if (!take("x")) return std::nullopt;
    std::size_t count = 0;
    const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), count);
    if (read.ec != std::errc{}) return wrong("a count is expected behind x");
    at_ = static_cast<std::size_t>(read.ptr - text_.data());
    return count;
  }

  Status item() {
    if (take("_")) {
      TRY(const auto count, times());
      return add(count.value_or(1), [](std::size_t) { return SequenceValue{}; });
    }
    if (take("{{")) return histograms();
    if (take("stale"))  // once: promtool takes no count behind it
      return add(1, [](std::size_t) { return SequenceValue{telemetry::stale_marker(), nullptr}; });
    return numbers();
  }

  Status numbers() {
    TRY(const double first, number());
    double step = 0;
    const bool steps = at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-');
    if (steps) {
      TRY(step, number());
    }
    TRY(const auto count, times());
    if (steps && !count) return wrong("x and a count are expected behind a step");
    return add(count ? *count + 1 : 1, [&, value = first](std::size_t i) mutable {
      // Added up one by one, as Prometheus does: the rounding shows in what tests expect.
      value = i == 0 ? value : value + step;
      return SequenceValue{value, nullptr};
    });
  }

  Result<double> number() {
    const bool negative = at_ < text_.size() && text_[at_] == '-';
    if (negative || (at_ < text_.size() && text_[at_] == '+')) ++at_;
    double value = 0;
    const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    const bool sign_again = at_ < text_.size() && text_[at_] == '-';
    if (read.ec == std::errc::invalid_argument || sign_again)
      return wrong("a number, _, stale or {{…}} is expected");
    const auto end = static_cast<std::size_t>(read.ptr - text_.data());
    if (read.ec == std::errc::result_out_of_range) {
      const auto known = decimal(text_.substr(at_, end - at_));
      if (!known) return wrong("a number of at most 1.8e308 is expected");
      value = *known;
    }
    at_ = end;
    return negative ? -value : value;
  }

  // ---- histograms ----

  Status histograms() {
    TRY(auto first, histogram());
    const bool grows = take("+{{");
    const bool shrinks = !grows && take("-{{");
    std::optional<Histogram> step;
    if (grows || shrinks) {
      TRY(step, histogram());
    }
    TRY(const auto count, times());
    if (step && !count) return wrong("x and a count are expected behind a step");
    Histogram current = std::move(first);
    bool mixed = false;
    TRY_STATUS(add(count ? *count + 1 : 1, [&](std::size_t i) {
      if (i > 0 && step) {
        auto next = telemetry::promql::combine(
            current, *step,
            grows ? telemetry::promql::Sign::kPlus : telemetry::promql::Sign::kMinus);
        mixed = mixed || !next;
        if (next) current = std::move(next->histogram);
      }
      return SequenceValue{std::nullopt, std::make_shared<const Histogram>(current)};
    }));
    if (mixed) return wrong("exponential and custom buckets cannot be added");
    return {};
  }

  /// Behind "{{", to and with "}}".
  Result<Histogram> histogram() {
    Histogram made;
    std::int32_t offset = 0;
    std::int32_t negative_offset = 0;
    while (true) {
      skip_space();
      if (take("}}")) break;
      const auto colon = text_.find(':', at_);
      if (colon == std::string_view::npos) return wrong("a field as count:4, or }}, is expected");
      const auto name = text_.substr(at_, colon - at_);
      at_ = colon + 1;
      TRY_STATUS(field(made, name, offset, negative_offset));
    }
    spans(made.positive_spans, made.positive_counts, offset);
    spans(made.negative_spans, made.negative_counts, negative_offset);
    return made;
  }

  static void spans(std::vector<Histogram::Span>& spans, const std::vector<double>& counts,
                    std::int32_t offset) {
    if (!counts.empty()) spans = {{offset, static_cast<std::uint32_t>(counts.size())}};
  }

  Status field(Histogram& made, std::string_view name, std::int32_t& offset,
               std::int32_t& negative_offset) {
    if (name == "buckets") return list(made.positive_counts);
    if (name == "n_buckets") return list(made.negative_counts);
    if (name == "custom_values") return list(made.custom_bounds);
    if (name == "counter_reset_hint") return hint(made);
    TRY(const double value, number());
    if (name == "schema")
      made.schema = static_cast<std::int32_t>(value);
    else if (name == "sum")
      made.sum = value;
    else if (name == "count")
      made.count = value;
    else if (name == "z_bucket")
      made.zero_count = value;
    else if (name == "z_bucket_w")
      made.zero_threshold = value;
    else if (name == "offset")
      offset = static_cast<std::int32_t>(value);
    else if (name == "n_offset")
      negative_offset = static_cast<std::int32_t>(value);
    else
      return wrong(fmt::format("a histogram has no field {}", quote(name)));
    return {};
  }

  Status hint(Histogram& made) {
    for (const auto& [name, hint] : kHints) {
      if (!take(name)) continue;
      made.reset_hint = hint;
      return {};
    }
    return wrong("a hint is unknown, reset, not_reset or gauge");
  }

  Status list(std::vector<double>& into) {
    if (!take("[")) return wrong("[ is expected");
    for (skip_space(); !take("]"); skip_space()) {
      TRY(const double value, number());
      into.push_back(value);
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<SequenceValue> values_;
};

struct Run {
  std::int64_t offset = 0;
  std::vector<double> counts;
};

Run run_of(const std::vector<Histogram::Span>& spans, const std::vector<double>& counts) {
  Run run;
  std::int64_t index = 0;
  std::size_t next = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length && next < counts.size(); ++i, ++index) {
      const double count = counts[next++];
      if (count == 0) continue;
      if (run.counts.empty()) run.offset = index;
      run.counts.resize(static_cast<std::size_t>(index - run.offset));
      run.counts.push_back(count);
    }
  }
  return run;
}

void add_list(std::string& text, std::string_view name, const std::vector<double>& values) {
  if (values.empty()) return;
  text += fmt::format(" {}:[", name);
  for (std::size_t i = 0; i < values.size(); ++i)
    text += (i > 0 ? " " : "") + templates::shortest(values[i]);
  text += ']';
}

}  // namespace

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ptr != text.data() + text.size() || read.ec == std::errc::invalid_argument)
    return std::nullopt;
  if (read.ec == std::errc{}) return value;
  value = std::strtod(std::string(text).c_str(), nullptr);  // which tells the two ends apart
  if (std::isinf(value)) return std::nullopt;
  return value;
}

Result<std::vector<SequenceValue>> parse_sequence(std::string_view text) {
  return Reader(text).run();
}

Result<Labels> parse_series_labels(std::string_view text) {
  const auto bare = trimmed(text);
  if (bare == "{}") return Labels{};
  TRY(const auto matchers, telemetry::promql::parse_selector(bare));
  std::vector<Label> labels;
  for (const auto& matcher : matchers) {
    if (matcher.kind != telemetry::Matcher::Kind::kEqual)
      return fail(ErrorCode::kInvalid,
                  fmt::format("a series has labels with =, found another matcher for {}",
                              quote(matcher.name)));
    labels.push_back({matcher.name, matcher.value});
  }
  return Labels(std::move(labels));
}

std::string to_notation(const Histogram& histogram) {
  std::string text = fmt::format("schema:{}", histogram.schema);
  const auto number = [&](std::string_view name, double value) {
    if (value != 0) text += fmt::format(" {}:{}", name, templates::shortest(value));
  };
  number("count", histogram.count);
  number("sum", histogram.sum);
  number("z_bucket", histogram.zero_count);
  number("z_bucket_w", histogram.zero_threshold);
  add_list(text, "custom_values", histogram.custom_bounds);
  for (const auto& [name, hint] : kHints) {
    if (hint == histogram.reset_hint && hint != Hint::kUnknown)
      text += fmt::format(" counter_reset_hint:{}", name);
  }
  const auto positive = run_of(histogram.positive_spans, histogram.positive_counts);
  const auto negative = run_of(histogram.negative_spans, histogram.negative_counts);
  number("offset", static_cast<double>(positive.offset));
  add_list(text, "buckets", positive.counts);
  number("n_offset", static_cast<double>(negative.offset));
  add_list(text, "n_buckets", negative.counts);
  return "{{" + text + "}}";
}

}  // namespace wellrun::health::rules
