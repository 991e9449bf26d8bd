#include "journal/journal_api.h"

#include <deque>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::journal {
namespace {

struct SeenEvent {
  std::string event, data, id;
};

/// What a browser saw; it takes at most `room` events, then is gone.
struct Peer {
  std::vector<SeenEvent> events;
  std::size_t room = 1'000'000;
  bool is_closed = false;

  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& each : events) all.push_back(each.id);
    return all;
  }
};

class PeerSink final : public http::EventSink {
 public:
  explicit PeerSink(Peer& peer) : peer_(peer) {}
  ~PeerSink() override { peer_.is_closed = true; }
  bool send(std::string_view event, std::string_view data, std::string_view id) override {
    if (peer_.events.size() >= peer_.room) return false;
    peer_.events.push_back({std::string(event), std::string(data), std::string(id)});
    return true;
  }

 private:
  Peer& peer_;
};

class JournalApi : public testing::Test {
 protected:
  JournalApi() { EXPECT_TRUE(ledger_.start()); }

  void record(int count, const std::string& type = "order.placed") {
    for (int i = 0; i < count; ++i) {
      ledger_.command(
          {.actor = "person:ana"},
          [type](Timestamp) -> Result<Decision> {
            NewFact fact{.stream = "order/1", .type = type, .correlation = "story"};
            return Decision{{fact}, {}};
          },
          [](const Result<std::vector<Fact>>& result) { EXPECT_TRUE(result); });
    }
  }

  const http::Route& route(std::string_view operation) {
    return *std::ranges::find(routes_, operation, &http::Route::operation_id);
  }

  http::Response get(std::string_view operation, http::Parameters query, std::string seq = {}) {
    http::Request request;
    request.method = "GET";
    request.query = std::move(query);
    request.path_parameters["seq"] = std::move(seq);
    http::Response answer;
    route(operation).handler(std::move(request),
                             [&](http::Response response) { answer = std::move(response); });
    virtual_.run_ready();
    return answer;
  }

  std::vector<int> seqs(http::Parameters query) {
    const auto answer = get("listFacts", std::move(query));
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<int> all;
    const auto body = parse_json(answer.body);
    for (const auto& each : body->at("items")) all.push_back(each.at("seq"));
    return all;
  }

  void open(Peer& peer, const std::string& last_event_id, http::Parameters query = {}) {
    http::Request request;
    request.query = std::move(query);
    route("streamFacts")
        .stream(std::move(request), last_event_id, std::make_shared<PeerSink>(peer));
  }

  Peer& new_peer() { return peers_.emplace_back(); }

  std::deque<Peer> peers_;  ///< first: the last streams are closed when all below is gone
  VirtualRuntime virtual_;
  MemoryStore store_{virtual_.runtime().strand};
  Ledger ledger_{virtual_.runtime(), store_, {}};
  std::vector<http::Route> routes_ = journal_routes(virtual_.runtime(), ledger_);
};

std::vector<std::string> ids(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i <= to; ++i) all.push_back(std::to_string(i));
  return all;
}

