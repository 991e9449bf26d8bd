#pragma once

// The story of the demo, told by people who have goals rather than a script: a release breaks the
// shop, whoever is paged acknowledges, the runbook is approved, customers are told, the incident is
// resolved, the analysis signed, an assessment made. Each looks at how things are and does what is
// next, again when nobody answered: so the story goes on wherever the process died.

#include <set>
#include <string>
#include <vector>

#include "simulation/house.h"

namespace wellrun::simulation {

struct StoryOptions {
  std::uint64_t seed = 1;
  Habits habits;
  CrashPoint crash;
  HouseOptions house;
  Duration restart_every{0};  ///< how often an operator restarts the server; zero: never
};

/// The operations repository of the simulated shop: two persons on a rota, a third above them, a
/// runbook with a step that must not run twice, an automation that proposes it.
std::string shop_repository();

class Story {
 public:
  explicit Story(StoryOptions options);

  /// Tells it until nothing is left to do, at most 90 minutes of the shop's time.
  void tell();
  /// Five seconds of it, after which everybody acts.
  void go_on();

  World& world() { return world_; }
  House& house() { return house_; }

  /// What is wrong with how it went, one line each; empty when every promise was kept:
  /// no page lost, no step run twice, no story without an end, nothing acknowledged forgotten, the
  /// journal whole, and the same state again from the journal alone.
  std::vector<std::string> broken_promises();

  /// Every fact and everything that happened outside.
  std::string trace() const;

 private:
  bool over();
  void act();
  void apply_repository();
  void release();
  void read_messages();
  void approve_or_decide(const Json& run);
  void look_after(const Json& incident);
  void look_back();
  /// A command that counts as given once it was answered with 2xx.
  bool tell_server(const std::string& who, const std::string& path, const Json& body);

  void check_pages(std::vector<std::string>& broken);
  void check_steps(std::vector<std::string>& broken);
  void check_ends(std::vector<std::string>& broken);
  void check_journal(std::vector<std::string>& broken);

  StoryOptions options_;
  World world_;
  House house_;
  Timestamp began_;
  Timestamp restarted_;
  bool applied_ = false, released_ = false, assessed_ = false;
  std::size_t messages_read_ = 0;
  std::set<std::string> to_acknowledge_;  ///< incidents that someone was paged about
  std::vector<journal::Fact> heard_;      ///< the last fact of the journal at each 2xx
};

}  // namespace wellrun::simulation
