#pragma once

// Prometheus rule files as they are: a document with `groups`, without apiVersion and kind. Pure.
//
// In an operations repository each group becomes a RuleGroup. Its name is that of the file and of
// the group in small letters, "node.cpu" for group "CPU" of rules/node.yml, because Prometheus
// wants a group's name to be unique within its file only; where that leaves two alike, they are
// told apart by folder and hash. The name as written stays in the annotation kGroupNameAnnotation.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/kinds/rule_group.h"
#include "catalog/node.h"
#include "catalog/problem.h"

namespace wellrun::catalog {

inline constexpr const char* kGroupNameAnnotation = "prometheus.io/group";
/// Prometheus' global evaluation interval where nothing else is said.
inline constexpr Duration kPrometheusInterval{60'000};

struct RuleFileGroup {
  std::string name;
  Duration interval{0};  ///< 0: not said
  Duration query_offset{0};
  int limit = 0;
  TextMap labels;           ///< of each of its rules that does not set them itself
  std::vector<Rule> rules;  ///< with the labels of the group
};

struct RuleFile {
  std::string file;
  Node document;
  std::vector<RuleFileGroup> groups;
  std::vector<Problem> problems;

  /// Where "groups.0.rules.1.expr" stands, or the nearest of its parents that does.
  Position at(std::string_view path) const;
};

/// True for a document that is to be read as a rule file.
bool is_rule_file(const Node& document);
/// True for promtool's unit tests of rules, which may stand beside them and declare nothing.
bool is_rule_test(const Node& document);

/// What is wrong is gathered, all of it: shape, names, what Prometheus would refuse. PromQL and
/// templates are not looked at here.
RuleFile read_rule_file(std::string file, Node document);
RuleFile read_rule_file(std::string file, std::string_view text);

struct RuleGroupDocument {
  std::string file;
  Node node;
};

/// One RuleGroup document for each group that has rules, its positions those of the file, in the
/// order of `files`: all of a repository together, because groups that would be called alike are
/// told apart (docs/rules.md says how). Only a group that stands twice in one file keeps one name.
std::vector<RuleGroupDocument> rule_group_documents(std::span<const RuleFile> files);

}  // namespace wellrun::catalog
