#pragma once

// Drafting a post-incident analysis: a pure function of recorded facts. No sentence stands in it
// without the facts it rests on.

#include <map>
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
  std::string edited_by;  ///< empty: drafted
};

/// What a person wrote in place of a drafted section.
struct Edit {
  std::string text;
  std::string by;
  journal::Sequence seq = 0;  ///< the fact that says so, and the text's source
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Edit, text, by, seq)

/// `story`: the incident's facts, sorted by seq, incident.opened among them. `before`: deployments
/// and changes of the workload in the hours before, and the alerts that the incident came from.
/// Sections without anything to say are left out.
std::vector<Section> draft_analysis(const std::vector<journal::Fact>& story,
                                    const std::vector<journal::Fact>& before);

/// The analysis as it stands: what a person wrote takes the place of what was drafted. Sections
/// that only a person wrote come last.
std::vector<Section> with_edits(std::vector<Section> draft,
                                const std::map<std::string, Edit>& edits);

Json to_json(const std::vector<Section>& sections);

}  // namespace wellrun::improve
