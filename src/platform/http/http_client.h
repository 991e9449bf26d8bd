#pragma once

// The real http::Client. One connection an exchange; redirects are not followed (a peer must not
// choose where we call); compressed answers are asked for and unpacked within the response limit.

#include <memory>

#include "platform/http/client.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::http {

/// `runtime` outlives the client and every exchange under way.
std::unique_ptr<Client> make_client(SystemRuntime& runtime);

}  // namespace wellrun::http
