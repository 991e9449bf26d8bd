#pragma once

// OpenSLO documents (apiVersion openslo/v1, https://openslo.com) as they are. Pure.
//
// In an operations repository each objective of an SLO becomes an Slo; objectives with indicators
// of their own, a composite, become one together. Its name is the document's in small letters, with
// the objective's number behind it ("main-page-2") where there are several; the name as written
// stays in the annotation kOpenSloAnnotation. References to SLI, AlertPolicy, AlertCondition and
// DataSource are followed, across files. What Wellrun cannot keep (another data source than
// Prometheus) is refused by name. docs/slo.md says how each part is read.

#include <functional>
#include <string>
#include <vector>

#include "catalog/node.h"
#include "catalog/problem.h"

namespace wellrun::catalog {

inline constexpr const char* kOpenSloAnnotation = "openslo.com/name";

struct OpenSloDocument {
  std::string file;
  Node node;
};

/// True for a document that is to be read as OpenSLO's, of any version.
bool is_openslo(const Node& document);
/// True for a list with such documents in it, which OpenSLO's tools read like one after the other.
bool is_openslo_list(const Node& document);

struct OpenSloReading {
  std::vector<OpenSloDocument> slos;  ///< as documents of kind Slo, positions those of the SLO
  std::vector<Problem> problems;
};

/// `documents`: of all files together. `workload_of`: the workload that a service is, or is part
/// of; it gives the service's own name where it knows none.
OpenSloReading read_openslo(std::vector<OpenSloDocument> documents,
                            const std::function<std::string(const std::string&)>& workload_of);

}  // namespace wellrun::catalog
