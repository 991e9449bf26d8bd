#pragma once

// Who is paged, and when the next level is. Pure: the catalog says whom, the incident says how far
// it has got.
//
// Level 1 is paged when an incident opens. Who does not acknowledge within the level's time is
// followed by the next level; after the last one all levels are gone through again, `repeat` times
// in all; then the last level is paged every kReminderInterval until someone acknowledges. A level
// that reaches nobody, or whose every page failed, is passed at once, with the reason; when it was
// the last, it is paged again after kRetryInterval for each of its pages that failed in a row.
//
// The policy is that of the incident's workload as the catalog has it now; of a workload that is
// gone, or has none, the one that the incident was opened with; else that of the most important
// workload there is, because whoever is on call there knows better whom to call than nobody.

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "journal/ledger.h"
#include "respond/incident.h"

namespace wellrun::respond {

inline constexpr Duration kReminderInterval{15 * 60'000};
inline constexpr Duration kRetryInterval{60'000};
inline constexpr std::size_t kMaxPagesPerLevel = 50;

/// A rota is asked at `wall`, which is what its people go by: the ledger's clock can be ahead of
/// that for weeks. Where nobody is on call then, as when a clock is set to before the rota began,
/// at `ledger`, the turn's time.
struct Clocks {
  Timestamp wall, ledger;
};

/// One contact of one person.
struct Recipient {
  std::string person, channel, channel_type;
  std::string
      address;  ///< "contacts/<index>"; "email" for a person's address on the first e-mail channel
};

struct Reachable {
  std::vector<Recipient> recipients;
  std::string reason;  ///< why there are none, for people
};

/// Name of the policy that an incident of `workload` is escalated by, that was opened with `stored`
/// (or empty); empty when no workload has one.
std::string policy_of(const catalog::Catalog& catalog, const std::string& workload,
                      const std::string& stored);

/// Everyone of the level, by each of their contacts; each person once. `level` is from 1.
Reachable reachable(const catalog::Catalog& catalog, const std::string& policy, int level,
                    const Clocks& clocks);

/// Where escalation goes after `level` in `round`; std::nullopt when that was the last level of the
/// last round, or without a policy.
struct Step {
  int level = 1, round = 1;
};
std::optional<Step> step_after(const catalog::Catalog& catalog, const std::string& policy,
                               Step step);

/// Pages level `from` of `incident`, or the first after it that reaches anyone; each one passed is
/// an incident.escalated. `first_reason` is said when `from` is not where the incident stands.
/// Facts and intents.
journal::Decision page_from(const catalog::Catalog& catalog, const Incident& incident, Step from,
                            const std::string& first_reason, const std::string& by,
                            const Clocks& clocks);

/// When the incident's escalation goes on by itself; std::nullopt unless it is triggered, an alert
/// of it fires (or a person opened it), and it has a policy.
std::optional<Timestamp> escalation_due(const catalog::Catalog& catalog, const Incident& incident);

/// What happens then: the next level, or a reminder to the last.
journal::Decision escalate_when_due(const catalog::Catalog& catalog, const Incident& incident,
                                    const Clocks& clocks);

/// After a page failed, or an alert fires again after that: the next level at once when every page
/// of this one failed; nothing otherwise, and nothing after the last level (its reminder follows).
journal::Decision escalate_when_all_failed(const catalog::Catalog& catalog,
                                           const Incident& incident, const Clocks& clocks);

/// After the catalog was applied: whoever it names now is paged for an incident whose level has
/// reached nobody; nothing otherwise, and nothing while there is still nobody.
journal::Decision escalate_when_applied(const catalog::Catalog& catalog, const Incident& incident,
                                        const Clocks& clocks);

/// A person wants the next level now. At the last one it is paged again.
journal::Decision escalate_by_hand(const catalog::Catalog& catalog, const Incident& incident,
                                   const std::string& by, const std::string& reason,
                                   const Clocks& clocks);

}  // namespace wellrun::respond
