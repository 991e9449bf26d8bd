#include "facts/catalog.h"

namespace wellrun::facts {
namespace {

int integer_or(const Json& json, std::string_view key, int fallback) {
  return static_cast<int>(number_or(json, key, fallback));
}

Status require_text(const Json& body, const char* type, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (text_or(body, key).empty()) {
      return fail(ErrorCode::kCorrupt,
                  std::string("reading a ") + type + ": it has no \"" + key + "\"");
    }
  }
  return {};
}

}  // namespace

Json to_json(const CatalogApplied& fact) {
  return {{"apply", fact.apply},    {"commit", fact.commit},   {"author", fact.author},
          {"dirty", fact.dirty},    {"created", fact.created}, {"changed", fact.changed},
          {"deleted", fact.deleted}};
}

Json to_json(const ResourcePart& fact) {
  return {{"kind", fact.kind},
          {"name", fact.name},
          {"apply", fact.apply},
          {"part", fact.part},
          {"text", fact.text}};
}

Json to_json(const ResourceApplied& fact) {
  Json body = {{"kind", fact.kind},   {"name", fact.name},     {"digest", fact.digest},
               {"apply", fact.apply}, {"commit", fact.commit}, {"author", fact.author},
               {"dirty", fact.dirty}, {"file", fact.file},     {"line", fact.line}};
  if (fact.parts > 0) {
    body["parts"] = fact.parts;
  } else {
    body["resource"] = fact.resource;
  }
  return body;
}

Json to_json(const ResourceDeleted& fact) {
  return {{"kind", fact.kind}, {"name", fact.name}, {"apply", fact.apply}};
}

Result<CatalogApplied> catalog_applied_from_json(const Json& body) {
  TRY_STATUS(require_text(body, CatalogApplied::kType, {"apply"}));
  return CatalogApplied{.apply = text_or(body, "apply"),
                        .commit = text_or(body, "commit"),
                        .author = text_or(body, "author"),
                        .dirty = bool_or(body, "dirty", false),
                        .created = integer_or(body, "created", 0),
                        .changed = integer_or(body, "changed", 0),
                        .deleted = integer_or(body, "deleted", 0)};
}

Result<ResourcePart> resource_part_from_json(const Json& body) {
  TRY_STATUS(require_text(body, ResourcePart::kType, {"kind", "name"}));
  return ResourcePart{.kind = text_or(body, "kind"),
                      .name = text_or(body, "name"),
                      .apply = text_or(body, "apply"),
                      .part = integer_or(body, "part", 0),
                      .text = text_or(body, "text")};
}

Result<ResourceApplied> resource_applied_from_json(const Json& body) {
  TRY_STATUS(require_text(body, ResourceApplied::kType, {"kind", "name"}));
  ResourceApplied fact{.kind = text_or(body, "kind"),
                       .name = text_or(body, "name"),
                       .resource = nullptr,
                       .parts = integer_or(body, "parts", 0),
                       .digest = text_or(body, "digest"),
                       .apply = text_or(body, "apply"),
                       .commit = text_or(body, "commit"),
                       .author = text_or(body, "author"),
                       .dirty = bool_or(body, "dirty", false),
                       .file = text_or(body, "file"),
                       .line = integer_or(body, "line", 0)};
  if (const auto resource = body.find("resource"); resource != body.end()) {
    fact.resource = *resource;
  }
  if (!fact.resource.is_object() && fact.parts == 0) {
    return fail(ErrorCode::kCorrupt, "reading a resource.applied of " + fact.kind + " " +
                                         fact.name + ": it has neither a document nor parts");
  }
  return fact;
}

Result<ResourceDeleted> resource_deleted_from_json(const Json& body) {
  TRY_STATUS(require_text(body, ResourceDeleted::kType, {"kind", "name"}));
  return ResourceDeleted{.kind = text_or(body, "kind"),
                         .name = text_or(body, "name"),
                         .apply = text_or(body, "apply")};
}

}  // namespace wellrun::facts
