#include "platform/http/connection.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <mutex>

#include "core/text.h"
#include "platform/http/compression.h"
#include "platform/http/media_type.h"
#include "platform/http/response_writer.h"
#include "platform/http/target.h"

namespace wellrun::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using SteadyClock = asio::steady_timer::clock_type;
using Parser = beast_http::request_parser<beast_http::string_body>;

constexpr Duration kLingerTimeout{2'000};
/// Then a pause, until kLingerTimeout: who sends and sends comes to a halt, and sees the answer.
constexpr std::size_t kDiscardedAtOnce = 1 << 20;
constexpr Duration kBetweenDiscards{50};
constexpr std::size_t kFirstBodyBytes = 1 << 20;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kHeartbeat = ": still here\n\n";

enum class Phase { kIdle, kHeader, kBody, kAnswering, kWriting, kStreaming, kLingering, kClosed };

/// Events on their way from a publisher (any thread) to the connection's strand.
struct EventQueue {
  std::mutex mutex;
  std::deque<std::string> events;
  bool closed = false;
};

/// What is still to be known of a request once the handler has it.
struct Exchange {
  std::string method;
  std::string path;
  std::string actor;
  const Route* route = nullptr;
  Headers more_headers;  ///< of the answer
  std::size_t request_bytes = 0;
  std::chrono::nanoseconds started{0};
  bool keep_alive = false;
  bool is_http_1_0 = false;
  bool may_gzip = false;
};

bool contains_word(std::string_view list, std::string_view word) {
  for (const auto item : split(list, ',')) {
    const auto name = trimmed(item.substr(0, item.find(';')));
    if (name == word)
      return item.find("q=0") == std::string_view::npos ||
             item.find("q=0.") != std::string_view::npos;
  }
  return false;
}

class HttpConnection final : public Connection,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<ServerContext> context, std::unique_ptr<Transport> transport,
                 std::string remote)
      : context_(std::move(context)),
        transport_(std::move(transport)),
        remote_(std::move(remote)),
        timer_(transport_->executor()),
        heartbeat_(transport_->executor()) {}

  void start() override {
    on_strand([](HttpConnection& self) {
      self.set_deadline(self.options().header_timeout);
      self.transport_->handshake([self = self.shared_from_this()](error_code error, std::size_t) {
        if (error) return self->close();
        self->next_request(self->options().header_timeout);
      });
    });
  }

  void refuse() override {
    on_strand([](HttpConnection& self) {
      self.reject(problem_response({ErrorCode::kUnavailable, "too many connections", {}}));
    });
  }

  void drain() override {
    on_strand([](HttpConnection& self) {
      if (self.phase_ == Phase::kIdle || self.phase_ == Phase::kStreaming) self.close();
    });
  }

  void abort() override {
    on_strand([](HttpConnection& self) { self.close(); });
  }

  /// Thread-safe. Never writes before it returns: the caller may hold a lock.
  void answer(Response response) {
    auto work = [self = shared_from_this(), response = std::move(response)]() mutable {
      if (self->phase_ == Phase::kAnswering) self->respond(std::move(response));
    };
    if (is_about_to_return())
      asio::defer(transport_->executor(), std::move(work));
    else
      asio::post(transport_->executor(), std::move(work));
  }

  /// Thread-safe.
  void pump_events() {
    on_strand([](HttpConnection& self) { self.write_events(); });
  }

 private:
  const ServerOptions& options() const { return context_->options; }

  template <typename Action>
  void on_strand(Action action) {
    asio::post(transport_->executor(), [self = shared_from_this(), action] { action(*self); });
  }

  /// The timer is touched only when it would fire too late: a request has several deadlines, and
  /// hardly ever is one reached.
  void set_deadline(Duration wait) {
    deadline_ = SteadyClock::now() + wait;
    if (wakes_by_ && *wakes_by_ <= *deadline_) return;
    wake_at_deadline();
  }

  void clear_deadline() { deadline_.reset(); }

  void wake_at_deadline() {
    wakes_by_ = deadline_;
    timer_.expires_at(*deadline_);  // cancels the wait before
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->check_deadline();
    });
  }

  void check_deadline() {
    // It was set anew after it had fired and before this ran.
    if (wakes_by_ && *wakes_by_ > SteadyClock::now()) return;
    wakes_by_.reset();
    if (phase_ == Phase::kClosed || !deadline_) return;
    if (*deadline_ <= SteadyClock::now()) return close();
    wake_at_deadline();
  }

  void next_request(Duration wait) {
    if ((context_->stopping || has_ended_) && input_.empty()) return close();
    phase_ = Phase::kIdle;
    exchange_ = {};
    request_ = {};
    body_bytes_ = 0;
    abandoned_.reset();
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options().max_header_bytes));
    parser_->body_limit(boost::none);
    set_deadline(wait);
    if (input_.empty()) return read_more();
    begin_header();
    on_strand([](HttpConnection& self) {  // not from here: that would be deeper with each pipelined
      if (self.phase_ == Phase::kHeader) self.parse();
    });
  }

  void begin_header() {
    phase_ = Phase::kHeader;
    set_deadline(options().header_timeout);
    exchange_.started = context_->runtime.clock.steady();
  }

  /// One read at a time: the one that watches for the peer's end, while a request is answered,
  /// brings the next request, too.
  void read_more() {
    if (is_reading_) return;
    is_reading_ = true;
    transport_->read_some(asio::buffer(piece_),
                          [self = shared_from_this()](error_code error, std::size_t size) {
                            self->is_reading_ = false;
                            self->take_piece(error, size);
                          });
  }

  void take_piece(error_code error, std::size_t size) {
    if (phase_ == Phase::kClosed) return;
    if (phase_ == Phase::kLingering) return error ? close() : discard(size);
    if (error && abandoned_) {
      // Perhaps the peer has only finished sending: the answer, if there will be one, is sent.
      // Reading on would wait for ever: Asio reports an end once.
      has_ended_ = true;
      *abandoned_ = true;
      return;
    }
    if (error) return close();
    input_.append(piece_.data(), size);
    if (phase_ == Phase::kIdle) begin_header();
    parse();
  }

  void parse() {
    while (phase_ == Phase::kHeader || phase_ == Phase::kBody) {
      error_code error;
      const auto used = parser_->put(asio::buffer(input_), error);
      input_.erase(0, used);
      exchange_.request_bytes += used;
      if (error && error != beast_http::error::need_more) return reject_malformed(error);
      if (phase_ == Phase::kHeader && parser_->is_header_done()) {
        if (!take_header()) return;
        continue;
      }
      if (parser_->get().body().size() > max_body_bytes()) return reject_too_large();
      if (phase_ == Phase::kBody && parser_->is_done()) return take_body();
      if (input_.size() > options().max_header_bytes) {
        return reject_malformed(beast_http::error::header_limit);
      }
      if (error == beast_http::error::need_more || input_.empty()) return read_more();
    }
  }

  std::size_t max_body_bytes() const {
    return exchange_.route == nullptr ? 0 : exchange_.route->max_body_bytes;
  }

  /// False when the request was answered already, or the rest of it comes later by itself.
  bool take_header() {
    copy_header();
    if (auto refusal = check_header()) {
      reject(std::move(*refusal));
      return false;
    }
    phase_ = Phase::kBody;
    parser_->eager(true);
    parser_->body_limit(max_body_bytes());
    if (parser_->is_done()) {
      take_body();
      return false;
    }
    set_deadline(options().body_timeout);
    if (request_.header("Expect").empty() || !input_.empty()) return go_on_with_body();
    send(std::string(kContinue), {}, [](HttpConnection& self) {
      self.set_deadline(self.options().body_timeout);
      if (self.go_on_with_body()) self.read_more();
    });
    return false;
  }

  /// True when the parser reads the body (chunked). One of stated length is read to where it stays,
  /// past the parser: it may be large, and each copy of it costs.
  bool go_on_with_body() {
    const auto length = parser_->content_length();
    if (!length) return true;
    body_bytes_ = static_cast<std::size_t>(*length);
    auto& body = request_.body;
    const auto here = std::min(input_.size(), body_bytes_);
    body.assign(input_, 0, here);
    input_.erase(0, here);
    exchange_.request_bytes += here;
    read_body(here);
    return false;
  }

  /// `have` bytes of the body are in place. Room grows with what has come, not with what was
  /// promised.
  void read_body(std::size_t have) {
    auto& body = request_.body;
    if (have == body_bytes_) {
      body.resize(have);
      return take_body();
    }
    if (have == body.size()) {
      // libstdc++ 12 hands the rounded capacity to the operation: a byte more than asked for would
      // be the next request's.
      const auto room = std::min(body_bytes_, std::max(kFirstBodyBytes, 2 * have));
      body.resize_and_overwrite(room, [room](char*, std::size_t) { return room; });
    }
    transport_->read_some(asio::buffer(body.data() + have, body.size() - have),
                          [self = shared_from_this(), have](error_code error, std::size_t size) {
                            if (self->phase_ == Phase::kClosed) return;
                            if (error) return self->close();
                            self->exchange_.request_bytes += size;
                            self->read_body(have + size);
                          });
  }

  void copy_header() {
    const auto& head = parser_->get();
    request_.method = head.method_string();
    request_.remote = remote_;
    for (const auto& field : head) {
      request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    exchange_.method = request_.method;
    exchange_.path = head.target();
    exchange_.keep_alive = parser_->keep_alive();
    exchange_.is_http_1_0 = head.version() < 11;
    exchange_.may_gzip = contains_word(request_.header("Accept-Encoding"), "gzip");
  }

  /// The refusal of a request that needs no body to be refused.
  std::optional<Response> check_header() {
    if (parser_->get().version() >= 11 && request_.header("Host").empty()) {
      return problem_response({ErrorCode::kInvalid, "a HTTP/1.1 request needs a Host header", {}});
    }
    auto target = parse_target(exchange_.path);
    if (!target) return problem_response(target.error());
    request_.path = exchange_.path = std::move(target->path);
    request_.query = std::move(target->query);
    if (options().more_headers) exchange_.more_headers = options().more_headers(request_);
    auto match = context_->router.match(request_.method, target->raw_path);
    if (match.route == nullptr) return refuse_route(match);
    exchange_.route = match.route;
    request_.path_parameters = std::move(match.path_parameters);
    if (auto refusal = check_caller(match.route->role)) return refusal;
    return check_body_header();
  }

  Response refuse_route(const Match& match) const {
    if (match.allowed_methods.empty()) {
      return problem_response(
          {ErrorCode::kNotFound, fmt::format("nothing is at {}", quote(request_.path)), {}});
    }
    auto response =
        request_.method == "OPTIONS"
            ? Response{.status = 204, .headers = {}, .body = {}}
            : http_problem(405, "Method not allowed",
                           fmt::format("{} does not answer {}; it answers {}", request_.path,
                                       request_.method, join_words(match.allowed_methods)));
    std::string allowed;
    for (const auto& method : match.allowed_methods)
      allowed += allowed.empty() ? method : ", " + method;
    response.headers.push_back({"Allow", allowed});
    return response;
  }

  std::optional<Response> check_caller(Role needed) {
    auto principal = context_->authenticate(request_);
    if (principal) request_.principal = std::move(*principal);
    exchange_.actor = request_.principal.actor;
    if (needed == Role::kPublic) return std::nullopt;
    if (!principal) return problem_response(principal.error());
    if (request_.principal.role >= needed) return std::nullopt;
    return problem_response(
        {ErrorCode::kForbidden,
         fmt::format("{} is a {}, and this needs a {}", request_.principal.actor,
                     name_of(request_.principal.role), name_of(needed)),
         {}});
  }

  std::optional<Response> check_body_header() {
    const auto length = parser_->content_length();
    if (length && *length > max_body_bytes()) return too_large();
    const auto expect = request_.header("Expect");
    if (!expect.empty() && expect != "100-continue" && expect != "100-Continue") {
      return http_problem(417, "Expectation failed", "only 100-continue can be expected");
    }
    const auto encoding = request_.header("Content-Encoding");
    for (const std::string_view known : {"", "identity", "gzip", "zstd", "snappy"}) {
      if (encoding == known) return std::nullopt;
    }
    return http_problem(415, "Unsupported media type",
                        fmt::format("Content-Encoding {} is not known; gzip, zstd and snappy are",
                                    quote(encoding)));
  }

  Response too_large() const {
    return problem_response(
        {ErrorCode::kTooLarge,
         fmt::format("{} takes bodies of at most {} bytes", request_.path, max_body_bytes()),
         {}});
  }

  void reject_too_large() { reject(too_large()); }

  void reject_malformed(error_code error) {
    if (error == beast_http::error::body_limit) return reject_too_large();
    if (error == beast_http::error::header_limit && phase_ == Phase::kHeader) {
      return reject(http_problem(
          431, "Request header fields too large",
          fmt::format("the headers are larger than {} bytes", options().max_header_bytes)));
    }
    reject(problem_response(
        {ErrorCode::kInvalid, fmt::format("malformed HTTP: {}", error.message()), {}}));
  }

  /// Answers before the request was read to its end: the connection is of use afterwards only if
  /// nothing is left.
  void reject(Response response) {
    if (!parser_ || !parser_->is_done()) exchange_.keep_alive = false;
    respond(std::move(response));
  }

  void take_body() {
    if (body_bytes_ == 0) request_.body = std::move(parser_->get().body());
    if (auto refusal = decode_body()) return respond(std::move(*refusal));
    clear_deadline();
    phase_ = Phase::kAnswering;
    if (exchange_.route->stream) return open_stream();
    hand_over();
  }

  std::optional<Response> decode_body() {
    const auto encoding = request_.header("Content-Encoding");
    if (encoding == "gzip" || encoding == "zstd") {
      auto body = encoding == "gzip" ? gunzip(request_.body, max_body_bytes())
                                     : zstd_decompress(request_.body, max_body_bytes());
      if (!body) return problem_response(body.error());
      request_.body = std::move(*body);
    }
    const auto type = parse_media_type(request_.header("Content-Type")).name;
    if (type != "application/x-www-form-urlencoded") return std::nullopt;
    const auto of_target = static_cast<std::ptrdiff_t>(request_.query.size());
    if (auto form = parse_form(request_.body, request_.query); !form) {
      return problem_response(form.error());
    }
    // The form's come first: where both have one parameter, the form's is what is meant.
    std::ranges::rotate(request_.query, request_.query.begin() + of_target);
    return std::nullopt;
  }

  /// Calls back exactly once: with 500 when it is destroyed without having been called.
  class ReplyOnce {
   public:
    explicit ReplyOnce(std::shared_ptr<HttpConnection> connection)
        : connection_(std::move(connection)) {}
    ReplyOnce(ReplyOnce&&) = default;
    ReplyOnce& operator=(ReplyOnce&&) = delete;
    ~ReplyOnce() {
      if (connection_ == nullptr) return;
      (*this)(problem_response({ErrorCode::kInternal, "the request was dropped unanswered", {}}));
    }
    void operator()(Response response) {
      if (const auto connection = std::move(connection_)) connection->answer(std::move(response));
    }

   private:
    std::shared_ptr<HttpConnection> connection_;
  };

  void hand_over() {
    if (exchange_.route->watches_peer && input_.empty()) {
      abandoned_ = std::make_shared<std::atomic<bool>>(false);
      request_.abandoned = abandoned_;
      read_more();
    }
    // A handler that throws is a bug of ours, but a request must not be able to end the process:
    // its reply is dropped.
    try {
      exchange_.route->handler(std::move(request_), ReplyOnce(shared_from_this()));
    } catch (const std::exception&) {
    }
  }

  void respond(Response response) {
    if (phase_ == Phase::kClosed) return;
    if (context_->stopping) exchange_.keep_alive = false;
    const int status = response.status;
    std::ranges::move(exchange_.more_headers, std::back_inserter(response.headers));
    auto written = write_response(std::move(response), write_options());
    const auto bytes = written.head.size() + written.body.size();
    phase_ = Phase::kWriting;
    send(std::move(written.head), std::move(written.body), [status, bytes](HttpConnection& self) {
      self.log(status, bytes);
      if (!self.exchange_.keep_alive) return self.linger();
      self.next_request(self.options().idle_timeout);
    });
  }

  WriteOptions write_options() const {
    return {.head_only = exchange_.method == "HEAD",
            .keep_alive = exchange_.keep_alive,
            .is_http_1_0 = exchange_.is_http_1_0,
            .may_gzip = exchange_.may_gzip,
            .is_stream = false,
            .is_public = exchange_.route != nullptr && exchange_.route->role == Role::kPublic,
            .now = context_->runtime.clock.now()};
  }

  void log(int status, std::size_t bytes) const {
    if (!options().log) return;
    Access access;
    access.remote = remote_;
    access.method = exchange_.method;
    access.path = exchange_.path;
    access.route = exchange_.route == nullptr ? "" : exchange_.route->pattern;
    access.actor = exchange_.actor;
    access.status = status;
    access.request_bytes = exchange_.request_bytes;
    access.response_bytes = bytes;
    if (exchange_.started.count() != 0) {
      access.duration =
          std::chrono::floor<Duration>(context_->runtime.clock.steady() - exchange_.started);
    }
    options().log(access);
  }

  template <typename Done>
  void send(std::string head, std::string body, Done done) {
    head_ = std::move(head);
    body_ = std::move(body);
    constexpr std::size_t kWorthOneWrite = 64 << 10;
    if (body_.size() < kWorthOneWrite) head_ += std::exchange(body_, {});
    write_rest(head_, body_, done);
  }

  /// What the peer takes at once, as it mostly does with all of it.
  void write_now(std::string_view& text) {
    if (!text.empty()) text.remove_prefix(transport_->write_now(asio::buffer(text)));
  }

  template <typename Done>
  void write_rest(std::string_view first, std::string_view second, Done done) {
    write_now(first);
    if (first.empty()) {
      std::swap(first, second);
      write_now(first);
    }
    if (first.empty()) {
      clear_deadline();
      return done(*this);
    }
    set_deadline(options().write_timeout);
    transport_->write_some(asio::buffer(first), [self = shared_from_this(), first, second, done](
                                                    error_code error, std::size_t size) {
      if (self->phase_ == Phase::kClosed) return;
      if (error) return self->close();
      self->write_rest(first.substr(size), second, done);
    });
  }

  /// Reads what the peer still sends for a moment, so that it gets to see the answer instead of a
  /// reset.
  void linger() {
    if (context_->stopping || has_ended_) return close();
    phase_ = Phase::kLingering;
    transport_->finish_sending();
    set_deadline(kLingerTimeout);
    if (!is_reading_) discard(0);
  }

  void discard(std::size_t discarded) {
    transport_->read_some(asio::buffer(piece_), [self = shared_from_this(), discarded](
                                                    error_code error, std::size_t size) {
      if (error) return self->close();
      if (discarded + size < kDiscardedAtOnce) return self->discard(discarded + size);
      self->discard_later();
    });
  }

  void discard_later() {
    if (phase_ == Phase::kClosed) return;
    heartbeat_.expires_after(kBetweenDiscards);
    heartbeat_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && self->phase_ == Phase::kLingering) self->discard(0);
    });
  }

  void close() {
    if (phase_ == Phase::kClosed) return;
    if (phase_ == Phase::kStreaming) log(200, 0);
    phase_ = Phase::kClosed;
    timer_.cancel();
    heartbeat_.cancel();
    transport_->close();
    if (events_) {
      const std::lock_guard lock(events_->mutex);
      events_->closed = true;
    }
    context_->closed(this);
  }

  // Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html

  class Sink final : public EventSink {
   public:
    Sink(std::shared_ptr<HttpConnection> connection, std::shared_ptr<EventQueue> queue,
         std::size_t max_queued)
        : connection_(std::move(connection)), queue_(std::move(queue)), max_queued_(max_queued) {}
    ~Sink() override { connection_->abort(); }

    bool send(std::string_view event, std::string_view data, std::string_view id) override {
      {
        const std::lock_guard lock(queue_->mutex);
        if (queue_->closed) return false;
        queue_->closed = queue_->events.size() >= max_queued_;
        if (!queue_->closed) queue_->events.push_back(event_text(event, data, id));
        if (!queue_->closed && queue_->events.size() > 1) return true;  // already woken
      }
      connection_->pump_events();
      return true;
    }

   private:
    std::shared_ptr<HttpConnection> connection_;
    std::shared_ptr<EventQueue> queue_;  ///< publisher and connection end in any order
    std::size_t max_queued_;
  };

  /// A stream outlives the request that opened it: whoever was turned out meanwhile gets no more.
  bool may_still_listen() const {
    const auto needed = exchange_.route->role;
    if (needed == Role::kPublic) return true;
    const auto principal = context_->authenticate(opened_by_);
    return principal && principal->role >= needed;
  }

  void open_stream() {
    Response opening;
    opening.headers = {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}};
    if (exchange_.method == "HEAD") return respond(std::move(opening));
    auto options = write_options();
    options.is_stream = true;
    options.keep_alive = exchange_.keep_alive = false;
    phase_ = Phase::kStreaming;
    opened_by_.method = request_.method;
    opened_by_.path = request_.path;
    opened_by_.headers = request_.headers;
    opened_by_.remote = request_.remote;
    events_ = std::make_shared<EventQueue>();
    is_writing_events_ = true;
    send(write_response(std::move(opening), options).head, {}, [](HttpConnection& self) {
      self.is_writing_events_ = false;
      self.watch_peer();
      self.beat();
      auto last_event_id = std::string(self.request_.header("Last-Event-ID"));
      auto sink = std::make_shared<Sink>(self.shared_from_this(), self.events_,
                                         self.options().max_queued_events);
      self.exchange_.route->stream(std::move(self.request_), std::move(last_event_id),
                                   std::move(sink));
    });
  }

  void watch_peer() {
    transport_->read_some(asio::buffer(piece_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                            if (error) return self->close();
                            self->watch_peer();
                          });
  }

  void beat() {
    heartbeat_.expires_after(options().heartbeat_interval);
    heartbeat_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->phase_ != Phase::kStreaming) return;
      if (!self->may_still_listen()) return self->close();
      if (!self->is_writing_events_) self->write_stream(std::string(kHeartbeat));
      self->beat();
    });
  }

  void write_events() {
    if (phase_ != Phase::kStreaming || is_writing_events_) return;
    std::string text;
    bool overflowed = false;
    {
      const std::lock_guard lock(events_->mutex);
      for (const auto& event : events_->events) text += event;
      events_->events.clear();
      overflowed = events_->closed;
    }
    if (overflowed) return close();
    if (!text.empty()) write_stream(std::move(text));
  }

  void write_stream(std::string text) {
    is_writing_events_ = true;
    send(std::move(text), {}, [](HttpConnection& self) {
      self.is_writing_events_ = false;
      self.pump_events();
    });
  }

  std::shared_ptr<ServerContext> context_;  ///< a late reply outlives the server
  std::unique_ptr<Transport> transport_;
  std::string remote_;
  asio::steady_timer timer_;
  std::optional<SteadyClock::time_point> deadline_;  ///< closes the connection
  std::optional<SteadyClock::time_point> wakes_by_;  ///< when the timer fires, if it is set
  asio::steady_timer heartbeat_;                     ///< of a stream, or between discards
  Phase phase_ = Phase::kIdle;
  std::array<char, 16 << 10> piece_{};
  std::string input_;  ///< read but not parsed: the beginning of the next request, when pipelined
  std::optional<Parser> parser_;
  Request request_;
  Request opened_by_;  ///< of a stream: who asked for it, to be asked again at each heartbeat
  std::size_t body_bytes_ = 0;  ///< of a body that is read past the parser
  Exchange exchange_;
  std::string head_, body_;  ///< being written
  std::shared_ptr<EventQueue> events_;
  bool is_writing_events_ = false;
  bool is_reading_ = false;
  bool has_ended_ = false;                        ///< the peer sends nothing any more
  std::shared_ptr<std::atomic<bool>> abandoned_;  ///< while a request that asks for it is answered
};

}  // namespace

std::shared_ptr<Connection> make_connection(std::shared_ptr<ServerContext> context,
                                            std::unique_ptr<Transport> transport,
                                            std::string remote) {
  return std::make_shared<HttpConnection>(std::move(context), std::move(transport),
                                          std::move(remote));
}

}  // namespace wellrun::http
