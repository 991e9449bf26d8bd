#include "platform/http/response_writer.h"

#include <array>

#include "core/text.h"
#include "platform/http/compression.h"

namespace wellrun::http {
namespace {

constexpr std::size_t kSmallestWorthCompressing = 1024;
constexpr std::size_t kLikelyHeadBytes = 512;

// Styles may be inline because the page's component library writes them; scripts never.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

bool is_text(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.find("json") != std::string_view::npos ||
         content_type.find("javascript") != std::string_view::npos ||
         content_type.find("xml") != std::string_view::npos ||
         content_type.find("yaml") != std::string_view::npos;
}

bool is_document(std::string_view content_type) {
  return content_type.starts_with("text/html") || content_type.starts_with("image/svg");
}

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOurs = {"content-length", "connection", "date",
                                                     "transfer-encoding", "server"};
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::any_of(
      kOurs, [&](std::string_view ours) { return std::ranges::equal(name, ours, {}, lower); });
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return line;
}

void append_one_line(std::string& out, std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) {
    out += text;
  } else {
    out += one_line(text);
  }
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  append_one_line(head, name);
  head += ": ";
  append_one_line(head, value);
  head += "\r\n";
}

void add_missing(Headers& headers, std::string_view name, std::string_view value) {
  if (find_header(headers, name).empty()) {
    headers.push_back({std::string(name), std::string(value)});
  }
}

void compress(Response& response) {
  const auto type = find_header(response.headers, "Content-Type");
  if (!is_text(type) || response.body.size() <= kSmallestWorthCompressing) return;
  if (!find_header(response.headers, "Content-Encoding").empty()) return;
  response.body = gzip(response.body);
  response.headers.push_back({"Content-Encoding", "gzip"});
  response.headers.push_back({"Vary", "Accept-Encoding"});
}

/// What only a page can do, frames and links, is not said of data: a client of the query API spends
/// more on each header than on a small answer.
void add_security_headers(Headers& headers) {
  add_missing(headers, "X-Content-Type-Options", "nosniff");
  if (!is_document(find_header(headers, "Content-Type"))) return;
  add_missing(headers, "Referrer-Policy", "same-origin");
  add_missing(headers, "X-Frame-Options", "DENY");
  add_missing(headers, "Content-Security-Policy", kContentSecurityPolicy);
}

/// That a connection stays is what HTTP/1.1 means by saying nothing.
std::string_view connection_line(const WriteOptions& options) {
  if (!options.keep_alive) return "Connection: close\r\n";
  return options.is_http_1_0 ? "Connection: keep-alive\r\n" : "";
}

}  // namespace

std::string http_date(Timestamp time) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()], unsigned(date.day()),
                     kMonths[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string event_text(std::string_view event, std::string_view data, std::string_view id) {
  std::string text;
  if (!event.empty()) text += fmt::format("event: {}\n", one_line(event));
  if (!id.empty()) text += fmt::format("id: {}\n", one_line(id));
  for (auto line : split(data, '\n')) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    text += fmt::format("data: {}\n", one_line(line));
  }
  return text + '\n';
}

Response http_problem(int status, std::string_view title, std::string detail) {
  const Json problem = {
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", std::move(detail)}};
  return text_response(to_text(problem), status, "application/problem+json");
}

Written write_response(Response response, const WriteOptions& options) {
  if (options.may_gzip && !options.is_stream) compress(response);
  add_security_headers(response.headers);
  if (!options.is_public) add_missing(response.headers, "Cache-Control", "no-store");
  Written written;
  written.head.reserve(kLikelyHeadBytes);
  fmt::format_to(std::back_inserter(written.head), "HTTP/1.1 {} {}\r\nDate: {}\r\n",
                 response.status, reason_of(response.status), http_date(options.now));
  for (const auto& header : response.headers) {
    if (is_ours(header.name)) continue;
    append_header(written.head, header.name, header.value);
  }
  const bool has_no_body = response.status == 204 || response.status == 304;
  if (!options.is_stream && !has_no_body) {
    append_header(written.head, "Content-Length", std::to_string(response.body.size()));
  }
  written.head += connection_line(options);
  written.head += "\r\n";
  if (!options.head_only && !has_no_body) written.body = std::move(response.body);
  return written;
}

}  // namespace wellrun::http
