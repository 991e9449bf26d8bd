#pragma once

// The real http::Client. One connection an exchange; redirects are not followed (a peer must not
// choose where we call); compressed answers are asked for and unpacked within the response limit.

#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/http/client.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::http {

/// The addresses of a host; blocks. The error says why there are none.
using LookUp = std::function<Result<std::vector<boost::asio::ip::address>>(const std::string&)>;

/// `runtime` outlives the client and every exchange under way. Names are looked up on threads of
/// this client alone (by `look_up`, or the system): where those that one client asks for do not
/// answer, another client's do.
std::unique_ptr<Client> make_client(SystemRuntime& runtime, LookUp look_up = nullptr);

}  // namespace wellrun::http
