#include "health/rules/rule_check.h"

#include <algorithm>
#include <map>

#include "core/text.h"
#include "health/alert_template.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::rules {
namespace {

class Check {
 public:
  explicit Check(RuleFileCheck& into) : into_(into) {}

  void run() {
    for (std::size_t g = 0; g < into_.file.groups.size(); ++g) {
      const auto& group = into_.file.groups[g];
      for (std::size_t r = 0; r < group.rules.size(); ++r)
        rule(group.rules[r], fmt::format("groups.{}.rules.{}", g, r));
    }
    std::ranges::stable_sort(into_.file.problems);
  }

 private:
  catalog::Problem problem_at(const std::string& path, std::string message) const {
    const auto at = into_.file.at(path);
    return {into_.file.file, at.line, at.column, std::move(message), {}};
  }

  void rule(const catalog::Rule& rule, const std::string& path) {
    if (!rule.expr.empty()) {
      if (const auto parsed = telemetry::promql::parse(rule.expr); !parsed)
        into_.file.problems.push_back(
            problem_at(path + ".expr", "the expression does not parse: " + parsed.error().message));
    }
    if (rule.is_alert()) {
      templates(rule.labels, path + ".labels.");
      templates(rule.annotations, path + ".annotations.");
    }
    said_twice(rule, path);
  }

  void templates(const catalog::TextMap& texts, const std::string& path) {
    for (const auto& [name, text] : texts) {
      if (const auto checked = check_template(text); !checked)
        into_.file.problems.push_back(problem_at(
            path + name,
            fmt::format("the template of {}: {}", quote(name), checked.error().message)));
    }
  }

  /// Two rules that write the same series; Prometheus takes both and one loses.
  void said_twice(const catalog::Rule& rule, const std::string& path) {
    std::string identity = rule.is_alert() ? rule.alert : rule.record;
    for (const auto& [name, value] : rule.labels) identity += fmt::format("\n{}={}", name, value);
    const auto [first, is_new] = seen_.try_emplace(identity, into_.file.at(path).line);
    if (!is_new)
      into_.notes.push_back(problem_at(
          path, fmt::format("{} with these labels stands already in line {}",
                            quote(rule.is_alert() ? rule.alert : rule.record), first->second)));
  }

  RuleFileCheck& into_;
  std::map<std::string, int> seen_;
};

}  // namespace

std::size_t RuleFileCheck::rule_count() const {
  std::size_t count = 0;
  for (const auto& group : file.groups) count += group.rules.size();
  return count;
}

RuleFileCheck check_rule_file(std::string file, std::string_view text) {
  RuleFileCheck check{catalog::read_rule_file(std::move(file), text), {}};
  Check(check).run();
  return check;
}

}  // namespace wellrun::health::rules
