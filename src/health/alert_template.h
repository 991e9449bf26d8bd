#pragma once

// Templates in labels and annotations of alerting rules, in Prometheus' template language: Go's
// text/template with Prometheus' functions and data. Pure but for the query that the caller gives;
// safe from any thread. The language itself is in template/; docs/templates.md describes it.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "health/template/humanize.h"
#include "telemetry/query.h"

namespace wellrun::health {

/// Answers `query "…"` of a template: an instant query at the evaluation's time. It must not wait:
/// see TemplateQueries, which lets a shell ask between two expansions.
using TemplateQuery = std::function<Result<telemetry::InstantResult>(const std::string& promql)>;

struct TemplateData {
  Labels labels;
  double value = 0;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
  Timestamp now{};
  TemplateQuery query = {};  ///< empty: `query` is an error
};

/// `text` with its actions replaced; a label that is absent is empty. kInvalid names the line and
/// what is wrong there; kTooLarge beyond 16 KiB of text, 100,000 steps or 64 levels.
Result<std::string> expand_template(std::string_view text, const TemplateData& data);

/// What can be known to fail without data: syntax, functions and variables that do not exist,
/// arguments that a function does not take.
Status check_template(std::string_view text);

/// The answers to the queries that templates make. A template that asks what is not known yet fails
/// with kUnavailable and the question is kept; whoever drives the expansion asks it, puts the
/// answer and expands again. So templates stay synchronous and nobody waits on the strand.
class TemplateQueries {
 public:
  static constexpr std::size_t kMost = 1000;  ///< in one evaluation; more fail with kTooLarge

  /// The port for TemplateData; it refers to this object.
  TemplateQuery port();
  /// Questions without an answer, each once; they count as asked from then on.
  std::vector<std::string> take_open();
  void put(const std::string& promql, Result<telemetry::InstantResult> answer);

 private:
  std::map<std::string, Result<telemetry::InstantResult>> answers_;
  std::vector<std::string> open_;
};

}  // namespace wellrun::health
