#pragma once

// Files of operations as code to declared resources, each with where it was written. Pure but for
// read_directory().

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/node.h"
#include "catalog/problem.h"
#include "catalog/shape.h"

namespace wellrun::catalog {

using Files = std::map<std::string, std::string>;  ///< path, as shown in messages -> text

/// One resource as it was written.
struct Declared {
  std::shared_ptr<Resource> resource;  ///< provenance has file and line only
  Node node;                           ///< the document, for positions
  std::vector<ReadReference> references;
  std::vector<ReadQuery> queries;

  const std::string& file() const { return resource->provenance.file; }
  /// Where "spec.rules.0.expr" stands, or the nearest of its parents that does.
  Position at(std::string_view path) const;
};

struct Declarations {
  std::vector<Declared> items;  ///< names may be declared twice; in order of files and documents,
                                ///< but groups of rule files come behind, and OpenSLO's SLOs last
  std::vector<Problem> problems;
};

/// Everything readable in `files`, and everything wrong with each resource alone.
Declarations load(const Files& files);

/// An applied resource as if read again, at the file and line where it was written.
Declared declared_again(const Resource& resource);

/// Every *.yaml and *.yml below `directory`, paths relative to it, hidden files and folders left
/// out. kNotFound, kIo, kTooLarge (2,000 files or 64 MiB).
Result<Files> read_directory(const std::string& directory);

}  // namespace wellrun::catalog
