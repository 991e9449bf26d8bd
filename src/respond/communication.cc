#include "respond/communication.h"

#include "catalog/kinds/status_page.h"
#include "catalog/kinds/workload.h"
#include "core/text.h"
#include "journal/body_limit.h"

namespace wellrun::respond {
namespace {

constexpr std::size_t kMaxText = 8 << 10;  ///< of an update by template: a fact holds 16 KiB

std::string public_name(const catalog::Catalog& catalog, const Incident& incident,
                        const std::string& status_page) {
  if (const auto* page = catalog.find<catalog::StatusPage>(status_page)) {
    for (const auto& component : page->components) {
      if (component.workload.name == incident.workload) return component.name;
    }
  }
  const auto* workload = catalog.find<catalog::Workload>(incident.workload);
  return workload == nullptr || workload->display_name.empty() ? "The service"
                                                               : workload->display_name;
}

std::string template_for(const catalog::CommunicationPlan* plan, const std::string& state,
                         bool first) {
  if (plan != nullptr) {
    const auto& texts = plan->templates;
    const auto& text = state == "resolved" ? texts.resolved : first ? texts.opened : texts.update;
    if (!text.empty()) return text;
  }
  if (state == "resolved") return "{{workload}} works normally again.";
  if (first)
    return "We are looking into a problem with {{workload}}. Next update by {{next_update}}.";
  return "We are still working on the problem with {{workload}}. Next update by {{next_update}}.";
}

std::string spoken_time(Timestamp time) {
  const auto text = format_rfc3339(time);  // 2026-11-24T11:19:33Z
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 5));
}

}  // namespace

const catalog::CommunicationPlan* plan_for(const catalog::Catalog& catalog,
                                           const Incident& incident) {
  const auto speaks = [&](const catalog::CommunicationPlan* plan) {
    return plan != nullptr &&
           std::ranges::find(plan->severities, incident.severity) != plan->severities.end();
  };
  const auto* workload = catalog.find<catalog::Workload>(incident.workload);
  if (workload != nullptr && workload->communication_plan) {
    const auto* plan = catalog.find<catalog::CommunicationPlan>(workload->communication_plan);
    return speaks(plan) ? plan : nullptr;
  }
  for (const auto* plan : catalog.all<catalog::CommunicationPlan>()) {
    if (plan->workload.name == incident.workload && !incident.workload.empty() && speaks(plan))
      return plan;
  }
  return nullptr;
}

std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return out + std::string(text.substr(open));
    const auto found = values.find(std::string(trimmed(text.substr(open + 2, close - open - 2))));
    if (found != values.end()) out += found->second;
    text.remove_prefix(close + 2);
  }
  return out;
}

facts::StatusPosted make_update(const catalog::Catalog& catalog, const Incident& incident,
                                const catalog::CommunicationPlan* plan, const std::string& state,
                                const std::string& text, std::optional<Duration> next_update_in,
                                const std::string& by, Timestamp now) {
  facts::StatusPosted update;
  update.update = fmt::format("{}/update-{}", incident.id, incident.updates.size() + 1);
  update.incident = incident.id;
  update.workload = incident.workload;
  update.state = state;
  update.by = by;
  if (plan != nullptr) update.status_page = plan->status_page.name;
  if (!next_update_in && plan != nullptr) next_update_in = plan->update_every;
  const bool promises = state != "resolved" && next_update_in && *next_update_in > Duration::zero();
  if (promises) update.next_update_due = format_rfc3339(now + *next_update_in);
  update.text =
      !text.empty()
          ? text
          : journal::beginning_within(
                fill_template(
                    template_for(plan, state, incident.updates.empty()),
                    {{"workload", public_name(catalog, incident, update.status_page)},
                     {"severity", std::to_string(incident.severity)},
                     {"title", incident.title},
                     {"next_update", promises ? spoken_time(now + *next_update_in) : ""}}),
                kMaxText);
  return update;
}

}  // namespace wellrun::respond
