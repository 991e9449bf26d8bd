#include "catalog/rule_file.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "catalog/shape.h"
#include "catalog/yaml.h"
#include "core/bytes.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr std::size_t kMostRules = 20'000;

/// The fields that Prometheus knows; what only Wellrun has stays out of its files.
struct WrittenRule {
  std::string alert, record, expr;
  Duration for_{0}, keep_firing_for{0};
  TextMap labels, annotations;

  template <typename Shape>
  static void describe(Shape& s) {
    s.field("alert", &WrittenRule::alert, "");
    s.field("record", &WrittenRule::record, "");
    s.field("expr", &WrittenRule::expr, "").required();
    s.field("for", &WrittenRule::for_, "");
    s.field("keep_firing_for", &WrittenRule::keep_firing_for, "");
    s.field("labels", &WrittenRule::labels, "").format("utf8-label-map");
    s.field("annotations", &WrittenRule::annotations, "").format("utf8-label-map");
  }
};

struct WrittenGroup {
  std::string name;
  Duration interval{0}, query_offset{0};
  int limit = 0;
  TextMap labels;
  std::vector<WrittenRule> rules;

  template <typename Shape>
  static void describe(Shape& s) {
    s.field("name", &WrittenGroup::name, "").required();
    s.field("interval", &WrittenGroup::interval, "");
    s.field("query_offset", &WrittenGroup::query_offset, "");
    s.field("limit", &WrittenGroup::limit, "").range(0, 1e9);
    s.field("labels", &WrittenGroup::labels, "").format("utf8-label-map");
    s.field("rules", &WrittenGroup::rules, "").count(0, kMostRules);
  }
};

struct WrittenFile {
  std::vector<WrittenGroup> groups;

  template <typename Shape>
  static void describe(Shape& s) {
    s.field("groups", &WrittenFile::groups, "").count(0, kMostRules);
  }
};

/// YAML's `<<`: the keys of another map, where this one has not got them.
void merge_maps(Node& node) {
  for (Node& item : node.items) merge_maps(item);
  if (node.type != Node::Type::kMap) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i].text != "<<") continue;
    const Node merged = std::move(node.items[i]);
    node.keys.erase(node.keys.begin() + static_cast<std::ptrdiff_t>(i));
    node.items.erase(node.items.begin() + static_cast<std::ptrdiff_t>(i));
    const auto add = [&](const Node& from) {
      for (std::size_t k = 0; from.type == Node::Type::kMap && k < from.keys.size(); ++k) {
        if (node.find(from.keys[k].text) == nullptr) node.add(from.keys[k].text, from.items[k]);
      }
    };
    add(merged);
    if (merged.type == Node::Type::kSequence) std::ranges::for_each(merged.items, add);
    return;
  }
}

class Checker {
 public:
  explicit Checker(RuleFile& file) : file_(file) {}

  void check(const WrittenFile& written) {
    std::set<std::string> names;
    for (std::size_t g = 0; g < written.groups.size(); ++g) {
      const auto& group = written.groups[g];
      const auto path = fmt::format("groups.{}", g);
      if (!group.name.empty() && !names.insert(group.name).second)
        problem(path + ".name",
                fmt::format("group {} stands twice in the file", quote(group.name)));
      labels(path + ".labels", group.labels);
      for (std::size_t r = 0; r < group.rules.size(); ++r)
        rule(group.rules[r], fmt::format("{}.rules.{}", path, r));
    }
  }

 private:
  void problem(const std::string& path, std::string message) {
    const auto at = file_.at(path);
    file_.problems.push_back({file_.file, at.line, at.column, std::move(message), {}});
  }

  void labels(const std::string& path, const TextMap& labels) {
    for (const auto& [name, value] : labels) {
      if (name == "__name__") problem(path, "a rule cannot set the label __name__");
    }
  }

  void rule(const WrittenRule& rule, const std::string& path) {
    if (rule.alert.empty() == rule.record.empty()) {
      problem(path, "a rule has exactly one of alert and record");
      return;
    }
    labels(path + ".labels", rule.labels);
    if (rule.record.empty()) return;
    const auto refuse = [&](const char* field, bool is_set) {
      if (is_set)
        problem(path + "." + field,
                fmt::format("recording rule {} cannot have {}", quote(rule.record), field));
    };
    refuse("annotations", !rule.annotations.empty());
    refuse("for", rule.for_ > Duration::zero());
    refuse("keep_firing_for", rule.keep_firing_for > Duration::zero());
    const bool is_name =
        is_valid_utf8(rule.record) && rule.record.find_first_of(" {}\"\n") == std::string::npos;
    if (!is_name)
      problem(path + ".record", fmt::format("{} is no metric name", quote(rule.record)));
  }

  RuleFile& file_;
};

