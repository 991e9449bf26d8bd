#include "server/openapi_api.h"

#include <string_view>

// Taken in by the assembler, as the page's files are (cmake/embed_web.py); the build says where the
// file is.
asm(".section .rodata\n.balign 16\n.globl wellrun_openapi\nwellrun_openapi:\n"
    ".incbin \"" WELLRUN_OPENAPI_FILE
    "\"\n.globl wellrun_openapi_end\nwellrun_openapi_end:\n"
    ".byte 0\n.previous\n");
extern "C" const char wellrun_openapi[];
extern "C" const char wellrun_openapi_end[];

namespace wellrun::server {

std::vector<http::Route> openapi_routes() {
  http::Route route;
  route.method = "GET";
  route.pattern = "/api/v1/openapi.yaml";
  route.role = http::Role::kPublic;
  route.operation_id = "getOpenapi";
  route.handler = [](const http::Request&, http::Reply reply) {
    reply(http::text_response(std::string(wellrun_openapi, wellrun_openapi_end), 200,
                              "application/yaml; charset=utf-8"));
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::server
