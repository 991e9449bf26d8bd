#include "catalog/catalog_api.h"

#include "catalog/plan.h"
#include "catalog/registry.h"
#include "catalog/schema.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t kMostBody = 16 << 20;

Json resource_json(const Resource& resource) {
  const Json& metadata = resource.document.at("metadata");
  return {{"kind", resource.kind},
          {"name", resource.name},
          {"labels", metadata.value("labels", Json::object())},
          {"spec", resource.spec()},
          {"commit", resource.provenance.commit},
          {"author", resource.provenance.author},
          {"applied_at", format_rfc3339(resource.provenance.applied_at)},
          {"file", resource.provenance.file},
          {"line", resource.provenance.line}};
}

Json problems_json(const std::vector<Problem>& problems) {
  Json array = Json::array();
  for (const Problem& problem : problems) array.push_back(to_json(problem));
  return array;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.push_back(kind.name);
  return names;
}

std::unexpected<Error> no_such_kind(const std::string& kind) {
  return fail(ErrorCode::kNotFound,
              "there is no kind " + quote(kind) + did_you_mean(kind, kind_names()));
}

Response respond(const Result<Json>& result) {
  return result ? http::json_response(*result) : http::problem_response(result.error());
}

bool has_label(const Resource& resource, std::string_view wanted) {
  const std::size_t equals = wanted.find('=');
  const Json labels = resource.document.at("metadata").value("labels", Json::object());
  return equals != std::string_view::npos &&
         labels.contains(std::string(wanted.substr(0, equals))) &&
         text_or(labels, wanted.substr(0, equals)) == wanted.substr(equals + 1);
}

Result<Json> list_resources(const Catalog& catalog, const Request& request) {
  const std::string kind = request.parameter("kind").value_or("");
  const std::string label = request.parameter("label").value_or("");
  if (!kind.empty() && kind_named(kind) == nullptr) return no_such_kind(kind);
  Json items = Json::array();
  for (const Resource* resource : catalog.resources(kind)) {
    if (label.empty() || has_label(*resource, label)) items.push_back(resource_json(*resource));
  }
  return Json{{"items", std::move(items)}};
}

Result<const Resource*> resource_named(const Catalog& catalog, const std::string& kind,
                                       const std::string& name) {
  if (kind_named(kind) == nullptr) return no_such_kind(kind);
  if (const Resource* resource = catalog.resource(kind, name)) return resource;
  std::vector<std::string> names;
  for (const Resource* each : catalog.resources(kind)) names.push_back(each->name);
  return fail(ErrorCode::kNotFound,
              "there is no " + kind + " " + quote(name) + did_you_mean(name, names));
}

Result<Json> get_resource(const Catalog& catalog, const Request& request) {
  const std::string& kind = request.path_parameter("kind");
  const std::string& name = request.path_parameter("name");
  std::optional<Catalog> past;
  if (const auto at = request.parameter("at")) {
    TRY(const Timestamp time, parse_rfc3339(*at));
    past = catalog.at(time);
  }
  TRY(const Resource* resource, resource_named(past ? *past : catalog, kind, name));
  return resource_json(*resource);
}

/// All of it, or the resource of `kind` and `name`.
Result<std::string> export_catalog(const Catalog& catalog, const Request& request) {
  const auto kind = request.parameter("kind"), name = request.parameter("name");
  if (!kind && !name) return export_yaml(catalog);
  if (!kind || !name) return fail(ErrorCode::kInvalid, "kind and name go together");
  TRY(const Resource* resource, resource_named(catalog, *kind, *name));
  return export_yaml(*resource);
}

Result<Json> list_kinds(const Catalog& catalog) {
  Json items = Json::array();
  for (const Kind& kind : kinds()) {
    items.push_back({{"kind", kind.name},
                     {"description", kind.shape->documentation},
                     {"resources", catalog.resources(kind.name).size()}});
  }
  return Json{{"items", std::move(items)}};
}

