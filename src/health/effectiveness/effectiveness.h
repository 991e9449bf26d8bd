#pragma once

// What each alert rule, KPI and detector is worth: did it speak when something was wrong, did it
// keep quiet otherwise, did anybody look, did it change anything? Pure. docs/effectiveness.md
// defines each figure.

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/json.h"
#include "health/effectiveness/history.h"
#include "health/health_domain.h"

namespace wellrun::health::effectiveness {

/// Something that may speak: a rule, the burn-rate alert of an SLO, the alert of a budget policy's
/// steps, the forecast of a KPI or a budget, a KPI, a workload's detector.
struct Subject {
  std::string name;  ///< as Signal.subject; of several rules of a group with one name with `labels`
  std::string kind;  ///< rule, slo, budget, forecast, kpi or detector
  std::string workload, owner;
  Timestamp declared_at;
  std::string expr;           ///< of a rule, when a KPI is off its target or a budget burns:
                              ///< for back-tests; empty: there is none
  std::string faster_expr;    ///< of an SLO: when its budget burns twice as fast as that
  Duration hold{0}, keep{0};  ///< of a rule: `for` and `keep_firing_for`
  Duration interval{60'000};  ///< of a rule: how often it is evaluated
  std::string severity;
  double finding_score = 0;  ///< of a detector
  /// Of a rule: the key of its alerts, and the fixed labels that tell it apart from others of its
  /// group with the same name.
  std::string rule = {};
  std::map<std::string, std::string> labels = {};
};

/// Everything in the catalog that may speak, by name.
std::vector<Subject> subjects_of(const catalog::Catalog& catalog);

/// Whose alerts are whose, where several rules of a group have one name.
class RuleNames {
 public:
  explicit RuleNames(const std::vector<Subject>& subjects);

  bool is_shared(const std::string& rule) const { return by_rule_.contains(rule); }
  /// The name of the subject that an alert of `rule` with these labels is of; `rule` itself when
  /// its name is not shared, or none has its labels.
  std::string subject_of(const std::string& rule,
                         const std::map<std::string, std::string>& labels) const;

 private:
  std::map<std::string, std::vector<Subject>> by_rule_;
};

/// The alerts that fire and the KPIs that are off their target now, and have been since before
/// `from`; in order of beginning. Of the KPIs those among `subjects`.
std::vector<Signal> standing_at(Timestamp from, const HealthDomain& domain,
                                const std::vector<Subject>& subjects);

struct Worth {
  Subject subject;
  std::size_t spoke = 0;         ///< how often
  std::size_t right = 0;         ///< of those: a real incident, or a verdict of real
  std::size_t noise = 0;         ///< of those: neither, or a verdict of noise
  std::size_t verdicts = 0;      ///< of people
  std::size_t incidents = 0;     ///< real ones of its workload
  std::size_t told = 0;          ///< of those
  std::size_t viewed_days = 0;   ///< of a KPI: on so many somebody looked at its chart
  std::optional<double> lead_s;  ///< median, before a person knew; negative: after
  bool looked_at = false;
  bool changed_something = false;

  std::optional<double> precision() const;  ///< right / (right + noise)
  std::optional<double> recall() const;     ///< told / incidents
};

/// By subject. `from`, `now`: the time that `history` is of.
std::vector<Worth> worth_of(const std::vector<Subject>& subjects, const History& history,
                            Timestamp now);

Json to_json(const Worth& worth, Timestamp from);

}  // namespace wellrun::health::effectiveness
