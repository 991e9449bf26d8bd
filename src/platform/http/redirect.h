#pragma once

// Following an answer that sends its asker elsewhere. By choice of the caller: the client itself
// never lets a peer choose where we call. Source: RFC 9110 section 15.4, RFC 3986 section 5.2.

#include <optional>

#include "platform/http/client.h"
#include "platform/runtime/runtime.h"

namespace wellrun::http {

/// The request (GET, without a body) that `answer` asks to send instead of `asked`; nothing when it
/// is no redirect. `Authorization` and `Cookie` go along only to the same host and port, or to the
/// same host when the redirect is from http to https. kInvalid: `Location` is no http URL.
Result<std::optional<ClientRequest>> redirected(const ClientRequest& asked, const Response& answer);

/// As client.send() with a GET, but follows up to ten redirects, all of them within the request's
/// timeout. kInvalid beyond ten. `client` and `clock` outlive the exchange.
void send_following_redirects(Client& client, const Clock& clock, ClientRequest request,
                              ClientCallback done);

}  // namespace wellrun::http