Result<Json> list_history(const CatalogDomain& domain) {
  Json items = Json::array();
  for (auto each = domain.applies().rbegin(); each != domain.applies().rend(); ++each) {
    Json item = to_json(each->fact);
    item["time"] = format_rfc3339(each->time);
    item["actor"] = each->actor;
    item["seq"] = each->seq;
    items.push_back(std::move(item));
  }
  return Json{{"items", std::move(items)}};
}

Response schema_response(const Request& request) {
  const std::string& name = request.path_parameter("kind");
  const Kind* kind = kind_named(name);
  if (kind == nullptr) return http::problem_response(no_such_kind(name).error());
  return http::text_response(to_text(json_schema(*kind)), 200, "application/schema+json");
}

struct ApplyRequest {
  Files files;
  ApplyInfo info;
};

/// {documents} or {files}, and who applies.
Result<ApplyRequest> read_request(const Request& request) {
  TRY(const Json body, parse_json(request.body));
  ApplyRequest read;
  if (body.is_object() && body.contains("files") && body["files"].is_object()) {
    for (const auto& [file, text] : body["files"].items()) {
      if (!text.is_string()) {
        return fail(ErrorCode::kInvalid, "files." + quote(file) + " must be the text of a file");
      }
      read.files[file] = text.get<std::string>();
    }
  } else if (body.is_object() && body.contains("documents") && body["documents"].is_string()) {
    read.files["documents"] = body["documents"].get<std::string>();
  } else {
    return fail(ErrorCode::kInvalid,
                "the body must be {\"files\": {path: text}} or {\"documents\": text}");
  }
  const bool asked = request.parameter("prune").value_or("false") == "true";
  read.info = {.commit = text_or(body, "commit"),
               .author = text_or(body, "author"),
               .dirty = bool_or(body, "dirty", false),
               .prune = bool_or(body, "prune", asked)};
  return read;
}

/// What is declared, beside the catalog as it was at `now`.
struct Question {
  Declarations declarations;
  ApplyInfo info;
  Catalog current;
  Timestamp now;

  Checked checked(const CatalogApi& api) {
    return check(std::move(declarations), {.languages = api.languages,
                                           .current = &current,
                                           .prune = info.prune,
                                           .retention = api.retention});
  }
};

/// Reads the body and its YAML on the I/O thread and answers on a worker, from a copy of the
/// catalog: a question may be as large as it likes, the strand does not wait for it.
http::Handler ask_of_copy(CatalogApi api,
                          std::function<Response(const CatalogApi&, Question)> answer) {
  return [api, answer = std::move(answer)](const Request& request, http::Reply reply) {
    auto read = read_request(request);
    if (!read) return reply(http::problem_response(read.error()));
    api.strand.post([api, answer, info = std::move(read->info), declarations = load(read->files),
                     reply = std::move(reply)]() mutable {
      Question question{std::move(declarations), std::move(info), api.domain.catalog(),
                        api.ledger.now()};
      api.workers.run(
          [api, answer = std::move(answer), question = std::move(question),
           reply = std::move(reply)]() mutable { reply(answer(api, std::move(question))); });
    });
  };
}

Response check_catalog(const CatalogApi& api, Question question) {
  const std::size_t count = question.declarations.items.size();
  const Checked checked = question.checked(api);
  return http::json_response({{"problems", problems_json(checked.problems)},
                              {"notes", problems_json(checked.notes)},
                              {"resources", count}});
}

Response plan_catalog(const CatalogApi& api, Question question) {
  const Checked checked = question.checked(api);
  Json answer = to_json(plan(question.current, checked.wanted, question.now));
  answer["problems"] = problems_json(checked.problems);
  answer["notes"] = problems_json(checked.notes);
  return http::json_response(answer);
}

Response refused(const Error& error, const std::vector<Problem>& problems) {
  Response response = http::problem_response(error);
  if (auto body = parse_json(response.body); body && body->is_object() && !problems.empty()) {
    (*body)["problems"] = problems_json(problems);
    response.body = to_text(*body);
  }
  return response;
}

