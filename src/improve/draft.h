#pragma once

// Drafting a post-incident analysis: a pure function of recorded facts. No sentence stands in it
// without the facts it rests on.

#include <string>
#include <vector>

#include "core/json.h"
#include "journal/fact.h"

namespace wellrun::improve {

struct Sentence {
  std::string text;
  std::vector<journal::Sequence> sources;  ///< never empty in a draft
};

struct Section {
  std::string name;  ///< "summary", "impact", "timeline", "detection", "response", "contributing",
                     ///< "actions"
  std::vector<Sentence> sentences;
};

/// `story`: the incident's facts, sorted by seq, incident.opened among them. `before`: deployments
/// and changes of the workload in the hours before, and the alerts that the incident came from.
/// Sections without anything to say are left out.
std::vector<Section> draft_analysis(const std::vector<journal::Fact>& story,
                                    const std::vector<journal::Fact>& before);

Json to_json(const std::vector<Section>& sections);

}  // namespace wellrun::improve
