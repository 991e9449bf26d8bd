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

/// Without groups where addresses() is empty.
Result<std::vector<TargetGroup>> services(const std::string& name) {
  std::vector<unsigned char> answer(kAnswerBytes);
  const int size = ::res_query(name.c_str(), ns_c_in, ns_t_srv, answer.data(), kAnswerBytes);
  if (size < 0 && (h_errno == HOST_NOT_FOUND || h_errno == NO_DATA)) return {};
  if (size < 0)
    return fail(ErrorCode::kUnavailable, fmt::format("looking up the services {} failed", name));
  return read_services(name, std::span(answer).first(static_cast<std::size_t>(size)));
}

Result<std::vector<TargetGroup>> groups_of(const DnsSource& source, const std::string& name) {
  if (source.type == "SRV") return services(name);
  TargetGroup group;
  TRY(group.targets, addresses(name, source.type == "AAAA" ? AF_INET6 : AF_INET, source.port));
  std::ranges::sort(group.targets);
  group.labels.set("__meta_dns_name", name);
  std::vector<TargetGroup> groups;
  groups.push_back(std::move(group));
  return groups;
}

}  // namespace

Result<std::vector<TargetGroup>> read_services(const std::string& name,
                                               std::span<const unsigned char> answer) {
  ::ns_msg message;
  if (::ns_initparse(answer.data(), static_cast<int>(answer.size()), &message) != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("the answer about the services {} cannot be read", name));
  std::vector<TargetGroup> groups;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ::ns_rr record;
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != ns_t_srv ||
        ns_rr_rdlen(record) < 7)
      continue;
    const auto* data = ns_rr_rdata(record);
    char host[NS_MAXDNAME] = "";
    if (::dn_expand(answer.data(), answer.data() + answer.size(), data + 6, host, sizeof host) < 0)
      continue;
    const int port = data[4] << 8 | data[5];
    TargetGroup group{.targets = {fmt::format("{}:{}", host, port)}, .labels = {}};
    group.labels.set("__meta_dns_name", name);
    group.labels.set("__meta_dns_srv_record_target", fmt::format("{}.", host));
    group.labels.set("__meta_dns_srv_record_port", std::to_string(port));
    groups.push_back(std::move(group));
  }
  std::ranges::sort(groups, {}, &TargetGroup::targets);
  return groups;
}

FoundParts look_up_targets(const DnsSource& source) {
  FoundParts parts;
  for (const auto& name : source.names) parts.emplace(name, groups_of(source, name));
  return parts;
}

}  // namespace wellrun::telemetry::scrape
