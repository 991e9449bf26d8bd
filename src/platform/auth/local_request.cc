#include "platform/auth/local_request.h"

#include <fmt/format.h>

#include "core/text.h"

namespace wellrun {
namespace {

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_this_machine(std::string_view authority) {
  const auto host = without_port(authority);
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "[::1]";
}

bool is_name_only_of_digits(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Status check_is_local(const http::Request& request) {
  const auto host = request.header("Host");
  const bool is_rebound =
      !host.empty() && (!is_this_machine(host) ||
                        (host.starts_with("127.") && !is_name_only_of_digits(without_port(host))));
  if (is_rebound) {
    return fail(ErrorCode::kForbidden,
                fmt::format("this server has no authentication (--no-auth) and answers only to "
                            "names of this machine, not to {}; use http://127.0.0.1:PORT",
                            quote(host.substr(0, 100))));
  }
  const auto origin = request.header("Origin");
  const auto authority = origin.substr(std::min(origin.size(), origin.find("://") + 3));
  const bool is_foreign =
      request.header("Sec-Fetch-Site") == "cross-site" || (!origin.empty() && authority != host);
  const bool changes = request.method != "GET" && request.method != "HEAD";
  if (is_foreign && changes) {
    return fail(ErrorCode::kForbidden,
                fmt::format("a web page of {} tried to change this server, which has no "
                            "authentication (--no-auth)",
                            quote(origin.substr(0, 100))));
  }
  return {};
}

}  // namespace wellrun
