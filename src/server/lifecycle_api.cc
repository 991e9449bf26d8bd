#include "server/lifecycle_api.h"

namespace wellrun::server {

std::vector<http::Route> lifecycle_routes(Strand& strand, const Options& options,
                                          Lifecycle lifecycle) {
  std::vector<http::Route> routes;
  const auto add = [&](const char* pattern, const char* operation, std::string answer,
                       std::function<void()> act) {
    const auto handler = http::on_strand(
        strand, [&options, answer = std::move(answer), act = std::move(act)](const http::Request&) {
          if (!options.lifecycle)
            return http::text_response(
                "Lifecycle API is not enabled: start the server with --enable-lifecycle\n", 403);
          act();
          return http::text_response(answer);
        });
    for (const auto* method : {"POST", "PUT"})
      routes.push_back({.method = method,
                        .pattern = pattern,
                        .role = http::Role::kAdmin,
                        .operation_id = method == std::string_view("POST") ? operation : "",
                        .handler = handler});
  };
  add("/-/reload", "reload", "", std::move(lifecycle.reload));
  add("/-/quit", "quit", "Requesting termination... Goodbye!\n", std::move(lifecycle.quit));
  return routes;
}

}  // namespace wellrun::server
