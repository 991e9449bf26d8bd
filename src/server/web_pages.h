#pragma once

// Serves the web page out of the binary: the page for every address that a person may open (its
// router does the rest), files with hashed names for a year, the page itself revalidated each time.
// Public: the page loads before anybody logs in, and holds nothing that needs a role.

#include <span>
#include <vector>

#include "platform/http/router.h"
#include "server/web_assets.h"

namespace wellrun::server {

/// One catch-all route; every other route is closer and comes first. `assets` outlive it, sorted by
/// path. Paths below /api/, /-/ and /assets/ that nobody serves are 404 with a problem document, as
/// is anything when `assets` is empty.
std::vector<http::Route> web_page_routes(std::span<const WebAsset> assets = web_assets());

}  // namespace wellrun::server
