#pragma once

// The web page as it stands in the binary: every file that Vite made, also compressed. Generated at
// build time by cmake/embed_web.py; empty when built with WELLRUN_WEB=OFF. Immutable, so
// thread-safe; lives as long as the program.

#include <span>
#include <string_view>

namespace wellrun::server {

struct WebAsset {
  std::string_view path;          ///< as asked for: "/index.html", "/assets/index-Dl_fZmlL.js"
  std::string_view content_type;  ///< "text/javascript; charset=utf-8"
  std::string_view etag;          ///< quoted, of the content
  std::string_view gzip;          ///< compressed; empty where that saves nothing (fonts, images)
  std::string_view bytes;
};

/// Sorted by path.
std::span<const WebAsset> web_assets();

}  // namespace wellrun::server