RuleFileGroup group_of(const WrittenGroup& written) {
  RuleFileGroup group{written.name,  written.interval, written.query_offset,
                      written.limit, written.labels,   {}};
  for (const auto& each : written.rules) {
    Rule rule;
    rule.alert = each.alert;
    rule.record = each.record;
    rule.expr = each.expr;
    rule.for_ = each.for_;
    rule.keep_firing_for = each.keep_firing_for;
    rule.labels = each.labels;
    rule.labels.insert(written.labels.begin(), written.labels.end());
    rule.annotations = each.annotations;
    group.rules.push_back(std::move(rule));
  }
  return group;
}

std::string short_hash(std::string_view text) {
  return fmt::format("{:08x}", stable_hash(text) >> 32);
}

/// Small letters, digits, '-', '_', '.'; anything else becomes '-', and none stand at the ends.
std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto small = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool fits = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ||
                      small == '_' || small == '.';
    if (fits || (!out.empty() && out.back() != '-')) out += fits ? small : '-';
  }
  const auto is_edge = [](char c) { return c == '-' || c == '_' || c == '.'; };
  while (!out.empty() && is_edge(out.back())) out.pop_back();
  while (!out.empty() && is_edge(out.front())) out.erase(0, 1);
  return out;
}

/// What a file, a folder or a group is called within a resource's name.
std::string name_part(const std::string& text, std::string_view nothing_left) {
  auto part = slug(text);
  if (part.empty()) part = nothing_left;
  return part;
}

/// Names of RuleGroups for groups of several files: nobody's depends on the order of writing.
class GroupNames {
 public:
  void add(const RuleFile& file, const std::string& group) {
    claims_.push_back({.path = file.file, .group = group});
  }

  /// In the order of add().
  std::vector<std::string> resolve() {
    while (set_apart()) {
    }
    std::vector<std::string> names;
    names.reserve(claims_.size());
    for (const auto& claim : claims_) names.push_back(claim.name());
    return names;
  }

 private:
  struct Claim {
    std::filesystem::path path;
    std::string group;
    bool with_folder = false;
    enum class Hash { kNone, kOfFileName, kOfPath } hash = Hash::kNone;

    std::string folder() const {
      std::string folder;
      for (const auto& part : path.parent_path()) {
        const auto name = name_part(part.string(), "");
        if (!name.empty()) folder += name + ".";
      }
      return folder;
    }

    std::string name() const {
      constexpr std::size_t kLongest = 100;
      const auto whole = (with_folder ? folder() : "") + name_part(path.stem().string(), "rules") +
                         "." + name_part(group, "group");
      if (hash == Hash::kNone) return slug(whole.substr(0, kLongest));
      const auto& file = hash == Hash::kOfFileName ? path.filename() : path;
      const auto tail = "-" + short_hash(file.string() + "\n" + group);
      return slug(whole.substr(0, kLongest - tail.size())) + tail;
    }

    bool is_as_written() const { return slug(group) == group; }

    /// Who of those that claim one name keeps it comes first.
    bool operator<(const Claim& other) const {
      const auto rank = [](const Claim& claim) {
        return std::tuple(claim.hash, claim.with_folder, claim.path.generic_string(),
                          !claim.is_as_written(), claim.group);
      };
      return rank(*this) < rank(other);
    }

    /// False: there is nothing more to tell it by; the group stands twice in one file.
    bool set_apart_from(const Claim& other) {
      if (path == other.path && group == other.group) return false;
      const bool is_elsewhere = path.parent_path() != other.path.parent_path();
      if (is_elsewhere && !with_folder && !folder().empty()) {
        with_folder = true;
        return true;
      }
      if (hash == Hash::kOfPath) return false;
      hash = hash == Hash::kNone ? Hash::kOfFileName : Hash::kOfPath;
      return true;
    }
  };

  bool set_apart() {
    std::map<std::string, std::vector<Claim*>> by_name;
    for (auto& claim : claims_) by_name[claim.name()].push_back(&claim);
    bool any = false;
    for (auto& [name, claims] : by_name) {
      if (claims.size() == 1) continue;
      auto* const keeper =
          *std::ranges::min_element(claims, [](auto* a, auto* b) { return *a < *b; });
      for (auto* claim : claims) {
        if (claim != keeper && claim->set_apart_from(*keeper)) any = true;
      }
      // Within a file nobody keeps a name only for being the first.
      const auto rival = std::ranges::find_if(claims, [&](const Claim* claim) {
        return claim->path == keeper->path && claim->group != keeper->group;
      });
      if (rival != claims.end() && !keeper->is_as_written() && keeper->set_apart_from(**rival))
        any = true;
    }
    return any;
  }

  std::vector<Claim> claims_;
};

