#include "catalog/alert_severity.h"

#include <algorithm>
#include <array>
#include <span>

namespace wellrun::catalog {
namespace {

constexpr std::array<std::string_view, 7> kPages = {"page", "critical", "high", "sev1",
                                                    "sev2", "p1",       "1"};
constexpr std::array<std::string_view, 8> kTickets = {"ticket", "warning", "medium", "sev3",
                                                      "p2",     "p3",      "2",      "3"};

std::string lower(std::string_view word) {
  std::string small(word);
  std::ranges::transform(small, small.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return small;
}

bool holds_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return word.size() > 1 && text.contains(word); });
}

}  // namespace

std::string alert_severity(std::string_view word) {
  const auto small = lower(word);
  if (std::ranges::find(kPages, small) != kPages.end()) return "page";
  return std::ranges::find(kTickets, small) != kTickets.end() ? "ticket" : "info";
}

bool may_be_severity(std::string_view label, std::string_view severity) {
  if (!label.contains("{{")) return alert_severity(label) == severity;
  const auto small = lower(label);
  if (severity == "page") return holds_one_of(small, kPages);
  return severity == "ticket" && holds_one_of(small, kTickets);
}

}  // namespace wellrun::catalog
