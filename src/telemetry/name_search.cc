#include "telemetry/name_search.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kMostStarts = 1024;
constexpr double kContains = 0.9;

/// Code points; a byte that is no UTF-8 is one of its own.
std::u32string characters(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    const auto end = std::min(text.size(), i + length);
    for (++i; i < end; ++i) code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    out += code;
  }
  return out;
}

std::string folded(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Of a match that begins at `start`, where the pattern's first character stands, and takes the
/// next place for each that follows; nothing when the text ends before the pattern.
std::optional<double> score_from(std::size_t start, std::u32string_view pattern,
                                 std::u32string_view text) {
  double squares = 0, skipped = static_cast<double>(start);
  std::size_t at = start;
  for (std::size_t matched = 0; matched < pattern.size();) {
    const auto found = text.find(pattern[matched], at);
    if (found == std::u32string_view::npos) return std::nullopt;
    if (matched > 0) skipped += static_cast<double>(found - at);
    std::size_t run = 0;
    while (matched < pattern.size() && found + run < text.size() &&
           text[found + run] == pattern[matched]) {
      ++run;
      ++matched;
    }
    squares += static_cast<double>(run * run);
    at = found + run;
  }
  const auto length = static_cast<double>(text.size());
  return squares - (skipped + static_cast<double>(text.size() - at) / 2) / length;
}

double subsequence_of(std::u32string_view pattern, std::u32string_view text) {
  if (text.starts_with(pattern)) return 1;
  double best = 0;
  for (std::size_t tried = 0, at = 0; tried < kMostStarts; ++tried, ++at) {
    at = text.find(pattern.front(), at);
    if (at == std::u32string_view::npos) break;
    const auto score = score_from(at, pattern, text);
    if (!score) break;  // a later beginning has less text
    best = std::max(best, *score);
  }
  return best / static_cast<double>(pattern.size() * pattern.size());
}

/// Characters of `a` that have a partner in `b`, equal and at most `reach` away: each in its order.
struct Partners {
  std::u32string of_a, of_b;
};

Partners partners(std::u32string_view a, std::u32string_view b, std::size_t reach) {
  Partners found;
  std::vector<bool> taken(b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto first = i > reach ? i - reach : 0;
    const auto last = std::min(b.size(), i + reach + 1);
    for (auto k = first; k < last; ++k) {
      if (taken[k] || a[i] != b[k]) continue;
      taken[k] = true;
      found.of_a += a[i];
      break;
    }
  }
  for (std::size_t k = 0; k < b.size(); ++k)
    if (taken[k]) found.of_b += b[k];
  return found;
}

double jaro_winkler_of(std::u32string_view a, std::u32string_view b) {
  if (a == b) return 1;
  const auto longest = std::max(a.size(), b.size());
  const auto [of_a, of_b] = partners(a, b, longest / 2 > 0 ? longest / 2 - 1 : 0);
  if (of_a.empty()) return 0;
  std::size_t out_of_order = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) out_of_order += of_a[i] != of_b[i] ? 1 : 0;
  const auto common = static_cast<double>(of_a.size());
  const auto transposed = static_cast<double>(out_of_order / 2);
  const auto jaro = (common / static_cast<double>(a.size()) +
                     common / static_cast<double>(b.size()) + (common - transposed) / common) /
                    3;
  std::size_t prefix = 0;
  while (prefix < std::min({a.size(), b.size(), std::size_t{4}}) && a[prefix] == b[prefix])
    ++prefix;
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

/// One term, made ready for many names.
class Term {
 public:
  Term(const std::string& term, const NameSearch& search)
      : search_(search),
        bytes_(search.case_sensitive ? term : folded(term)),
        characters_(characters(bytes_)) {}

  /// 0: no match.
  double score(std::string_view name, std::u32string_view name_characters) const {
    if (bytes_.empty()) return 1;
    if (search_.algorithm == FuzzyAlgorithm::kSubsequence)
      return if_enough(subsequence_of(characters_, name_characters));
    if (name.contains(bytes_)) return name.starts_with(bytes_) ? 1 : kContains;
    return search_.threshold > 0 ? if_enough(jaro_winkler_of(characters_, name_characters)) : 0;
  }

 private:
  double if_enough(double score) const { return score >= search_.threshold ? score : 0; }

  const NameSearch& search_;
  const std::string bytes_;
  const std::u32string characters_;
};

double best_score(std::span<const Term> terms, const NameSearch& search, const std::string& name) {
  if (terms.empty()) return 1;
  const auto text = search.case_sensitive ? name : folded(name);
  const auto text_characters = characters(text);
  double best = 0;
  for (const auto& term : terms) best = std::max(best, term.score(text, text_characters));
  return best;
}

}  // namespace

double subsequence_score(std::string_view pattern, std::string_view text) {
  return pattern.empty() ? 1 : subsequence_of(characters(pattern), characters(text));
}

double jaro_winkler_score(std::string_view a, std::string_view b) {
  return jaro_winkler_of(characters(a), characters(b));
}

std::vector<FoundName> search_names(std::vector<std::string> names, const NameSearch& search) {
  std::vector<Term> terms;
  for (const auto& term : search.terms) terms.emplace_back(term, search);
  std::vector<FoundName> found;
  for (auto& name : names)
    if (const auto score = best_score(terms, search, name); score > 0)
      found.push_back({std::move(name), score});
  std::ranges::sort(found, [&](const FoundName& a, const FoundName& b) {
    if (search.order == SearchOrder::kBestFirst && a.score != b.score) return a.score > b.score;
    return search.order == SearchOrder::kNameDescending ? a.name > b.name : a.name < b.name;
  });
  const auto again = std::ranges::unique(found, {}, &FoundName::name);
  found.erase(again.begin(), again.end());
  return found;
}

}  // namespace wellrun::telemetry
