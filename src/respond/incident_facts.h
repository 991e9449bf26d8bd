#pragma once

// Facts of an incident's stream: all belong to the incident's story.

#include "facts/respond.h"
#include "journal/fact.h"

namespace wellrun::respond {

template <typename Payload>
journal::NewFact incident_fact(const std::string& incident, const Payload& payload) {
  journal::NewFact fact;
  fact.stream = "incident/" + incident;
  fact.type = Payload::kType;
  fact.body = payload;
  fact.correlation = incident;
  return fact;
}

}  // namespace wellrun::respond
