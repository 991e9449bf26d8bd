#include "health/alert_size.h"

#include <algorithm>

#include "core/text.h"

namespace wellrun::health {
namespace {

using facts::AlertFired;
using Texts = std::map<std::string, std::string>;

constexpr std::string_view kCut = "…";

bool fits(const AlertFired& fired) {
  return to_text(fired).size() <= kMostAlertBytes;
}

/// To at most `limit` bytes, between characters.
void cut(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  text.resize(utf8_beginning(text, limit - kCut.size()).size());
  text += kCut;
}

void cut_texts(AlertFired& fired, std::size_t limit) {
  for (auto* texts : {&fired.annotations, &fired.labels}) {
    for (auto& [name, text] : *texts) cut(text, limit);
  }
  cut(fired.expr, limit);
  cut(fired.kpi, limit);
}

/// The outermost parts, which come first, say most.
void leave_out_evidence(AlertFired& fired) {
  if (!fired.evidence.is_array()) return;
  for (auto part = fired.evidence.rbegin(); part != fired.evidence.rend(); ++part) {
    if (fits(fired)) return;
    *part = {{"expr", text_or(*part, "expr")},
             {"error", "left out: the alert is too large for its values to be kept"}};
  }
}

void leave_out(AlertFired& fired, Texts& texts) {
  auto size = to_text(fired).size();
  for (auto each = texts.end(); each != texts.begin() && size > kMostAlertBytes;) {
    --each;
    if (each->first == "alertname" || each->first == "severity") continue;
    size -= to_text(each->first).size() + to_text(each->second).size() + 1;  // its colon
    each = texts.erase(each);
  }
}

}  // namespace

AlertFired fitted(AlertFired fired) {
  if (fits(fired)) return fired;
  cut_texts(fired, 2048);
  leave_out_evidence(fired);
  for (const std::size_t limit : {512U, 128U, 32U}) {
    if (!fits(fired)) cut_texts(fired, limit);
  }
  if (!fits(fired)) fired.evidence = Json();
  leave_out(fired, fired.annotations);
  leave_out(fired, fired.labels);
  return fired;
}

bool is_fitted(std::string_view kept, std::string_view whole) {
  if (kept == whole) return true;
  return kept.ends_with(kCut) && whole.starts_with(kept.substr(0, kept.size() - kCut.size()));
}

bool has_fixed_labels(const Texts& kept, const Texts& labels) {
  return std::ranges::all_of(labels, [&](const auto& label) {
    const auto& [name, text] = label;
    const auto found = kept.find(name);
    return text.contains("{{") || found == kept.end() || is_fitted(found->second, text);
  });
}

}  // namespace wellrun::health
