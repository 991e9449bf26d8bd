// Targets by DNS: addresses of names, and SRV records. Blocks, with the resolver's own deadlines.

#include <algorithm>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include "core/text.h"
#include "telemetry/scrape/discovery.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr int kAnswerBytes = 64 << 10;

/// Empty for a name that there is not, or that has none of the family: the name server says so.
/// What it does not say is a failure.
Result<std::vector<std::string>> addresses(const std::string& name, int family, int port) {
  ::addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  ::addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (problem == EAI_NONAME || problem == EAI_NODATA) return {};
  if (problem != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("looking up {} failed: {}", name, ::gai_strerror(problem)));
  std::vector<std::string> out;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    const void* address =
        family == AF_INET ? static_cast<const void*>(
                                &reinterpret_cast<const ::sockaddr_in*>(one->ai_addr)->sin_addr)
                          : static_cast<const void*>(
                                &reinterpret_cast<const ::sockaddr_in6*>(one->ai_addr)->sin6_addr);
    ::inet_ntop(family, address, text, sizeof text);
    out.push_back(family == AF_INET ? fmt::format("{}:{}", text, port)
                                    : fmt::format("[{}]:{}", text, port));
  }
  ::freeaddrinfo(found);
  return out;
}

/// Empty as of addresses().
Result<std::vector<std::string>> services(const std::string& name) {
  std::vector<unsigned char> answer(kAnswerBytes);
  const int size = ::res_query(name.c_str(), ns_c_in, ns_t_srv, answer.data(), kAnswerBytes);
  if (size < 0 && (h_errno == HOST_NOT_FOUND || h_errno == NO_DATA)) return {};
  ::ns_msg message;
  if (size < 0 || ::ns_initparse(answer.data(), size, &message) != 0)
    return fail(ErrorCode::kUnavailable, fmt::format("looking up the services {} failed", name));
  std::vector<std::string> out;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ::ns_rr record;
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != ns_t_srv ||
        ns_rr_rdlen(record) < 7)
      continue;
    const auto* data = ns_rr_rdata(record);
    char host[NS_MAXDNAME] = "";
    if (::dn_expand(answer.data(), answer.data() + size, data + 6, host, sizeof host) < 0) continue;
    out.push_back(fmt::format("{}:{}", host, data[4] << 8 | data[5]));
  }
  return out;
}

Result<std::vector<TargetGroup>> groups_of(const DnsSource& source, const std::string& name) {
  TargetGroup group;
  if (source.type == "SRV") {
    TRY(group.targets, services(name));
  } else {
    TRY(group.targets, addresses(name, source.type == "AAAA" ? AF_INET6 : AF_INET, source.port));
  }
  std::ranges::sort(group.targets);
  group.labels.set("__meta_dns_name", name);
  std::vector<TargetGroup> groups;
  groups.push_back(std::move(group));
  return groups;
}

}  // namespace

FoundParts look_up_targets(const DnsSource& source) {
  FoundParts parts;
  for (const auto& name : source.names) parts.emplace(name, groups_of(source, name));
  return parts;
}

}  // namespace wellrun::telemetry::scrape
