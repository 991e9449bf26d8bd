#include "catalog/catalog_domain.h"

#include "catalog/registry.h"
#include "core/assert.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr std::size_t kMostInOneFact = 12 << 10;  // a fact holds 16 KiB; its other fields need room
constexpr std::size_t kMostPart = 6 << 10;        // quoting inside of a JSON text may double it
constexpr std::size_t kMostResource = 256 << 10;
constexpr std::size_t kMostApplies = 1000;

std::string stream_of(const std::string& kind, const std::string& name) {
  return "resource/" + kind + "/" + name;
}

void add_resource(const Resource& resource, const std::string& apply, const ApplyInfo& info,
                  journal::Decision& decision) {
  const std::string stream = stream_of(resource.kind, resource.name);
  facts::ResourceApplied fact{.kind = resource.kind,
                              .name = resource.name,
                              .resource = resource.document,
                              .digest = resource.digest,
                              .apply = apply,
                              .commit = info.commit,
                              .author = info.author,
                              .dirty = info.dirty,
                              .file = resource.provenance.file,
                              .line = resource.provenance.line};
  const std::string text = to_text(resource.document);
  std::string_view rest = text.size() > kMostInOneFact ? text : std::string_view();
  while (!rest.empty()) {
    const auto next = utf8_beginning(rest, kMostPart);
    const facts::ResourcePart part{resource.kind, resource.name, apply, fact.parts++,
                                   std::string(next)};
    decision.facts.push_back(
        {.stream = stream, .type = facts::ResourcePart::kType, .body = to_json(part)});
    rest.remove_prefix(next.size());
  }
  decision.facts.push_back(
      {.stream = stream, .type = facts::ResourceApplied::kType, .body = to_json(fact)});
}

/// Whether an apply from a clean commit says where something came from that nothing vouched for
/// yet.
bool vouches_for(const ApplyInfo& info, const Provenance& kept) {
  const bool clean = !info.commit.empty() && !info.dirty;
  return clean && (kept.commit.empty() || kept.dirty);
}

Error refusal(const std::vector<Problem>& problems) {
  std::string text = fmt::format("applying the catalog: {} problems", problems.size());
  for (const Problem& problem : problems) text += "\n" + to_string(problem);
  return {ErrorCode::kInvalid, std::move(text), {}};
}

/// A resource from its stored document; a document of an older build may have problems, which do
/// not matter any more.
std::shared_ptr<Resource> from_document(const Json& document, Provenance provenance) {
  Reading ignored;
  auto resource = decode_resource(node_from_json(document), ignored);
  if (!resource) return nullptr;
  resource->provenance = std::move(provenance);
  return resource;
}

Json provenance_json(const Provenance& provenance) {
  return {{"apply", provenance.apply},
          {"commit", provenance.commit},
          {"author", provenance.author},
          {"dirty", provenance.dirty},
          {"applied_at", to_unix_ms(provenance.applied_at)},
          {"file", provenance.file},
          {"line", provenance.line}};
}

Provenance provenance_from(const Json& json) {
  return {.apply = text_or(json, "apply"),
          .commit = text_or(json, "commit"),
          .author = text_or(json, "author"),
          .dirty = bool_or(json, "dirty", false),
          .applied_at = from_unix_ms(static_cast<std::int64_t>(number_or(json, "applied_at", 0))),
          .file = text_or(json, "file"),
          .line = static_cast<int>(number_or(json, "line", 0))};
}

}  // namespace

Result<journal::Decision> CatalogDomain::decide_apply(const Checked& checked,
                                                      const ApplyInfo& info) const {
  if (!checked.ok()) return std::unexpected(refusal(checked.problems));
  journal::Decision decision;
  facts::CatalogApplied applied{.apply = fmt::format("apply-{:04}", apply_count_ + 1),
                                .commit = info.commit,
                                .author = info.author,
                                .dirty = info.dirty};
  for (const Resource* wanted : checked.wanted.resources()) {
    const Resource* current = catalog_.resource(wanted->kind, wanted->name);
    const bool same = current != nullptr && current->digest == wanted->digest;
    if (same && !vouches_for(info, current->provenance)) continue;
    if (to_text(wanted->document).size() > kMostResource) {
      return fail(ErrorCode::kTooLarge,
                  fmt::format("{} {} has more than {} bytes; split it", wanted->kind,
                              quote(wanted->name), kMostResource));
    }
    if (!same) ++(current == nullptr ? applied.created : applied.changed);
    add_resource(*wanted, applied.apply, info, decision);
  }
  for (const Resource* current : catalog_.resources()) {
    if (!info.prune || checked.wanted.resource(current->kind, current->name) != nullptr) continue;
    ++applied.deleted;
    const facts::ResourceDeleted deleted{current->kind, current->name, applied.apply};
    decision.facts.push_back({.stream = stream_of(current->kind, current->name),
                              .type = facts::ResourceDeleted::kType,
                              .body = to_json(deleted)});
  }
  decision.facts.push_back(
      {.stream = "catalog", .type = facts::CatalogApplied::kType, .body = to_json(applied)});
  return decision;
}

void CatalogDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::ResourcePart::kType) {
    parts_ += text_or(fact.body, "text");
  } else if (fact.type == facts::ResourceApplied::kType) {
    apply_resource(fact);
  } else if (fact.type == facts::ResourceDeleted::kType) {
    if (const auto deleted = facts::resource_deleted_from_json(fact.body)) {
      catalog_.remove(deleted->kind, deleted->name, fact.time);
    }
  } else if (fact.type == facts::CatalogApplied::kType) {
    ++apply_count_;
    if (auto applied = facts::catalog_applied_from_json(fact.body)) {
      applies_.push_back({std::move(*applied), fact.actor, fact.time, fact.seq});
    }
    if (applies_.size() > kMostApplies) applies_.erase(applies_.begin());
  }
}

void CatalogDomain::apply_resource(const journal::Fact& fact) {
  const std::string parts = std::exchange(parts_, {});
  const auto applied = facts::resource_applied_from_json(fact.body);
  if (!applied) return;
  const Json document = applied->parts > 0 ? Json::parse(parts, nullptr, false) : applied->resource;
  auto resource = from_document(document, {.apply = applied->apply,
                                           .commit = applied->commit,
                                           .author = applied->author,
                                           .dirty = applied->dirty,
                                           .applied_at = fact.time,
                                           .file = applied->file,
                                           .line = applied->line});
  if (resource) catalog_.put(std::move(resource));
}

Json CatalogDomain::snapshot() const {
  Json versions = Json::array();
  for (const auto& [kind, names] : catalog_.history()) {
    for (const auto& [name, history] : names) {
      for (const Catalog::Version& version : history) {
        Json each = {{"kind", kind}, {"name", name}, {"from", to_unix_ms(version.from)}};
        if (version.resource) {
          each["document"] = version.resource->document;
          each["provenance"] = provenance_json(version.resource->provenance);
        }
        versions.push_back(std::move(each));
      }
    }
  }
  Json applies = Json::array();
  for (const AppliedRecord& each : applies_) {
    applies.push_back({{"fact", to_json(each.fact)},
                       {"actor", each.actor},
                       {"time", to_unix_ms(each.time)},
                       {"seq", each.seq}});
  }
  return {{"versions", std::move(versions)},
          {"applies", std::move(applies)},
          {"apply_count", apply_count_}};
}

Status CatalogDomain::restore(const Json& snapshot) {
  const auto corrupt = [] {
    return fail(ErrorCode::kCorrupt, "restoring the catalog's snapshot: its shape is not known");
  };
  if (!snapshot.is_object() || !snapshot.contains("versions") || !snapshot.contains("applies")) {
    return corrupt();
  }
  Catalog catalog;
  for (const Json& each : snapshot["versions"]) {
    const auto from = static_cast<std::int64_t>(number_or(each, "from", 0));
    if (!each.contains("document")) {
      catalog.remove(text_or(each, "kind"), text_or(each, "name"), from_unix_ms(from));
      continue;
    }
    auto resource =
        from_document(each["document"], provenance_from(each.value("provenance", Json())));
    if (!resource) return corrupt();
    catalog.put(std::move(resource));
  }
  std::vector<AppliedRecord> applies;
  for (const Json& each : snapshot["applies"]) {
    TRY(auto fact, facts::catalog_applied_from_json(each.value("fact", Json())));
    applies.push_back({std::move(fact), text_or(each, "actor"),
                       from_unix_ms(static_cast<std::int64_t>(number_or(each, "time", 0))),
                       static_cast<journal::Sequence>(number_or(each, "seq", 0))});
  }
  catalog_ = std::move(catalog);
  applies_ = std::move(applies);
  apply_count_ = static_cast<int>(number_or(snapshot, "apply_count", 0));
  parts_.clear();
  return {};
}

}  // namespace wellrun::catalog