TEST_F(JournalApi, ListsFactsAsAsked) {
  record(3);
  record(1, "order.paid");
  virtual_.run_for(Duration(5000));
  record(2);
  virtual_.run_ready();
  using Seqs = std::vector<int>;
  EXPECT_EQ(seqs({}), (Seqs{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(seqs({{"order", "desc"}, {"limit", "2"}, {"before", "6"}}), (Seqs{5, 4}));
  EXPECT_EQ(seqs({{"after", "4"}}), (Seqs{5, 6}));
  EXPECT_EQ(seqs({{"type", "order.paid"}}), (Seqs{4}));
  EXPECT_EQ(seqs({{"stream", "order/"}, {"correlation", "story"}, {"limit", "1"}}), (Seqs{1}));
  EXPECT_EQ(seqs({{"from", format_rfc3339(virtual_.now())}}), (Seqs{5, 6}));
  EXPECT_EQ(seqs({{"to", format_rfc3339(virtual_.now())}}), (Seqs{1, 2, 3, 4}));
  const auto page = parse_json(get("listFacts", {{"limit", "2"}}).body);
  EXPECT_EQ(page->at("next"), "2");
  EXPECT_EQ(page->at("last_seq"), 6);
  EXPECT_FALSE(parse_json(get("listFacts", {}).body)->contains("next"));
}

TEST_F(JournalApi, RefusesABadParameterByName) {
  for (const auto& [name, value] : http::Parameters{{"limit", "0"},
                                                    {"limit", "10001"},
                                                    {"limit", "-1"},
                                                    {"after", "x"},
                                                    {"before", "1.5"},
                                                    {"from", "yesterday"},
                                                    {"order", "up"}}) {
    const auto answer = get("listFacts", {{name, value}});
    EXPECT_EQ(answer.status, 400) << name << "=" << value;
    EXPECT_NE(answer.body.find(name), std::string::npos) << answer.body;
  }
}

TEST_F(JournalApi, GivesOneFactOrSaysThatThereIsNone) {
  record(2);
  virtual_.run_ready();
  auto expected = to_json(store_.read({.after = 1})->front());
  expected["sentence"] = "order.placed";
  EXPECT_EQ(*parse_json(get("getFact", {}, "2").body), expected);
  EXPECT_EQ(get("getFact", {}, "3").status, 404);
  EXPECT_EQ(get("getFact", {}, "0").status, 404);
  EXPECT_EQ(get("getFact", {}, "18446744073709551615").status, 404);
  EXPECT_EQ(get("getFact", {}, "two").status, 400);
}

TEST_F(JournalApi, AStreamBeginsNowAndCarriesWholeFacts) {
  record(3);
  virtual_.run_ready();
  Peer& peer = new_peer();
  open(peer, "");
  virtual_.run_ready();
  EXPECT_TRUE(peer.events.empty());
  record(2);
  virtual_.run_ready();
  ASSERT_EQ(peer.ids(), ids(4, 5));
  EXPECT_EQ(peer.events[0].event, "order.placed");
  EXPECT_EQ(*parse_json(peer.events[0].data), to_json(store_.read({.after = 3})->front()));
}

TEST_F(JournalApi, AStreamGoesOnAfterTheLastEventIdOrTheParameter) {
  record(1300);
  virtual_.run_ready();
  Peer& resumed = new_peer();
  open(resumed, "3", {{"after", "900"}});
  Peer& asked = new_peer();
  open(asked, "", {{"after", "1298"}});
  Peer& confused = new_peer();
  open(confused, "x");
  Peer& ahead = new_peer();  // of a journal that was put back from a backup
  open(ahead, "5000");
  virtual_.run_ready();
  record(1);
  virtual_.run_ready();
  EXPECT_EQ(resumed.ids(), ids(4, 1301));
  EXPECT_EQ(asked.ids(), ids(1299, 1301));
  EXPECT_EQ(confused.ids(), ids(1301, 1301));
  EXPECT_EQ(ahead.ids(), ids(1301, 1301));
}

/// The order in which workers, commits and publishing come is the seed's.
TEST(JournalApiOrder, AStreamHasNoGapAndNoDuplicateWhileFactsGoOnBeingRecorded) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Peer peer;  // outlives the ledger, whose streams close it
    SCOPED_TRACE(fmt::format("seed {}", seed));
    VirtualRuntime runtime(seed);
    MemoryStore store(runtime.runtime().strand);
    Ledger ledger(runtime.runtime(), store, {});
    ASSERT_TRUE(ledger.start());
    const auto routes = journal_routes(runtime.runtime(), ledger);
    const auto record = [&] {
      ledger.command(
          {},
          [](Timestamp) -> Result<Decision> {
            return Decision{{{.stream = "a", .type = "a.b"}, {.stream = "a", .type = "a.b"}}, {}};
          },
          [](const Result<std::vector<Fact>>&) {});
    };
    for (int i = 0; i < 300; ++i) record();
    runtime.run_ready();
    http::Request request;
    for (int i = 0; i < 20; ++i) record();
    routes.back().stream(request, "7", std::make_shared<PeerSink>(peer));
    // A fact leads to the next: recording goes on between every two steps of catching up.
    int more = 200;
    const auto subscription = ledger.subscribe([&](const Fact&) {
      if (more-- > 0) record();
    });
    runtime.run_ready();
    EXPECT_EQ(peer.ids(), ids(8, static_cast<int>(store.last_sequence())));
  }
}

TEST_F(JournalApi, APeerThatDoesNotKeepUpIsClosedAndGoesOnFromItsLastId) {
  record(800);
  virtual_.run_ready();
  Peer& slow = new_peer();
  slow.room = 600;
  open(slow, "0");
  virtual_.run_ready();
  EXPECT_TRUE(slow.is_closed);
  Peer& again = new_peer();
  again.room = 201;
  open(again, slow.events.back().id);
  virtual_.run_ready();
  EXPECT_FALSE(again.is_closed);
  record(2);
  virtual_.run_ready();
  EXPECT_TRUE(again.is_closed);
  EXPECT_EQ(again.ids(), ids(601, 801));
}

}  // namespace
}  // namespace wellrun::journal
