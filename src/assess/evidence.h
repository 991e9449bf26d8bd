#pragma once

// Evidence: what a rule may read, and what it finds. A rule is a pure function of these, so the
// same journal, readings and time give the same score.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "assess/practices.h"
#include "assess/record.h"
#include "catalog/catalog.h"

namespace wellrun::assess {

/// What was read from telemetry for this assessment. Each `…_read` is false when the store could
/// not be asked for that: what it found is then not all there is.
struct Readings {
  bool signals_read = false, up_read = false, baselines_read = false, forecasts_read = false;
  std::map<std::string, std::set<std::string>>
      signals;  ///< service -> metrics, logs, traces seen in the last 10 minutes
  std::map<std::string, double> up;      ///< scrape job -> share of its targets that answer
  std::set<std::string> kpis_with_data;  ///< their query gave a number, NaN is none
  std::set<std::string> baselines;       ///< "kpi/<name>" and so on: watched, and past learning
  std::set<std::string> forecasts;       ///< the same keys: with a back-tested forecast
  std::size_t traces = 0;                ///< looked at, the newest of each service
  std::size_t traces_across = 0;         ///< of those, with spans of two services or more
  std::set<std::pair<std::string, std::string>> edges;  ///< service calls service, seen in traces
};

enum class Verdict { kPractised, kPartly, kNot, kNoEvidence, kNoRule };
const char* name_of(Verdict verdict);

struct Proof {
  std::string text;
  std::string link;  ///< into the page: "/incidents/inc-0001"
};

struct Finding {
  Verdict verdict = Verdict::kNoRule;
  double score = 0;  ///< 0 to 1
  std::string figure;
  std::optional<Timestamp> newest;  ///< of the evidence
  std::vector<Proof> evidence;
  std::string next_step;
};

struct View {
  const catalog::Catalog& catalog;
  const Record& record;
  const Readings& readings;
  Timestamp now;
};

/// Where a practice is seen being done.
struct Witness {
  std::string_view command;  ///< of `wellrun`
  std::string_view page;
  std::string_view test;  ///< a file of this repository
};

/// std::nullopt for a practice without a rule yet.
std::optional<Witness> witness(std::string_view practice_id);

/// docs/practices.md: every practice, and where it is seen.
std::string practices_page();

/// What is known of one practice; kNoRule when nobody has written its rule yet.
Finding judge(std::string_view practice_id, const View& view);

struct Assessed {
  const Practice* practice;
  Finding finding;
};

struct Assessment {
  double score =
      0;  ///< 0 to 100: mean of all rows by weight; a row without evidence or rule counts 0
  std::vector<Assessed> rows;
  int count(Verdict verdict) const;
};

Assessment assess(const View& view);
Json to_json(const Assessment& assessment, Timestamp now);

}  // namespace wellrun::assess
