#include "catalog/check.h"

#include <cmath>
#include <set>

#include "catalog/kind_checks.h"
#include "catalog/kinds/rule_group.h"
#include "catalog/registry.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

using Identity = std::pair<std::string, std::string>;  // kind, name

std::string named(const Declared& declared) {
  return declared.resource->kind + " " + quote(declared.resource->name);
}

void problem_at(Checked& checked, const Declared& declared, Position position, std::string message,
                std::string hint = {}) {
  checked.problems.push_back(
      {declared.file(), position.line, position.column, std::move(message), std::move(hint)});
}

/// The declared resources without those declared twice, and those applied before that stay.
std::vector<Declared> effective(Declarations declarations, const CheckOptions& options,
                                Checked& checked) {
  std::vector<Declared> kept;
  std::map<Identity, std::size_t> seen;
  for (Declared& declared : declarations.items) {
    const Identity identity{declared.resource->kind, declared.resource->name};
    const auto [first, is_new] = seen.try_emplace(identity, kept.size());
    if (is_new) {
      kept.push_back(std::move(declared));
      continue;
    }
    const Provenance& before = kept[first->second].resource->provenance;
    problem_at(checked, declared, declared.at("metadata.name"),
               fmt::format("{} is declared twice; first at {}:{}", named(declared), before.file,
                           before.line));
  }
  if (options.current == nullptr || options.prune) return kept;
  for (const Resource* resource : options.current->resources()) {
    if (!seen.contains({resource->kind, resource->name})) kept.push_back(declared_again(*resource));
  }
  return kept;
}

std::vector<std::string> names_of(const Catalog& catalog, std::string_view kind) {
  std::vector<std::string> names;
  for (const Resource* resource : catalog.resources(kind)) names.push_back(resource->name);
  return names;
}

struct Referrer {
  const Declared* declared;
  const ReadReference* reference;
};

void refuse_deletion(Checked& checked, const Identity& deleted,
                     const std::vector<Referrer>& referrers) {
  std::set<std::string> lines;
  for (const Referrer& each : referrers) {
    lines.insert(fmt::format("{} ({}, {}:{})", named(*each.declared), each.reference->field,
                             each.declared->file(), each.reference->position.line));
  }
  const std::vector<std::string> words(lines.begin(), lines.end());
  const Referrer& first = referrers.front();
  problem_at(checked, *first.declared, first.reference->position,
             fmt::format("{} {} cannot be deleted: it is named by {}; change or delete those first",
                         deleted.first, quote(deleted.second), join_words(words)));
}

/// The nearest name for each of the first wrong ones: to look for it is to compare with every name.
class Hints {
 public:
  std::string for_reference(const Catalog& wanted, const ReadReference& reference) {
    if (given_++ >= kMost) return {};
    const auto [known, is_new] = names_.try_emplace(reference.kind);
    if (is_new) known->second = names_of(wanted, reference.kind);
    return nearest(reference.name, known->second).value_or("");
  }

 private:
  static constexpr std::size_t kMost = 50;
  std::size_t given_ = 0;
  std::map<std::string, std::vector<std::string>> names_;
};

void check_references(const std::vector<Declared>& items, const CheckOptions& options,
                      Checked& checked) {
  std::map<Identity, std::vector<Referrer>> to_deleted;
  Hints hints;
  for (const Declared& declared : items) {
    for (const ReadReference& reference : declared.references) {
      if (checked.wanted.resource(reference.kind, reference.name) != nullptr) continue;
      const bool is_deleted = options.current != nullptr &&
                              options.current->resource(reference.kind, reference.name) != nullptr;
      if (is_deleted) {
        to_deleted[{reference.kind, reference.name}].push_back({&declared, &reference});
        continue;
      }
      problem_at(checked, declared, reference.position,
                 fmt::format("field {}: there is no {} {}", quote(reference.field), reference.kind,
                             quote(reference.name)),
                 hints.for_reference(checked.wanted, reference));
    }
  }
  for (const auto& [deleted, referrers] : to_deleted) refuse_deletion(checked, deleted, referrers);
}

void check_queries(const std::vector<Declared>& items, const Languages& languages,
                   Checked& checked) {
  if (!languages.check_query) return;
  for (const Declared& declared : items) {
    for (const ReadQuery& query : declared.queries) {
      // Templates are filled in when a step runs; what is not known yet cannot be parsed.
      if (query.promql.find("{{") != std::string::npos) continue;
      if (const Status status = languages.check_query(query.promql); !status) {
        problem_at(checked, declared, query.position, "PromQL: " + to_string(status.error()));
      }
    }
  }
}

void check_templates(const std::vector<Declared>& items, const Languages& languages,
                     Checked& checked) {
  if (!languages.check_template) return;
  for (const Declared& declared : items) {
    if (declared.resource->kind != RuleGroup::kKind) continue;
    const auto& group = *static_cast<const RuleGroup*>(declared.resource->value.get());
    for (std::size_t i = 0; i < group.rules.size(); ++i) {
      const Rule& rule = group.rules[i];
      for (const auto& [field, texts] :
           {std::pair{"labels", &rule.labels}, std::pair{"annotations", &rule.annotations}}) {
        for (const auto& [name, text] : *texts) {
          const Status status = languages.check_template(text);
          if (status) continue;
          problem_at(checked, declared,
                     declared.at(fmt::format("spec.rules.{}.{}.{}", i, field, name)),
                     fmt::format("{} {} of {}: {}", field, quote(name), quote(rule.alert),
                                 to_string(status.error())));
        }
      }
    }
  }
}

/// Of those that could be read, queries and all.
void check_slos(const std::vector<Declared>& items, const Languages& languages, Checked& checked) {
  if (!languages.check_slo) return;
  std::set<std::string> wrong_files;
  for (const auto& problem : checked.problems) wrong_files.insert(problem.file);
  for (const Declared& declared : items) {
    if (declared.resource->kind != Slo::kKind || wrong_files.contains(declared.file())) continue;
    const auto& slo = *static_cast<const Slo*>(declared.resource->value.get());
    if (const Status status = languages.check_slo(slo); !status)
      problem_at(checked, declared, declared.at("spec.indicator"), to_string(status.error()));
  }
}

}  // namespace

Checked check(Declarations declarations, const CheckOptions& options) {
  Checked checked;
  checked.problems = std::move(declarations.problems);
  const auto declared_count = declarations.items.size();
  const std::vector<Declared> items = effective(std::move(declarations), options, checked);
  for (const Declared& declared : items) checked.wanted.put(declared.resource);
  check_references(items, options, checked);
  check_queries(items, options.languages, checked);
  check_templates(items, options.languages, checked);
  check_slos(items, options.languages, checked);
  check_kinds(items, checked.wanted, checked.problems, checked.notes);
  // Those of the files stand first.
  note_retention(std::span(items).first(std::min(declared_count, items.size())), checked.wanted,
                 options.retention, checked.notes);
  std::ranges::sort(checked.problems);
  const auto repeated = std::ranges::unique(checked.problems);
  checked.problems.erase(repeated.begin(), repeated.end());
  return checked;
}

}  // namespace wellrun::catalog