Response applied_response(const std::vector<journal::Fact>& facts,
                          const std::vector<Problem>& notes) {
  for (const journal::Fact& fact : facts) {
    if (fact.type != facts::CatalogApplied::kType) continue;
    Json answer = fact.body;
    answer["notes"] = problems_json(notes);
    return http::json_response(answer);
  }
  return http::problem_response({ErrorCode::kInternal, "the apply left no catalog.applied", {}});
}

/// Reads the body and its YAML on the I/O thread; what it is checked against must be what it is
/// applied to.
void apply_catalog(const CatalogApi& api, const Request& request, http::Reply reply) {
  auto read = read_request(request);
  if (!read) return reply(http::problem_response(read.error()));
  // decide() is copied by the ledger, and its problems are wanted by the answer: both hold them.
  const auto wanted = std::make_shared<const Declarations>(load(read->files));
  const auto problems = std::make_shared<std::vector<Problem>>();
  const auto notes = std::make_shared<std::vector<Problem>>();
  journal::Ledger::Decide decide = [api, wanted, problems, notes,
                                    info = read->info](Timestamp) -> Result<journal::Decision> {
    const Checked checked = check(*wanted, {.languages = api.languages,
                                            .current = &api.domain.catalog(),
                                            .prune = info.prune,
                                            .retention = api.retention});
    *problems = checked.problems;
    *notes = checked.notes;
    return api.domain.decide_apply(checked, info);
  };
  journal::Ledger::Done done = [problems, notes, reply = std::move(reply)](
                                   Result<std::vector<journal::Fact>> facts) mutable {
    reply(facts ? applied_response(*facts, *notes) : refused(facts.error(), *problems));
  };
  api.ledger.command({.actor = request.principal.actor}, std::move(decide), std::move(done));
}

}  // namespace

std::vector<http::Route> catalog_routes(const CatalogApi& api) {
  const auto on_strand = [&](std::function<Response(const Request&)> answer) {
    return http::on_strand(api.strand, std::move(answer));
  };
  const CatalogDomain& domain = api.domain;
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, std::string pattern, http::Role role,
                       std::string operation, http::Handler handler) {
    routes.push_back({.method = std::move(method),
                      .pattern = std::move(pattern),
                      .role = role,
                      .operation_id = std::move(operation),
                      .handler = std::move(handler),
                      .max_body_bytes = kMostBody});
  };
  using http::Role;
  add("GET", "/api/v1/resources", Role::kViewer, "listResources",
      on_strand([&](const Request& r) { return respond(list_resources(domain.catalog(), r)); }));
  add("GET", "/api/v1/resources/{kind}/{name}", Role::kViewer, "getResource",
      on_strand([&](const Request& r) { return respond(get_resource(domain.catalog(), r)); }));
  add("POST", "/api/v1/catalog/check", Role::kViewer, "checkCatalog",
      ask_of_copy(api, check_catalog));
  add("POST", "/api/v1/catalog/plan", Role::kViewer, "planCatalog", ask_of_copy(api, plan_catalog));
  add("POST", "/api/v1/catalog/apply", Role::kOperator, "applyCatalog",
      [api](const Request& request, http::Reply reply) {
        apply_catalog(api, request, std::move(reply));
      });
  add("GET", "/api/v1/catalog/export", Role::kViewer, "exportCatalog",
      on_strand([&](const Request& r) {
        const auto yaml = export_catalog(domain.catalog(), r);
        return yaml ? http::text_response(*yaml, 200, "application/yaml")
                    : http::problem_response(yaml.error());
      }));
  add("GET", "/api/v1/catalog/kinds", Role::kViewer, "listKinds",
      on_strand([&](const Request&) { return respond(list_kinds(domain.catalog())); }));
  add("GET", "/api/v1/catalog/schema/{kind}", Role::kViewer, "getKindSchema",
      on_strand([](const Request& r) { return schema_response(r); }));
  add("GET", "/api/v1/catalog/history", Role::kViewer, "listCatalogHistory",
      on_strand([&](const Request&) { return respond(list_history(domain)); }));
  return routes;
}

}  // namespace wellrun::catalog