/// The rule as it is written, with the labels of its group that it does not set itself.
Node rule_document(const Node& written, const Node* group_labels) {
  Node rule = written;
  if (group_labels == nullptr || group_labels->keys.empty()) return rule;
  Node labels = map_node();
  const Node* own = written.find("labels");
  if (own != nullptr && own->type == Node::Type::kMap) labels = *own;
  for (std::size_t i = 0; i < group_labels->keys.size(); ++i) {
    if (labels.find(group_labels->keys[i].text) == nullptr)
      labels.add(group_labels->keys[i].text, group_labels->items[i]);
  }
  for (std::size_t i = 0; i < rule.keys.size(); ++i) {
    if (rule.keys[i].text != "labels") continue;
    rule.items[i] = std::move(labels);
    return rule;
  }
  rule.add("labels", std::move(labels));
  return rule;
}

Node group_document(const Node& written, const RuleFileGroup& group, std::string resource_name) {
  Node annotations = map_node();
  annotations.add(kGroupNameAnnotation, text_node(group.name));
  Node name = text_node(std::move(resource_name));
  name.position = written.find("name")->position;
  Node metadata = map_node();
  metadata.add("name", std::move(name));
  metadata.add("annotations", std::move(annotations));

  Node spec = map_node();
  spec.position = written.position;
  spec.add("interval",
           text_node(format_duration(group.interval > Duration::zero() ? group.interval
                                                                       : kPrometheusInterval)));
  spec.add("query_offset", text_node(format_duration(group.query_offset)));
  spec.add("limit", number_node(group.limit));
  Node rules = sequence_node();
  const Node* written_rules = written.find("rules");
  rules.position = written_rules->position;
  for (const Node& rule : written_rules->items)
    rules.items.push_back(rule_document(rule, written.find("labels")));
  spec.add("rules", std::move(rules));

  Node document = map_node();
  document.position = written.position;
  document.add("apiVersion", text_node(kApiVersion));
  document.add("kind", text_node(RuleGroup::kKind));
  document.add("metadata", std::move(metadata));
  document.add("spec", std::move(spec));
  return document;
}

}  // namespace

Position RuleFile::at(std::string_view path) const {
  return nearest_at(document, path)->position;
}

bool is_rule_file(const Node& document) {
  return document.type == Node::Type::kMap && document.find("groups") != nullptr &&
         document.find("apiVersion") == nullptr && document.find("kind") == nullptr;
}

bool is_rule_test(const Node& document) {
  return document.type == Node::Type::kMap && document.find("rule_files") != nullptr &&
         document.find("tests") != nullptr && document.find("kind") == nullptr;
}

RuleFile read_rule_file(std::string file, Node document) {
  merge_maps(document);
  RuleFile read{
      .file = std::move(file), .document = std::move(document), .groups = {}, .problems = {}};
  static const Shape& shape = shape_of<WrittenFile>("a rule file");
  Reading reading;
  reading.file = read.file;
  WrittenFile written;
  decode_object(shape, &written, read.document, reading);
  read.problems = std::move(reading.problems);
  Checker(read).check(written);
  for (const auto& group : written.groups) read.groups.push_back(group_of(group));
  return read;
}

RuleFile read_rule_file(std::string file, std::string_view text) {
  YamlDocuments documents = read_yaml(text);
  std::vector<Problem> problems;
  problems.reserve(documents.errors.size());
  for (YamlError& error : documents.errors)
    problems.push_back(
        {file, error.position.line, error.position.column, std::move(error.message), {}});
  if (documents.documents.size() > 1) {
    const auto second = documents.documents[1].position;
    problems.push_back({file,
                        second.line,
                        second.column,
                        "a rule file has one document; only the first is read by Prometheus",
                        {}});
  }
  Node document = documents.documents.empty() ? map_node() : std::move(documents.documents.front());
  auto read = read_rule_file(std::move(file), std::move(document));
  read.problems.insert(read.problems.begin(), problems.begin(), problems.end());
  return read;
}

std::vector<RuleGroupDocument> rule_group_documents(std::span<const RuleFile> files) {
  const auto for_each_group = [&](const auto& use) {
    for (const RuleFile& file : files) {
      const Node* groups = file.document.find("groups");
      for (std::size_t i = 0; i < file.groups.size(); ++i) {
        const Node* rules = groups->items[i].find("rules");
        if (rules != nullptr && !rules->items.empty()) use(file, groups->items[i], file.groups[i]);
      }
    }
  };
  GroupNames claimed;
  for_each_group([&](const RuleFile& file, const Node&, const RuleFileGroup& group) {
    claimed.add(file, group.name);
  });
  auto names = claimed.resolve();
  std::vector<RuleGroupDocument> documents;
  for_each_group([&](const RuleFile& file, const Node& written, const RuleFileGroup& group) {
    auto& name = names[documents.size()];
    documents.push_back({file.file, group_document(written, group, std::move(name))});
  });
  return documents;
}

}  // namespace wellrun::catalog
