#pragma once

// The catalog's Retention resources, given to the store; and GET /api/v1/retention, which tells
// what a series falls under.

#include <vector>

#include "catalog/catalog.h"
#include "platform/http/router.h"
#include "telemetry/in_turn.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// What they say, in order of their names.
std::vector<telemetry::RetentionRule> retention_rules(const catalog::Catalog& catalog);

/// On the strand, at the start and after each apply: a matter of microseconds.
void apply_retention(const catalog::Catalog& catalog, telemetry::EmbeddedStore& store);

/// ?match= (default: every series): how long which are kept, how finely, and which rules say so.
std::vector<http::Route> retention_routes(const telemetry::EmbeddedStore& store,
                                          telemetry::RunningQueries& running);

}  // namespace wellrun::server
