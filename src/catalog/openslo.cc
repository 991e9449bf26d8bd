#include "catalog/openslo.h"

#include <algorithm>
#include <map>

#include "catalog/alert_severity.h"
#include "catalog/kinds/slo.h"
#include "catalog/shape.h"
#include "catalog/slo_window.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr const char* kVersion = "openslo/v1";
constexpr const char* kWorkloadAnnotation = "wellrun.io/workload";
const std::vector<std::string> kKinds = {"SLO",
                                         "SLI",
                                         "Service",
                                         "DataSource",
                                         "AlertPolicy",
                                         "AlertCondition",
                                         "AlertNotificationTarget"};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

Node* find(Node& map, std::string_view key) {
  return const_cast<Node*>(std::as_const(map).find(key));
}

/// The value of a map's key, taken out of it.
std::optional<Node> take(Node& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].text != key) continue;
    auto value = std::move(map.items[i]);
    map.keys.erase(map.keys.begin() + static_cast<std::ptrdiff_t>(i));
    map.items.erase(map.items.begin() + static_cast<std::ptrdiff_t>(i));
    return value;
  }
  return std::nullopt;
}

std::string text_of(const Node* node) {
  return node != nullptr && node->is_scalar() ? node->text : std::string();
}
std::string text_of(const Node& map, std::string_view key) {
  return text_of(map.find(key));
}

/// What was taken from elsewhere stands, for messages, where it is referred to.
void put_at(Node& node, Position position) {
  node.position = position;
  for (auto& key : node.keys) key.position = position;
  for (auto& item : node.items) put_at(item, position);
}

/// {key: name}, where `name` stands.
Node reference_node(std::string key, const Node& name) {
  Node referring = map_node();
  referring.position = name.position;
  referring.add(std::move(key), name);
  return referring;
}

struct WrittenCondition {
  std::string kind = "burnrate", op;
  double threshold = 0;
  std::string lookback;
  Duration alert_after{0};

  template <typename Shape>
  static void describe(Shape& s) {
    s.field("kind", &WrittenCondition::kind, "").one_of({"burnrate"});
    s.field("op", &WrittenCondition::op, "").one_of({"lte", "gte", "lt", "gt"});
    s.field("threshold", &WrittenCondition::threshold, "").required().range(0, 1000);
    s.field("lookbackWindow", &WrittenCondition::lookback, "").required().format("window-length");
    s.field("alertAfter", &WrittenCondition::alert_after, "");
  }
};

struct WrittenAlertCondition {
  std::string description, severity = "page";
  WrittenCondition condition;

  template <typename Shape>
  static void describe(Shape& s) {
    s.field("description", &WrittenAlertCondition::description, "");
    s.field("severity", &WrittenAlertCondition::severity, "").required();
    s.field("condition", &WrittenAlertCondition::condition, "").required();
  }
};

