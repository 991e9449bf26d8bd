#pragma once

// Finding names by a piece of them, for people who complete what they type: how well a name matches
// a search, and the best of many. Pure. Source: Prometheus proposal 0074 and its documentation of
// /api/v1/search (the algorithms' names, their scores, how terms are joined).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wellrun::telemetry {

enum class FuzzyAlgorithm {
  kSubsequence,  ///< the search's characters in their order, anything between them
  kJaroWinkler,  ///< contains the search, whatever the threshold; with one also what is like it
};

enum class SearchOrder { kNameAscending, kNameDescending, kBestFirst };

struct NameSearch {
  std::vector<std::string> terms;  ///< a name that matches one of them is found; none: every name
  FuzzyAlgorithm algorithm = FuzzyAlgorithm::kSubsequence;
  double threshold = 0;        ///< 0 to 1: the least score
  bool case_sensitive = true;  ///< false: ASCII letters are alike in either case
  SearchOrder order = SearchOrder::kNameAscending;
};

struct FoundName {
  std::string name;
  double score = 1;  ///< above 0, at most 1: of the term that it matches best
};

/// Those that match, each once, in the order asked for (equal ones by name).
std::vector<FoundName> search_names(std::vector<std::string> names, const NameSearch& search);

/// 0 when the characters of `pattern` do not come in `text` in their order, 1 for a text that
/// begins with it. Between: the squares of the lengths of the runs that match, less what was
/// skipped before and between them as a part of the text, and half of what follows, as a part of
/// the pattern's length squared; of the best place to begin with, in the first 1,024 characters.
double subsequence_score(std::string_view pattern, std::string_view text);

/// 1 for equal texts, 0 for those without a character in common. Source: Winkler, "String
/// comparator metrics" (1990): common prefix of up to 4 characters, scale 0.1.
double jaro_winkler_score(std::string_view a, std::string_view b);

}  // namespace wellrun::telemetry
