#pragma once

// Making transports from sockets. Apart from transport.h, as this needs the heavy headers of Asio.

#include <boost/asio/ip/tcp.hpp>

#include "platform/http/transport.h"

namespace wellrun {
class SystemRuntime;
}

namespace wellrun::http {

/// The accepting side of plain TCP, on the runtime's poller: a request is read, worked on and
/// answered by one thread. Takes the connected socket `descriptor`; `runtime` outlives the
/// transport.
std::unique_ptr<Transport> polled_transport(int descriptor, SystemRuntime& runtime);

/// On Asio's threads.
std::unique_ptr<Transport> tcp_transport(boost::asio::ip::tcp::socket socket);

/// The accepting side. `context` outlives the transport.
std::unique_ptr<Transport> tls_server_transport(boost::asio::ip::tcp::socket socket,
                                                std::shared_ptr<boost::asio::ssl::context> context);

/// The calling side: names `host` (SNI) and, when `verify`, accepts only a certificate for it.
std::unique_ptr<Transport> tls_client_transport(boost::asio::ip::tcp::socket socket,
                                                std::shared_ptr<boost::asio::ssl::context> context,
                                                const std::string& host, bool verify);

/// TLS 1.2 or newer. kInvalid when a file cannot be read or the key does not belong to the
/// certificate.
Result<std::shared_ptr<boost::asio::ssl::context>> server_tls_context(
    const std::string& certificate_file, const std::string& key_file);

/// `ca_file` empty: the system's trust. `certificate_file`, `key_file`: who calls; empty: nobody
/// says.
Result<std::shared_ptr<boost::asio::ssl::context>> client_tls_context(
    const std::string& ca_file, const std::string& certificate_file = {},
    const std::string& key_file = {});

}  // namespace wellrun::http
