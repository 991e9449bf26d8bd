#include "server/web_pages.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace wellrun::server {
namespace {

// Files of our own and nothing else: no inline script, no inline style, no frame, no other host.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

constexpr std::array<std::string_view, 5> kNoPagesBelow = {"/api/", "/-/", "/assets/", "/ack/",
                                                           "/v1/"};

const WebAsset* find_asset(std::span<const WebAsset> assets, std::string_view path) {
  const auto found = std::ranges::lower_bound(assets, path, {}, &WebAsset::path);
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

bool is_page_address(const http::Request& request) {
  const auto below = [&](std::string_view prefix) { return request.path.starts_with(prefix); };
  if (std::ranges::any_of(kNoPagesBelow, below)) return false;
  return request.path == "/" ||
         request.header("Accept").find("text/html") != std::string_view::npos;
}

/// Whether `list`, a comma-separated header, has `wanted`, not refused by "q=0".
bool lists(std::string_view list, std::string_view wanted) {
  for (const auto part : split(list, ',')) {
    const auto item = trimmed(part);
    const auto name = trimmed(item.substr(0, item.find(';')));
    if (name == wanted)
      return item.find("q=0") == std::string_view::npos ||
             item.find("q=0.") != std::string_view::npos;
  }
  return false;
}

http::Response serve(const http::Request& request, const WebAsset& asset) {
  const bool hashed = asset.path.starts_with("/assets/");
  http::Response response;
  response.headers = {
      {"Content-Type", std::string(asset.content_type)},
      {"ETag", std::string(asset.etag)},
      {"Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
      {"Vary", "Accept-Encoding"},
  };
  if (lists(request.header("If-None-Match"), asset.etag)) {
    response.status = 304;
    return response;
  }
  if (!asset.gzip.empty() && lists(request.header("Accept-Encoding"), "gzip")) {
    response.headers.push_back({"Content-Encoding", "gzip"});
    response.body = asset.gzip;
  } else {
    response.body = asset.bytes;
  }
  return response;
}

http::Response answer(const http::Request& request, std::span<const WebAsset> assets) {
  if (const auto* asset = find_asset(assets, request.path)) return serve(request, *asset);
  if (is_page_address(request)) {
    if (const auto* page = find_asset(assets, "/index.html")) return serve(request, *page);
    return http::problem_response({ErrorCode::kNotFound,
                                   "this server was built without its web page (WELLRUN_WEB=OFF); "
                                   "use the command line or the API, or build with the page",
                                   request.path});
  }
  return http::problem_response(
      {ErrorCode::kNotFound, "nothing is served at this address; api/openapi.yaml lists what is",
       request.path});
}

}  // namespace

std::vector<http::Route> web_page_routes(std::span<const WebAsset> assets) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/{path*}";
  route.role = http::Role::kPublic;
  route.handler = [assets](const http::Request& request, http::Reply reply) {
    reply(answer(request, assets));
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::server
