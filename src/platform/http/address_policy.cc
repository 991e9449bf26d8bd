#include "platform/http/address_policy.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <string>

namespace wellrun::http {
namespace {

using Bytes = std::array<unsigned char, 16>;

struct Range {
  const char* first;
  int prefix_bits;
};

constexpr std::array kLinkLocal = {Range{"169.254.0.0", 16}, Range{"fe80::", 10}};

constexpr std::array kNotPublic = {
    Range{"0.0.0.0", 8},      Range{"10.0.0.0", 8},      Range{"100.64.0.0", 10},
    Range{"127.0.0.0", 8},    Range{"169.254.0.0", 16},  Range{"172.16.0.0", 12},
    Range{"192.0.0.0", 24},   Range{"192.0.2.0", 24},    Range{"192.168.0.0", 16},
    Range{"198.18.0.0", 15},  Range{"198.51.100.0", 24}, Range{"203.0.113.0", 24},
    Range{"224.0.0.0", 4},    Range{"240.0.0.0", 4},     Range{"::", 127},
    Range{"fc00::", 7},       Range{"fe80::", 10},       Range{"fec0::", 10},
    Range{"ff00::", 8},       Range{"2001:db8::", 32},   Range{"100::", 64},
    Range{"64:ff9b:1::", 48},
};

/// IPv4 as its mapped IPv6 form.
std::optional<Bytes> bytes_of(const std::string& address) {
  Bytes bytes{};
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  bytes[10] = bytes[11] = 0xFF;
  if (::inet_pton(AF_INET, address.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool starts_like(const Bytes& address, const Bytes& range, int prefix_bits) {
  for (int bit = 0; bit < prefix_bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    if (((address[at] ^ range[at]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

bool is_in(const Bytes& address, const Range& range) {
  const bool is_v4 = std::strchr(range.first, ':') == nullptr;
  return starts_like(address, *bytes_of(range.first), range.prefix_bits + (is_v4 ? 96 : 0));
}

/// The IPv4 address that 6to4 or NAT64 lead to, as its mapped form; otherwise the address itself.
Bytes unwrapped(const Bytes& address) {
  Bytes inner{};
  inner[10] = inner[11] = 0xFF;
  if (is_in(address, {"64:ff9b::", 96})) {
    std::copy(address.begin() + 12, address.end(), inner.begin() + 12);
    return inner;
  }
  if (is_in(address, {"2002::", 16})) {
    std::copy(address.begin() + 2, address.begin() + 6, inner.begin() + 12);
    return inner;
  }
  return address;
}

}  // namespace

bool address_allowed(std::string_view address, AddressPolicy policy) {
  const auto zone = address.find('%');
  const auto bytes = bytes_of(std::string(address.substr(0, zone)));
  if (!bytes) return false;
  const auto inner = unwrapped(*bytes);
  const auto holds = [&](const Range& range) { return is_in(inner, range); };
  return policy == AddressPolicy::kPublicOnly ? std::ranges::none_of(kNotPublic, holds)
                                              : std::ranges::none_of(kLinkLocal, holds);
}

}  // namespace wellrun::http
