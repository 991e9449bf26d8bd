#include "cli/canary_command.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

#include "core/text.h"
#include "health/verdict/canary_stream.h"

namespace wellrun::cli {
namespace {

constexpr const char* kExample = R"(
Reads one JSON object a line, in order of t (seconds); "value" may be null. Writes a verdict a line, at least once a
minute of t, and stops at the first "pass" or "fail". Higher is worse, unless --lower-is-worse says otherwise.

  {"t": 120, "metric": "latency_ms", "group": "baseline", "value": 81.2}
  {"t": 129, "metric": "errors", "group": "canary", "num": 1, "den": 497}

Example:
  wellrun canary judge --expect errors --expect latency_ms < stream.jsonl | tail -1

Lines that are not rows are named on standard error and left out. Exit status 0 when the stream was read to its end or
to a decision. Method and guarantees: docs/canary.md)";

constexpr std::size_t kMostComplaints = 20;

/// Standard input, line by line as it comes: a verdict must not wait for a full buffer.
class Lines {
 public:
  enum class Next { kLine, kTooLong, kEnd, kFailed };

  Next next(std::string& line) {
    line.clear();
    bool too_long = false;
    while (true) {
      if (from_ == to_) {
        const ssize_t got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Next::kFailed;
        if (got == 0) return too_long ? Next::kTooLong : line.empty() ? Next::kEnd : Next::kLine;
        from_ = 0;
        to_ = static_cast<std::size_t>(got);
      }
      const char* start = buffer_.data() + from_;
      const auto* end = static_cast<const char*>(std::memchr(start, '\n', to_ - from_));
      const std::size_t size = end ? static_cast<std::size_t>(end - start) : to_ - from_;
      too_long = too_long || line.size() + size > health::CanaryStream::kLongestLine_bytes;
      if (!too_long) line.append(start, size);
      from_ += size + (end ? 1 : 0);
      if (end) return too_long ? Next::kTooLong : Next::kLine;
    }
  }

 private:
  std::array<char, 64 * 1024> buffer_;
  std::size_t from_ = 0, to_ = 0;
};

class Complaints {
 public:
  explicit Complaints(const Context& context) : context_(context) {}
  ~Complaints() {
    if (count_ > kMostComplaints)
      context_.err(
          fmt::format("canary judge: {} more lines were left out\n", count_ - kMostComplaints));
  }

  void add(std::size_t line, const std::string& what) {
    if (++count_ <= kMostComplaints)
      context_.err(fmt::format("canary judge: line {}: {}; left out\n", line, what));
  }

 private:
  const Context& context_;
  std::size_t count_ = 0;
};

/// "latency_ms=0.99".
Result<health::WatchedQuantile> quantile_of(const std::string& text) {
  const auto equals = text.rfind('=');
  double quantile = 0;
  if (equals != std::string::npos && equals > 0) {
    const auto [end, problem] =
        std::from_chars(text.data() + equals + 1, text.data() + text.size(), quantile);
    if (problem == std::errc{} && end == text.data() + text.size() && quantile > 0 && quantile < 1)
      return health::WatchedQuantile{text.substr(0, equals), quantile};
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("--quantile {} is not METRIC=Q with 0 < Q < 1, such as latency_ms=0.99",
                          quote(text)));
}

int run_judge(const Context& context, const health::JudgePolicy& policy) {
  health::CanaryStream stream(policy);
  Complaints complaints(context);
  Lines lines;
  std::string line;
  for (std::size_t at = 1;; ++at) {
    switch (lines.next(line)) {
      case Lines::Next::kEnd:
        context.out(stream.finish() + "\n");
        return 0;
      case Lines::Next::kFailed:
        context.err(
            fmt::format("canary judge: cannot read standard input: {}\n", std::strerror(errno)));
        return 3;
      case Lines::Next::kTooLong:
        complaints.add(
            at, fmt::format("longer than {} bytes", health::CanaryStream::kLongestLine_bytes));
        continue;
      case Lines::Next::kLine:
        break;
    }
    const auto said = stream.read(line);
    if (!said.taken) complaints.add(at, to_string(said.taken.error()));
    if (said.verdict) context.out(*said.verdict + "\n");
    if (stream.decided()) return 0;
  }
}

}  // namespace

void add_canary_commands(CLI::App& app, Context& context, int& exit_code) {
  auto* canary = app.add_subcommand("canary", "Judge a new version beside the old one");
  canary->require_subcommand(1);
  auto* judge = canary->add_subcommand(
      "judge", "Is the canary worse? Rows on standard input, verdicts out; no server needed");
  auto policy = std::make_shared<health::JudgePolicy>();
  auto pass_after = std::make_shared<std::string>(
      format_duration(Duration{static_cast<std::int64_t>(policy->pass_after_s * 1000)}));
  judge
      ->add_option("--false-alarm", policy->false_alarm,
                   "probability of ever failing a healthy canary")
      ->check(CLI::Range(1e-9, 0.5))
      ->capture_default_str();
  judge
      ->add_option("--margin", policy->margin,
                   "to pass, levels are shown not to be higher by this share")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  judge->add_option("--pass-after", *pass_after, "nothing passes earlier: 40m, 2h")
      ->capture_default_str();
  judge->add_option("--expect", policy->expected,
                    "a metric that must be there, else inconclusive; may be repeated");
  judge->add_option("--lower-is-worse", policy->lower_is_worse,
                    "a metric such as throughput; may be repeated");
  auto quantiles = std::make_shared<std::vector<std::string>>();
  judge->add_option("--quantile", *quantiles,
                    "METRIC=Q: also watch that quantile of its values (latency_ms=0.99)");
  judge->footer(kExample);
  judge->callback([&context, &exit_code, policy, pass_after, quantiles] {
    const auto duration = parse_duration(*pass_after);
    if (!duration) {
      exit_code = report(context, duration.error());
      return;
    }
    policy->pass_after_s = to_seconds(*duration);
    for (const auto& text : *quantiles) {
      auto quantile = quantile_of(text);
      if (!quantile) {
        exit_code = report(context, quantile.error());
        return;
      }
      policy->quantiles.push_back(std::move(*quantile));
    }
    exit_code = run_judge(context, *policy);
  });
}

}  // namespace wellrun::cli