/// OpenSLO's condition looks back over one window; the short one that ends the alert soon is a
/// twelfth of it, as in the SRE Workbook's table, but not so short that there are no two samples in
/// it.
Duration short_window(Duration whole) {
  constexpr Duration kShortest{300'000};
  return std::min(whole, std::max(whole / 12, kShortest));
}

/// Holds when the burn rate exceeds the threshold, whatever `op` is: OpenSLO's own examples write
/// `lte` for "exceeds".
Node window_node(const WrittenAlertCondition& written) {
  const auto length = parse_window_length(written.condition.lookback);
  const Duration whole = length ? length->nominal() : Duration{0};
  Node window = map_node();
  window.add("severity", text_node(alert_severity(written.severity) == "page" ? "page" : "ticket"));
  window.add("long", text_node(format_duration(whole)));
  window.add("short", text_node(format_duration(short_window(whole))));
  window.add("burnRate", number_node(written.condition.threshold));
  const auto after = written.condition.alert_after;
  if (after.count() > 0) window.add("for", text_node(format_duration(after)));
  return window;
}

class Reader {
 public:
  Reader(std::vector<OpenSloDocument> documents,
         const std::function<std::string(const std::string&)>& workload_of)
      : documents_(std::move(documents)), workload_of_(workload_of) {}

  OpenSloReading read() {
    for (auto& document : documents_) index(document);
    for (auto& document : documents_) {
      if (text_of(document.node, "kind") == "SLO") read_slo(document);
    }
    return std::move(read_);
  }

 private:
  void problem(const std::string& file, Position at, std::string message, std::string hint = {}) {
    read_.problems.push_back({file, at.line, at.column, std::move(message), std::move(hint)});
  }

  /// Frames are looked at once, whether anything refers to them or not.
  void index(OpenSloDocument& document) {
    const auto version = text_of(document.node, "apiVersion");
    const auto* at = document.node.find("apiVersion");
    if (version != kVersion)
      problem(
          document.file, at->position,
          fmt::format("OpenSLO {} is not read; write the document as {}", quote(version), kVersion),
          kVersion);
    const auto* kind = document.node.find("kind");
    const auto name = text_of(kind);
    if (std::ranges::find(kKinds, name) == kKinds.end())
      return problem(document.file, kind == nullptr ? document.node.position : kind->position,
                     "unknown kind " + quote(name) + " of OpenSLO",
                     nearest(name, kKinds).value_or(""));
    const auto* metadata = document.node.find("metadata");
    const auto id = metadata == nullptr ? std::string() : text_of(*metadata, "name");
    if (id.empty())
      return problem(document.file, document.node.position, "the document has no metadata.name");
    if (!by_name_[name].emplace(id, &document).second && name != "SLO")
      problem(document.file, document.node.position,
              fmt::format("OpenSLO {} {} stands twice", name, quote(id)));
  }

  /// Null, and a problem with the nearest name, when nothing is called so.
  const OpenSloDocument* referred(const std::string& file, const Node& reference,
                                  const std::string& kind) {
    const auto& known = by_name_[kind];
    if (const auto found = known.find(reference.text); found != known.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& each : known) names.push_back(each.first);
    problem(file, reference.position,
            fmt::format("there is no OpenSLO {} {}", kind, quote(reference.text)),
            nearest(reference.text, names).value_or(""));
    return nullptr;
  }

  /// The spec of an inline part ({kind, metadata, spec}) or of what `reference` names.
  std::optional<Node> spec_of(const std::string& file, Node& part, const char* reference,
                              const std::string& kind) {
    if (const auto* name = part.find(reference)) {
      const auto* document = referred(file, *name, kind);
      const auto* spec = document == nullptr ? nullptr : document->node.find("spec");
      if (spec == nullptr) return std::nullopt;
      Node copy = *spec;
      if (document->file != file) put_at(copy, name->position);
      return copy;
    }
    auto spec = take(part, "spec");
    if (!spec)
      problem(file, part.position,
              fmt::format("a {} here needs {} or its spec", kind, quote(reference)));
    return spec;
  }

  void read_source(const std::string& file, Node& metric) {
    auto* source = find(metric, "metricSource");
    if (source == nullptr) return;
    auto reference = take(*source, "metricSourceRef");
    auto* type = find(*source, "type");
    if (type != nullptr && lower(type->text) == "prometheus") type->text = "Prometheus";
    if (!reference) return;
    const auto known = by_name_["DataSource"].find(reference->text);
    if (known == by_name_["DataSource"].end()) {
      if (type == nullptr) referred(file, *reference, "DataSource");
      return;
    }
    const auto* spec = known->second->node.find("spec");
    const auto stored = spec == nullptr ? std::string() : text_of(*spec, "type");
    if (lower(stored) != "prometheus")
      problem(file, reference->position,
              fmt::format("DataSource {} is of type {}; only Prometheus can be asked",
                          quote(reference->text), quote(stored)));
  }

  /// `part`: the SLO's spec, or an objective of a composite. The name of what it measures, where it
  /// has one.
  std::string read_indicator(const std::string& file, Node& part) {
    Node indicator = map_node();
    std::optional<Node> measured;
    std::string name;
    if (const auto* reference = part.find("indicatorRef")) {
      name = reference->text;
      indicator.position = reference->position;
      Node referring = reference_node("indicatorRef", *reference);
      measured = spec_of(file, referring, "indicatorRef", "SLI");
      take(part, "indicatorRef");
    } else if (auto inline_one = take(part, "indicator")) {
      indicator.position = inline_one->position;
      if (const auto* metadata = inline_one->find("metadata")) name = text_of(*metadata, "name");
      measured = spec_of(file, *inline_one, "indicatorRef", "SLI");
    }
    if (!measured) return name;
    if (auto* ratio = find(*measured, "ratioMetric")) {
      for (const auto* each : {"good", "bad", "total", "raw"}) {
        if (auto* metric = find(*ratio, each)) read_source(file, *metric);
      }
    }
    if (auto* metric = find(*measured, "thresholdMetric")) read_source(file, *metric);
    indicator.add("spec", std::move(*measured));
    part.add("indicator", std::move(indicator));
    return name;
  }

  std::optional<Node> read_condition(const std::string& file, Node& condition) {
    auto spec = spec_of(file, condition, "conditionRef", "AlertCondition");
    if (!spec) return std::nullopt;
    Reading reading;
    reading.file = file;
    WrittenAlertCondition written;
    decode_object(shape_of<WrittenAlertCondition>("an AlertCondition"), &written, *spec, reading);
    read_.problems.insert(read_.problems.end(), reading.problems.begin(), reading.problems.end());
    if (!reading.problems.empty()) return std::nullopt;
    Node window = window_node(written);
    put_at(window, spec->position);
    return window;
  }

  void read_policy(const std::string& file, Node& policy, Node& windows) {
    if (policy.is_scalar()) policy = reference_node("alertPolicyRef", policy);
    auto spec = spec_of(file, policy, "alertPolicyRef", "AlertPolicy");
    if (!spec || text_of(*spec, "alertWhenBreaching") == "false") return;
    auto* conditions = find(*spec, "conditions");
    if (conditions == nullptr) return;
    for (auto& condition : conditions->items) {
      if (auto window = read_condition(file, condition)) windows.items.push_back(*window);
    }
  }

  /// Those of its policies, and be it none; without any policy, the SRE Workbook's that fit into
  /// its time window.
  Node read_alerting(const std::string& file, Node& spec) {
    Node windows = sequence_node();
    auto policies = take(spec, "alertPolicies").value_or(sequence_node());
    for (auto& policy : policies.items) read_policy(file, policy, windows);
    if (policies.items.empty()) {
      const auto* window = spec.find("timeWindow");
      const auto text = window == nullptr || window->items.empty()
                            ? std::string("4w")
                            : text_of(window->items.front(), "duration");
      const auto length = parse_window_length(text);
      for (const auto& usual : SloAlerting{}.windows) {
        if (length && usual.long_window > length->nominal()) continue;
        Node each = map_node();
        each.add("severity", text_node(usual.severity));
        each.add("long", text_node(format_duration(usual.long_window)));
        each.add("short", text_node(format_duration(usual.short_window)));
        each.add("burnRate", number_node(usual.burn_rate));
        windows.items.push_back(std::move(each));
      }
    }
    put_at(windows, spec.position);
    Node alerting = map_node();
    alerting.position = spec.position;
    alerting.add("windows", std::move(windows));
    return alerting;
  }

  /// Source: OpenSLO v1, "SLO": isRolling is "assumed false if calendar: is present".
  static void read_time_window(Node& spec) {
    auto* windows = find(spec, "timeWindow");
    if (windows == nullptr) return;
    for (auto& window : windows->items) {
      const auto* calendar = window.find("calendar");
      if (calendar == nullptr || window.find("isRolling") != nullptr) continue;
      Node rolls = flag_node(false);
      rolls.position = calendar->position;
      window.add("isRolling", std::move(rolls));
    }
  }

  /// The workload: as the Service's annotation says, or the one of that name or with such a part.
  void read_service(Node& spec) {
    auto* service = find(spec, "service");
    if (service == nullptr) return;
    const auto& known = by_name_["Service"];
    if (const auto found = known.find(service->text); found != known.end()) {
      const auto* metadata = found->second->node.find("metadata");
      const auto* annotations = metadata->find("annotations");
      const auto workload =
          annotations == nullptr ? std::string() : text_of(*annotations, kWorkloadAnnotation);
      if (!workload.empty()) {
        service->text = workload;
        return;
      }
    }
    service->text = workload_of_(service->text);
  }

  /// OpenSLO's labels may be lists; ours are texts.
  static Node text_map(const Node* written) {
    Node map = map_node();
    if (written == nullptr || written->type != Node::Type::kMap) return map;
    for (std::size_t i = 0; i < written->keys.size(); ++i) {
      std::vector<std::string> parts;
      for (const auto& item : written->items[i].items) parts.push_back(item.text);
      auto value = written->items[i].is_scalar() ? written->items[i].text
                                                 : fmt::format("{}", fmt::join(parts, ","));
      map.add(written->keys[i].text, text_node(std::move(value)));
    }
    return map;
  }

  static Node metadata_of(const Node& written, const std::string& suffix) {
    const auto* name = written.find("name");
    Node resource_name = text_node(lower(name->text) + suffix);
    resource_name.position = name->position;
    Node annotations = text_map(written.find("annotations"));
    annotations.add(kOpenSloAnnotation, text_node(name->text));
    Node metadata = map_node();
    metadata.position = written.position;
    metadata.add("name", std::move(resource_name));
    metadata.add("labels", text_map(written.find("labels")));
    metadata.add("annotations", std::move(annotations));
    return metadata;
  }

  void read_slo(OpenSloDocument& document) {
    const auto* metadata = document.node.find("metadata");
    auto* written = find(document.node, "spec");
    const bool has_name = metadata != nullptr && !text_of(*metadata, "name").empty();
    if (!has_name || written == nullptr || written->type != Node::Type::kMap)
      return problem(document.file, document.node.position,
                     "the SLO has no name, or no spec that is a map");
    Node spec = *written;
    read_indicator(document.file, spec);
    read_service(spec);
    read_time_window(spec);
    if (spec.find("alerting") == nullptr) spec.add("alerting", read_alerting(document.file, spec));
    auto objectives = take(spec, "objectives").value_or(sequence_node());
    if (objectives.items.empty())
      problem(document.file, written->position, "the SLO promises nothing: it has no objectives");
    if (std::ranges::any_of(objectives.items, has_indicator))
      return add_composite(document, std::move(spec), std::move(objectives));
    for (std::size_t i = 0; i < objectives.items.size(); ++i) {
      Node one = sequence_node();
      one.position = objectives.items[i].position;
      one.items.push_back(objectives.items[i]);
      Node own = spec;
      own.add("objectives", std::move(one));
      add_slo(document, objectives.items.size() == 1 ? "" : fmt::format("-{}", i + 1),
              std::move(own));
    }
  }

  static bool has_indicator(const Node& objective) {
    return objective.find("indicator") != nullptr || objective.find("indicatorRef") != nullptr;
  }

  /// Objectives stay together; without a name each is called as what it measures. A single one is
  /// no composite: its indicator is the SLO's.
  void add_composite(const OpenSloDocument& document, Node spec, Node objectives) {
    for (auto& objective : objectives.items) {
      const auto name = read_indicator(document.file, objective);
      if (objective.find("displayName") == nullptr && !name.empty())
        objective.add("displayName", text_node(name));
    }
    if (objectives.items.size() == 1 && spec.find("indicator") == nullptr) {
      if (auto indicator = take(objectives.items.front(), "indicator"))
        spec.add("indicator", std::move(*indicator));
    }
    spec.add("objectives", std::move(objectives));
    add_slo(document, "", std::move(spec));
  }

  void add_slo(const OpenSloDocument& document, const std::string& suffix, Node spec) {
    Node result = map_node();
    result.position = document.node.position;
    result.add("apiVersion", text_node(kApiVersion));
    result.add("kind", text_node(Slo::kKind));
    result.add("metadata", metadata_of(*document.node.find("metadata"), suffix));
    result.add("spec", std::move(spec));
    read_.slos.push_back({document.file, std::move(result)});
  }

  std::vector<OpenSloDocument> documents_;
  const std::function<std::string(const std::string&)>& workload_of_;
  std::map<std::string, std::map<std::string, const OpenSloDocument*>> by_name_;
  OpenSloReading read_;
};

}  // namespace

bool is_openslo(const Node& document) {
  return document.type == Node::Type::kMap &&
         text_of(document, "apiVersion").starts_with("openslo/");
}

bool is_openslo_list(const Node& document) {
  return document.type == Node::Type::kSequence && std::ranges::any_of(document.items, is_openslo);
}

OpenSloReading read_openslo(std::vector<OpenSloDocument> documents,
                            const std::function<std::string(const std::string&)>& workload_of) {
  return Reader(std::move(documents), workload_of).read();
}

}  // namespace wellrun::catalog
