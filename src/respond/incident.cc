#include "respond/incident.h"

namespace wellrun::respond {
namespace {

Json time_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_unix_ms(*time)) : Json();
}

std::optional<Timestamp> time_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return from_unix_ms(json.get<std::int64_t>());
}

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentAlert, fingerprint, alert, firing, value,
                                                labels)

bool Incident::any_firing() const {
  return std::ranges::any_of(alerts, &IncidentAlert::firing);
}

std::optional<Timestamp> Incident::next_update_due() const {
  return is_open() && !updates.empty() ? updates.back().next_due : std::nullopt;
}

Json to_json(const Incident& incident) {
  Json pages = Json::array();
  for (const auto& page : incident.pages) {
    pages.push_back({{"id", page.id},
                     {"person", page.person},
                     {"channel", page.channel},
                     {"address", page.address},
                     {"level", page.level},
                     {"round", page.round},
                     {"state", page.state},
                     {"detail", page.detail},
                     {"error", page.error},
                     {"at", to_unix_ms(page.at)}});
  }
  Json updates = Json::array();
  for (const auto& update : incident.updates) {
    updates.push_back({{"id", update.id},
                       {"status_page", update.status_page},
                       {"state", update.state},
                       {"text", update.text},
                       {"by", update.by},
                       {"at", to_unix_ms(update.at)},
                       {"next_due", time_json(update.next_due)}});
  }
  return {{"id", incident.id},
          {"title", incident.title},
          {"workload", incident.workload},
          {"kpi", incident.kpi},
          {"procedure", incident.procedure},
          {"policy", incident.policy},
          {"severity", incident.severity},
          {"opened_by_alert", incident.opened_by_alert},
          {"state", name_of(incident.state)},
          {"opened_at", to_unix_ms(incident.opened_at)},
          {"acknowledged_at", time_json(incident.acknowledged_at)},
          {"acknowledged_by", incident.acknowledged_by},
          {"held_since", time_json(incident.held_since)},
          {"mitigated_at", time_json(incident.mitigated_at)},
          {"resolved_at", time_json(incident.resolved_at)},
          {"alerts", incident.alerts},
          {"roles", incident.roles},
          {"level", incident.level},
          {"round", incident.round},
          {"unpaged", incident.unpaged},
          {"level_since", to_unix_ms(incident.level_since)},
          {"pages", pages},
          {"quiet_since", time_json(incident.quiet_since)},
          {"updates", updates},
          {"reminded_of", time_json(incident.reminded_of)}};
}

Result<Incident> incident_from_json(const Json& json) {
  Incident incident;
  try {
    json.at("id").get_to(incident.id);
    json.at("title").get_to(incident.title);
    json.at("workload").get_to(incident.workload);
    json.at("kpi").get_to(incident.kpi);
    json.at("procedure").get_to(incident.procedure);
    json.at("policy").get_to(incident.policy);
    json.at("severity").get_to(incident.severity);
    json.at("opened_by_alert").get_to(incident.opened_by_alert);
    incident.state =
        state_named(json.at("state").get<std::string>()).value_or(IncidentState::kTriggered);
    incident.opened_at = from_unix_ms(json.at("opened_at").get<std::int64_t>());
    incident.acknowledged_at = time_of(json.at("acknowledged_at"));
    json.at("acknowledged_by").get_to(incident.acknowledged_by);
    incident.held_since = time_of(json.value("held_since", json.at("acknowledged_at")));
    incident.mitigated_at = time_of(json.at("mitigated_at"));
    incident.resolved_at = time_of(json.at("resolved_at"));
    json.at("alerts").get_to(incident.alerts);
    json.at("roles").get_to(incident.roles);
    json.at("level").get_to(incident.level);
    json.at("round").get_to(incident.round);
    json.at("unpaged").get_to(incident.unpaged);
    incident.level_since = from_unix_ms(json.at("level_since").get<std::int64_t>());
    for (const auto& each : json.at("pages")) {
      Page page;
      each.at("id").get_to(page.id);
      each.at("person").get_to(page.person);
      each.at("channel").get_to(page.channel);
      each.at("address").get_to(page.address);
      each.at("level").get_to(page.level);
      each.at("round").get_to(page.round);
      each.at("state").get_to(page.state);
      each.at("detail").get_to(page.detail);
      each.at("error").get_to(page.error);
      page.at = from_unix_ms(each.at("at").get<std::int64_t>());
      incident.pages.push_back(std::move(page));
    }
    incident.quiet_since = time_of(json.at("quiet_since"));
    for (const auto& each : json.at("updates")) {
      StatusUpdate update;
      each.at("id").get_to(update.id);
      each.at("status_page").get_to(update.status_page);
      each.at("state").get_to(update.state);
      each.at("text").get_to(update.text);
      each.at("by").get_to(update.by);
      update.at = from_unix_ms(each.at("at").get<std::int64_t>());
      update.next_due = time_of(each.at("next_due"));
      incident.updates.push_back(std::move(update));
    }
    incident.reminded_of = time_of(json.at("reminded_of"));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("an incident in a snapshot cannot be read: {}", error.what()));
  }
  return incident;
}

}  // namespace wellrun::respond
