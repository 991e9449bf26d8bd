#pragma once

// The judge on JSON lines, as `wellrun canary judge` reads and writes them (docs/canary.md): rows
// in order of time, verdicts out. No I/O here. Not thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "health/verdict/canary_judge.h"

namespace wellrun::health {

/// One line: {"t": 129, "metric": "errors", "group": "canary", "num": 1, "den": 497}, or "value"
/// instead of num/den.
struct CanaryRow {
  double time_s = 0;
  std::string metric;
  Group group = Group::kBaseline;
  std::variant<std::optional<double>, EventCount> reading;  ///< nothing: a null value
};

/// What one line led to. Both may be there: the time of a bad row can make a verdict due.
struct CanaryAnswer {
  std::optional<std::string> verdict;  ///< a line to be written, without its end
  Status taken;                        ///< kInvalid, kExhausted: why the row was left out
};

class CanaryStream {
 public:
  static constexpr std::size_t kLongestLine_bytes = 64 * 1024;

  explicit CanaryStream(JudgePolicy policy = {});
  ~CanaryStream();

  /// One line without its end. Blank lines are nothing. Not a row (not JSON, a field missing or of
  /// the wrong kind, t going back, more failures than requests …): it is left out and the judge
  /// goes on. Unknown fields are ignored.
  CanaryAnswer read(std::string_view line);

  /// The last line, for the end of the rows; the decision again when there was one.
  std::string finish();

  bool decided() const { return judge_.decided(); }

 private:
  class Parser;

  Result<CanaryRow> parsed(std::string_view line);
  Status take(const CanaryRow& row);

  std::unique_ptr<Parser> parser_;
  CanaryJudge judge_;
};

/// {"t": …, "verdict": "continue"|"pass"|"fail", "state": …, "reason": …, "metrics": [ … ]}, one
/// line without its end.
std::string to_line(const Verdict& verdict);

}  // namespace wellrun::health
