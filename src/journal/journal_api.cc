#include "journal/journal_api.h"

#include <charconv>
#include <fmt/format.h>

#include "core/text.h"
#include "facts/sentence.h"
#include "journal/store.h"

namespace wellrun::journal {
namespace {

constexpr std::size_t kFactsPerCatchUp = 500;  ///< fewer than a server queues for one stream

Result<std::uint64_t> count_from(std::string_view text, std::string_view name) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem == std::errc{} && stop == end && !text.empty()) return value;
  return fail(ErrorCode::kInvalid,
              fmt::format("{} must be a whole number, not {}", name, quote(text)),
              std::string(name));
}

Result<std::optional<std::uint64_t>> count_parameter(const http::Request& request,
                                                     std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return std::nullopt;
  TRY(const auto value, count_from(*text, name));
  return std::optional(value);
}

Result<std::optional<Timestamp>> time_parameter(const http::Request& request,
                                                std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  if (!time)
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", name, time.error().message),
                std::string(name));
  return std::optional(*time);
}

std::optional<std::string> text_parameter(const http::Request& request, std::string_view name) {
  auto text = request.parameter(name);
  return text && text->empty() ? std::nullopt : text;
}

Result<FactQuery> read_query(const http::Request& request) {
  FactQuery query;
  TRY(const auto after, count_parameter(request, "after"));
  TRY(query.before, count_parameter(request, "before"));
  TRY(query.from, time_parameter(request, "from"));
  TRY(query.to, time_parameter(request, "to"));
  TRY(const auto limit, count_parameter(request, "limit"));
  query.after = after.value_or(0);
  query.limit = limit.value_or(kDefaultFactsPerAnswer);
  if (query.limit < 1 || query.limit > kMaxFactsPerAnswer)
    return fail(ErrorCode::kInvalid, fmt::format("limit must be from 1 to {}", kMaxFactsPerAnswer),
                "limit");
  const auto order = request.parameter("order").value_or("asc");
  if (order != "asc" && order != "desc")
    return fail(ErrorCode::kInvalid, fmt::format("order must be asc or desc, not {}", quote(order)),
                "order");
  query.newest_first = order == "desc";
  query.stream = text_parameter(request, "stream");
  query.type_prefix = text_parameter(request, "type");
  query.correlation = text_parameter(request, "correlation");
  return query;
}

/// A fact as people read it: with its sentence, which is no part of what is stored.
Json told(const Fact& fact) {
  auto json = to_json(fact);
  json["sentence"] = facts::sentence(fact.type, fact.body);
  return json;
}

Result<Json> list_facts(const Store& store, const http::Request& request) {
  TRY(const auto query, read_query(request));
  TRY(const auto facts, store.read(query));
  const auto last_seq = store.last_sequence();  // after reading: never less than what is listed
  Json items = Json::array();
  for (const auto& fact : facts) items.push_back(told(fact));
  Json answer{{"items", std::move(items)}, {"last_seq", last_seq}};
  if (facts.size() == query.limit) answer["next"] = std::to_string(facts.back().seq);
  return answer;
}

