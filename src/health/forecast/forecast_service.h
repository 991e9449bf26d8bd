#pragma once

// The shell of forecasts: makes the outlooks on a worker, every half hour and soon after an apply,
// keeps them for the API, writes them as metrics, and has the journal know which of them warn.
// Everything here on the strand. docs/forecasts.md.

#include <memory>

#include "health/forecast/outlook.h"
#include "health/health_domain.h"
#include "journal/ledger.h"
#include "platform/runtime/runtime.h"

namespace wellrun::health::forecast {

/// What a forecast's alert says; its rule is "forecast/<key>/<alert>".
facts::AlertFired alert_of(const Outlook& outlook, Timestamp now);

/// So that an outlook at its bound does not flap: an alert begins and ends when two outlooks in a
/// row say so. Pure.
class WarningTrack {
 public:
  /// Whether the alert is to fire after this outlook, when it `fires` now.
  bool decide(const std::string& key, bool fires, bool warns);
  /// Forgets those that are not among them, that none of them stands for, and that do not fire.
  void keep_only(const std::vector<Outlook>& outlooks,
                 const std::vector<facts::AlertFired>& firing);

 private:
  std::map<std::string, int> disagreed_;  ///< outlooks in a row that said otherwise
};

/// What is to fire after these outlooks, by fingerprint, when `firing` does. What could not be
/// asked is left as it is; a disk or a certificate without an outlook is one that does not warn.
std::map<std::string, facts::AlertFired> warnings(const std::vector<Outlook>& outlooks,
                                                  const std::vector<facts::AlertFired>& firing,
                                                  WarningTrack& track, Timestamp made_at);

class ForecastService {
 public:
  /// All references outlive it, and whatever its work on workers still does after stop().
  ForecastService(Runtime runtime, const catalog::Catalog& catalog, journal::Ledger& ledger,
                  const HealthDomain& domain, const telemetry::promql::Engine& engine,
                  telemetry::MetricWriter& writer);
  ~ForecastService();

  /// After Ledger::start().
  void start();
  void stop();

  /// Sorted by key; empty before the first ones were made.
  std::shared_ptr<const std::vector<Outlook>> outlooks() const;
  Timestamp made_at() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< work on its way holds it weakly
};

}  // namespace wellrun::health::forecast
