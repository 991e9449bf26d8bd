#include "catalog/load.h"

#include <filesystem>
#include <fstream>

#include "catalog/kinds/component.h"
#include "catalog/kinds/workload.h"
#include "catalog/openslo.h"
#include "catalog/registry.h"
#include "catalog/rule_file.h"
#include "catalog/yaml.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 2000;
constexpr std::size_t kMostBytes = 64 << 20;

void load_resource(const std::string& file, Node document, Declarations& into) {
  Reading reading;
  reading.file = file;
  auto resource = decode_resource(document, reading);
  into.problems.insert(into.problems.end(), reading.problems.begin(), reading.problems.end());
  if (!resource) return;
  resource->provenance.file = file;
  resource->provenance.line = document.position.line;
  into.items.push_back({std::move(resource), std::move(document), std::move(reading.references),
                        std::move(reading.queries)});
}

/// What can be read only with its like of all other files: OpenSLO's documents refer to each other,
/// and groups of rule files are named so that none is called as another.
struct PutAside {
  std::vector<OpenSloDocument> openslo;
  std::vector<RuleFile> rule_files;
};

void load_document(const std::string& file, Node document, Declarations& into, PutAside& aside) {
  if (is_rule_test(document)) return;
  if (is_openslo(document)) {
    aside.openslo.push_back({file, std::move(document)});
    return;
  }
  if (is_openslo_list(document)) {
    for (Node& item : document.items) load_document(file, std::move(item), into, aside);
    return;
  }
  if (!is_rule_file(document)) return load_resource(file, std::move(document), into);
  auto rules = read_rule_file(file, std::move(document));
  into.problems.insert(into.problems.end(), rules.problems.begin(), rules.problems.end());
  if (rules.problems.empty()) aside.rule_files.push_back(std::move(rules));
}

/// A Prometheus rule file stands for its groups.
void load_rule_files(const std::vector<RuleFile>& files, Declarations& into) {
  for (auto& group : rule_group_documents(files))
    load_resource(group.file, std::move(group.node), into);
}

/// The workload that a service is, or is a component of, among what was loaded.
std::string workload_of(const Declarations& loaded, const std::string& service) {
  std::string found = service;
  for (const Declared& declared : loaded.items) {
    const Resource& resource = *declared.resource;
    if (resource.name != service) continue;
    if (resource.kind == Workload::kKind) return service;
    if (resource.kind == Component::kKind)
      found = static_cast<const Component*>(resource.value.get())->workload.name;
  }
  return found;
}

void load_openslo(std::vector<OpenSloDocument> documents, Declarations& into) {
  auto read = read_openslo(std::move(documents),
                           [&](const std::string& service) { return workload_of(into, service); });
  into.problems.insert(into.problems.end(), read.problems.begin(), read.problems.end());
  for (auto& slo : read.slos) load_resource(slo.file, std::move(slo.node), into);
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

bool is_yaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

Result<std::string> read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) return fail(ErrorCode::kIo, "reading the file failed; is it readable?", path);
  return text;
}

}  // namespace

Position Declared::at(std::string_view path) const {
  const Node* node = nearest_at(this->node, path);
  return node->position.line > 0 ? node->position : Position{resource->provenance.line, 1};
}

Declarations load(const Files& files) {
  Declarations declarations;
  PutAside aside;
  for (const auto& [file, text] : files) {
    YamlDocuments read = read_yaml(text);
    for (YamlError& error : read.errors) {
      declarations.problems.push_back(
          {file, error.position.line, error.position.column, std::move(error.message), {}});
    }
    for (Node& document : read.documents) {
      load_document(file, std::move(document), declarations, aside);
    }
  }
  load_rule_files(aside.rule_files, declarations);
  load_openslo(std::move(aside.openslo), declarations);
  return declarations;
}

Declared declared_again(const Resource& resource) {
  Reading reading;
  reading.file = resource.provenance.file;
  Declared again;
  again.node = node_from_json(resource.document);
  again.resource = std::make_shared<Resource>(resource);
  decode_resource(again.node, reading);
  again.references = std::move(reading.references);
  again.queries = std::move(reading.queries);
  return again;
}

Result<Files> read_directory(const std::string& directory) {
  std::error_code error;
  fs::recursive_directory_iterator walk(directory, error);
  if (error == std::errc::not_a_directory)
    return fail(ErrorCode::kNotFound,
                "the operations repository is a directory, and this is a file: name the directory "
                "that it stands in",
                directory);
  if (error)
    return fail(ErrorCode::kNotFound, "reading the operations repository: " + error.message(),
                directory);
  Files files;
  std::size_t bytes = 0;
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (error) return fail(ErrorCode::kIo, "reading the directory: " + error.message(), directory);
    const fs::path& path = walk->path();
    if (is_hidden(path)) {
      walk.disable_recursion_pending();
      continue;
    }
    if (!walk->is_regular_file(error) || !is_yaml(path)) continue;
    const std::uintmax_t size = walk->file_size(error);
    if (!error) bytes += static_cast<std::size_t>(size);
    if (files.size() >= kMostFiles || bytes > kMostBytes) {
      return fail(ErrorCode::kTooLarge,
                  fmt::format("more than {} YAML files or {} bytes below the directory", kMostFiles,
                              kMostBytes),
                  directory);
    }
    TRY(std::string text, read_file(path));
    files[path.lexically_relative(directory).generic_string()] = std::move(text);
  }
  return files;
}

}  // namespace wellrun::catalog
