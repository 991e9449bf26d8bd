#pragma once

// Which resolved addresses an outgoing call may reach. Pure.

#include <string_view>

#include "platform/http/client.h"

namespace wellrun::http {

/// `address`: an IPv4 or IPv6 literal. IPv4 hidden in IPv6 (mapped, 6to4, NAT64) is judged as what
/// it hides. Anything that is not an address is not allowed. Source: IANA special-purpose address
/// registries (RFC 6890).
bool address_allowed(std::string_view address, AddressPolicy policy);

}  // namespace wellrun::http
