#pragma once

// A response as bytes: status line, headers of ours and of the handler, compression. Pure. Internal
// to http/.

#include <string>

#include "platform/http/message.h"

namespace wellrun::http {

struct WriteOptions {
  bool head_only = false;    ///< the request was HEAD
  bool keep_alive = true;    ///< the connection stays
  bool is_http_1_0 = false;  ///< the request's version: there, that has to be said
  bool may_gzip = false;     ///< the peer takes it
  bool is_stream = false;    ///< no length; the end of the connection ends it
  bool is_public = false;    ///< caches may keep it; otherwise no-store unless the handler says so
  Timestamp now{};
};

struct Written {
  std::string head;
  std::string body;
};

/// Header names and values lose line breaks; Content-Length, Connection, Date and Transfer-Encoding
/// are ours alone.
Written write_response(Response response, const WriteOptions& options);

/// "Tue, 24 Nov 2026 11:58:53 GMT" (RFC 9110 section 5.6.7).
std::string http_date(Timestamp time);

/// One server-sent event; a line break in `data` becomes another data line, in the others a space.
std::string event_text(std::string_view event, std::string_view data, std::string_view id);

/// A problem document for what only HTTP knows: 405, 408, 415, 417, 431.
Response http_problem(int status, std::string_view title, std::string detail);

}  // namespace wellrun::http
