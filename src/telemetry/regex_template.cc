#include "telemetry/regex_template.h"

#include <algorithm>
#include <re2/re2.h>

namespace wellrun::telemetry {

std::string expand_template(std::string_view pattern, const re2::RE2& regex,
                            const std::vector<std::string_view>& groups) {
  const auto& names = regex.NamedCapturingGroups();
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '$' || i + 1 >= pattern.size()) {
      out += pattern[i++];
      continue;
    }
    if (pattern[i + 1] == '$') {
      out += '$';
      i += 2;
      continue;
    }
    const bool braced = pattern[i + 1] == '{';
    std::size_t start = i + (braced ? 2 : 1), end = start;
    while (end < pattern.size() && is_word(pattern[end])) ++end;
    if (end == start || (braced && (end >= pattern.size() || pattern[end] != '}'))) {
      out += pattern[i++];
      continue;
    }
    const std::string name(pattern.substr(start, end - start));
    std::size_t index = groups.size();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
      if (name.size() < 5) index = std::stoul(name);
    } else if (auto found = names.find(name); found != names.end()) {
      index = static_cast<std::size_t>(found->second);
    }
    if (index < groups.size()) out += groups[index];
    i = end + (braced ? 1 : 0);
  }
  return out;
}

}  // namespace wellrun::telemetry
