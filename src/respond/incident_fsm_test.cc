#include "respond/incident_fsm.h"

#include <gtest/gtest.h>
#include <set>

namespace wellrun::respond {
namespace {

using enum IncidentState;
using enum IncidentCommand;

constexpr std::array kStates = {kTriggered, kAcknowledged, kMitigated, kResolved};
constexpr std::array kCommands = {kAcknowledge,    kEscalate,     kMitigate, kResolve,
                                  kAddAlert,       kResolveAlert, kAddNote,  kAssignRole,
                                  kChangeSeverity, kPostUpdate};

TEST(IncidentFsm, TheTableHasEveryPairExactlyOnce) {
  std::set<std::pair<IncidentState, IncidentCommand>> pairs;
  for (const auto& each : incident_transitions()) {
    EXPECT_TRUE(pairs.insert({each.from, each.command}).second)
        << name_of(each.from) << " " << name_of(each.command);
  }
  EXPECT_EQ(pairs.size(), kStates.size() * kCommands.size());
}

/// One row a state, one column a command in the order of kCommands: t a m r = next state, . =
/// refused.
TEST(IncidentFsm, EveryPairDoesWhatIsExpected) {
  const std::array expected = {"atmrtttttt", ".tmraaaaaa", ".t.rtmmmmm", ".....rr.rr"};
  for (std::size_t s = 0; s < kStates.size(); ++s) {
    std::string row;
    for (const auto command : kCommands) {
      const auto next = next_state(kStates[s], command);
      row += next ? name_of(*next)[0] : '.';
      if (!next) {
        EXPECT_EQ(next.error().code, ErrorCode::kConflict);
      }
    }
    EXPECT_EQ(row, expected[s]) << name_of(kStates[s]);
  }
}

TEST(IncidentFsm, ARefusalSaysWhatWasTriedAndWhy) {
  EXPECT_EQ(
      next_state(kResolved, kAcknowledge).error().message,
      "cannot acknowledge an incident that is resolved: the incident is resolved; open a new one");
}

TEST(IncidentFsm, StatesHaveNamesThatReadBack) {
  for (const auto state : kStates) EXPECT_EQ(state_named(name_of(state)), state);
  EXPECT_EQ(state_named("closed"), std::nullopt);
}

}  // namespace
}  // namespace wellrun::respond