Result<Json> get_fact(const Store& store, const http::Request& request) {
  TRY(const auto seq, count_from(request.path_parameter("seq"), "seq"));
  if (seq > 0 && seq <= store.last_sequence()) {
    TRY(const auto facts, store.read({.after = seq - 1, .limit = 1}));
    if (!facts.empty() && facts.front().seq == seq) return told(facts.front());
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no fact {}; the last is {}", seq, store.last_sequence()));
}

using Answer = Result<Json> (*)(const Store&, const http::Request&);

http::Handler on_workers(Workers& workers, const Store& store, Answer answer) {
  return [&workers, &store, answer](http::Request request, http::Reply reply) {
    workers.run([&store, answer, request = std::move(request), reply = std::move(reply)]() mutable {
      const auto result = answer(store, request);
      reply(result ? http::json_response(*result) : http::problem_response(result.error()));
    });
  };
}

/// One open stream. First it reads what is stored, then it follows the ledger. Kept alive by its
/// own subscription; a peer that has gone is noticed at the next fact.
class FactFeed : public std::enable_shared_from_this<FactFeed> {
 public:
  FactFeed(Runtime runtime, Ledger& ledger, std::shared_ptr<http::EventSink> sink)
      : runtime_(runtime), ledger_(ledger), sink_(std::move(sink)) {}

  /// On the strand, like everything here but send_stored().
  void start(std::optional<Sequence> after) {
    const auto last = ledger_.store().last_sequence();
    sent_ = std::min(after.value_or(last), last);
    subscription_ =
        ledger_.subscribe([self = shared_from_this()](const Fact& fact) { self->follow(fact); });
    catch_up();
  }

 private:
  /// Facts are published on the strand after they are stored: once everything stored is sent,
  /// whatever else is stored will be published later.
  void catch_up() {
    is_live_ = sent_ >= ledger_.store().last_sequence();
    if (is_live_) return;
    runtime_.workers.run([self = shared_from_this(), after = sent_] { self->send_stored(after); });
  }

  void send_stored(Sequence after) {
    const auto facts = ledger_.store().read({.after = after, .limit = kFactsPerCatchUp});
    bool is_open = facts.has_value() && !facts->empty();
    for (std::size_t i = 0; is_open && i < facts->size(); ++i) is_open = send((*facts)[i]);
    const auto last = is_open ? facts->back().seq : after;
    runtime_.strand.post([self = shared_from_this(), is_open, last] {
      self->sent_ = last;
      is_open ? self->catch_up() : self->close();
    });
  }

  void follow(const Fact& fact) {
    if (!is_live_ || fact.seq <= sent_) return;
    sent_ = fact.seq;
    if (!send(fact)) close();
  }

  bool send(const Fact& fact) {
    return sink_->send(fact.type, to_text(to_json(fact)), std::to_string(fact.seq));
  }

  void close() {
    is_live_ = false;
    sink_.reset();
    subscription_.reset();  // may hold the last owner of this
  }

  Runtime runtime_;
  Ledger& ledger_;
  std::shared_ptr<http::EventSink> sink_;
  std::unique_ptr<Timer> subscription_;
  Sequence sent_ = 0;
  bool is_live_ = false;
};

void open_stream(Runtime runtime, Ledger& ledger, const http::Request& request,
                 const std::string& last_event_id, std::shared_ptr<http::EventSink> sink) {
  auto start = last_event_id.empty() ? request.parameter("after").value_or("") : last_event_id;
  runtime.strand.post([runtime, &ledger, start = std::move(start), sink = std::move(sink)] {
    const auto after = count_from(start, "after");
    std::make_shared<FactFeed>(runtime, ledger, sink)
        ->start(after ? std::optional(*after) : std::nullopt);
  });
}

}  // namespace

std::vector<http::Route> journal_routes(Runtime runtime, Ledger& ledger) {
  const auto& store = ledger.store();
  std::vector<http::Route> routes;
  const auto add = [&](std::string pattern, std::string operation) -> http::Route& {
    http::Route route;
    route.method = "GET";
    route.pattern = std::move(pattern);
    route.role = http::Role::kViewer;
    route.operation_id = std::move(operation);
    return routes.emplace_back(std::move(route));
  };
  add("/api/v1/journal", "listFacts").handler = on_workers(runtime.workers, store, list_facts);
  add("/api/v1/journal/{seq}", "getFact").handler = on_workers(runtime.workers, store, get_fact);
  add("/api/v1/stream", "streamFacts").stream =
      [runtime, &ledger](const http::Request& request, const std::string& last_event_id,
                         std::shared_ptr<http::EventSink> sink) {
        open_stream(runtime, ledger, request, last_event_id, std::move(sink));
      };
  return routes;
}

}  // namespace wellrun::journal
