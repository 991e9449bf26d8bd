#include "journal/store.h"

#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "journal/sqlite_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::journal {
namespace {

/// What every Store does, on both of them.
class AnyStore : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    reopen();
  }
  void TearDown() override {
    store_ = nullptr;
    sqlite_.reset();
    std::filesystem::remove_all(folder_);
  }

  void reopen() {
    if (!GetParam()) {
      store_ = &memory_;
      return;
    }
    sqlite_.reset();
    auto opened = open_sqlite_store(folder_ + "/journal.db");
    ASSERT_TRUE(opened) << to_string(opened.error());
    sqlite_ = std::move(*opened);
    store_ = sqlite_.get();
  }

  Fact fact(std::string stream, std::uint64_t version, std::string type = "test.happened") {
    Fact next;
    next.seq = ++last_seq_;
    next.time = from_unix_ms(1'767'225'600'000 + static_cast<std::int64_t>(last_seq_) * 1000);
    next.stream = std::move(stream);
    next.stream_version = version;
    next.type = std::move(type);
    next.actor = "person:ana";
    next.body["n"] = last_seq_;
    return next;
  }

  Status append(Batch batch) {
    std::promise<Status> promise;
    store_->append(std::move(batch),
                   [&promise](Status status) { promise.set_value(std::move(status)); });
    virtual_.run_ready();
    return promise.get_future().get();
  }

  Status append(std::vector<Fact> facts) { return append(Batch{.facts = std::move(facts)}); }

  std::vector<Sequence> seqs(const FactQuery& query) {
    const auto found = store_->read(query);
    EXPECT_TRUE(found) << to_string(found.error());
    std::vector<Sequence> all;
    for (const auto& each : found.value_or(std::vector<Fact>())) all.push_back(each.seq);
    return all;
  }

  std::string folder_ = testing::TempDir() + "wellrun_store_test";
  VirtualRuntime virtual_;
  MemoryStore memory_{virtual_.runtime().strand};
  std::unique_ptr<Store> sqlite_;
  Store* store_ = nullptr;
  Sequence last_seq_ = 0;
};

TEST_P(AnyStore, IsEmptyAtFirst) {
  EXPECT_EQ(store_->last_sequence(), 0U);
  EXPECT_EQ(store_->last_hash(), "");
  EXPECT_TRUE(seqs({}).empty());
  EXPECT_EQ(store_->stream_version("a"), 0U);
  EXPECT_FALSE(*store_->last_snapshot());
  EXPECT_TRUE(store_->open_intents()->empty());
  EXPECT_TRUE(seqs({.from = from_unix_ms(0), .to = from_unix_ms(1)}).empty());
}

TEST_P(AnyStore, KeepsFactsAsTheyAreChainsThemAndHasThemAfterReopening) {
  auto one = fact("a", 1);
  one.schema = 3;
  one.correlation = "inc-1";
  one.body = Json{{"text", "grüße\n\"x\""}, {"number", 0.1}, {"list", {1, nullptr, true}}};
  auto two = fact("b/c", 1);
  two.cause = 1;
  one.hash = chain_hash("", one, to_text(one.body));
  two.hash = chain_hash(one.hash, two, to_text(two.body));
  ASSERT_TRUE(append({one, two}));
  for (int round = 0; round < 2; ++round) {
    const auto facts = store_->read({});
    ASSERT_TRUE(facts);
    ASSERT_EQ(facts->size(), 2U);
    EXPECT_EQ(to_json((*facts)[0]), to_json(one));
    EXPECT_EQ(to_json((*facts)[1]), to_json(two));
    EXPECT_EQ(store_->last_sequence(), 2U);
    EXPECT_EQ(store_->last_hash(), two.hash);
    EXPECT_EQ(store_->stream_version("b/c"), 1U);
    reopen();
  }
}

TEST_P(AnyStore, RefusesWhatDoesNotFollowAndGoesOn) {
  ASSERT_TRUE(append({fact("a", 1)}));
  auto gap = fact("a", 2);
  gap.seq = 7;
  EXPECT_EQ(append({gap}).error().code, ErrorCode::kConflict);
  last_seq_ = 1;
  EXPECT_EQ(append({fact("a", 3)}).error().code, ErrorCode::kConflict);
  last_seq_ = 1;
  auto earlier = fact("a", 2);
  earlier.time = from_unix_ms(0);
  EXPECT_EQ(append({earlier}).error().code, ErrorCode::kConflict);
  last_seq_ = 1;
  EXPECT_EQ(append({fact("a", 2), fact("a", 2)}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store_->last_sequence(), 1U);
  last_seq_ = 1;
  EXPECT_TRUE(append({fact("a", 2), fact("a", 3)}));
  EXPECT_EQ(store_->stream_version("a"), 3U);
}

TEST_P(AnyStore, FindsFactsByEveryCondition) {
  auto one = fact("incident/1", 1, "incident.opened");
  auto two = fact("incident/2", 1, "incident.opened");
  auto three = fact("incident/1", 2, "incident.resolved");
  auto four = fact("incident0", 1, "incidental");
  one.correlation = three.correlation = "inc-1";
  const auto time_of_two = two.time;
  const auto time_of_four = four.time;
  ASSERT_TRUE(append({one, two, three, four}));
  using Seqs = std::vector<Sequence>;
  EXPECT_EQ(seqs({}), (Seqs{1, 2, 3, 4}));
  EXPECT_EQ(seqs({.after = 2}), (Seqs{3, 4}));
  EXPECT_EQ(seqs({.before = 3}), (Seqs{1, 2}));
  EXPECT_EQ(seqs({.limit = 2}), (Seqs{1, 2}));
  EXPECT_EQ(seqs({.limit = 2, .newest_first = true}), (Seqs{4, 3}));
  EXPECT_EQ(seqs({.stream = "incident/1"}), (Seqs{1, 3}));
  EXPECT_EQ(seqs({.stream = "incident/"}), (Seqs{1, 2, 3}));
  EXPECT_EQ(seqs({.type_prefix = "incident.opened"}), (Seqs{1, 2}));
  EXPECT_EQ(seqs({.type_prefix = "incident."}), (Seqs{1, 2, 3}));
  EXPECT_EQ(seqs({.type_prefix = "incident"}), Seqs{});
  EXPECT_EQ(seqs({.correlation = "inc-1"}), (Seqs{1, 3}));
  EXPECT_EQ(seqs({.correlation = ""}), (Seqs{2, 4}));
  EXPECT_EQ(seqs({.from = time_of_two}), (Seqs{2, 3, 4}));
  EXPECT_EQ(seqs({.from = time_of_two, .to = time_of_four}), (Seqs{2, 3}));
  EXPECT_EQ(seqs({.from = time_of_two + Duration(1)}), (Seqs{3, 4}));
  EXPECT_EQ(seqs({.to = time_of_two}), (Seqs{1}));
  EXPECT_EQ(seqs({.from = time_of_four + Duration(1)}), Seqs{});
  EXPECT_EQ(seqs({.after = 1, .stream = "incident/", .type_prefix = "incident.", .limit = 1}),
            (Seqs{2}));
}

TEST_P(AnyStore, TheOutboxKeepsEachKeyOnceAndWhatHasNoOutcome) {
  const auto intent = [](std::string key) {
    return Intent{.key = std::move(key), .kind = "notify.email", .request = Json{{"to", "ana"}}};
  };
  ASSERT_TRUE(append(Batch{.facts = {fact("a", 1)}, .intents = {intent("k2"), intent("k1")}}));
  ASSERT_TRUE(append(Batch{.intents = {intent("k1"), intent("k3")}, .begun = {"k1"}}));
  Outcome done;
  ASSERT_TRUE(append(Batch{.finished = {{"k2", done}, {"unknown", done}}}));
  for (int round = 0; round < 2; ++round) {
    const auto open = store_->open_intents();
    ASSERT_TRUE(open);
    ASSERT_EQ(open->size(), 2U);
    EXPECT_EQ((*open)[0].intent.key, "k1");
    EXPECT_TRUE((*open)[0].begun);
    EXPECT_EQ(to_json((*open)[0].intent), to_json(intent("k1")));
    EXPECT_EQ((*open)[1].intent.key, "k3");
    EXPECT_FALSE((*open)[1].begun);
    EXPECT_TRUE(*store_->has_intent("k2"));
    EXPECT_FALSE(*store_->has_intent("k4"));
    reopen();
  }
}

TEST_P(AnyStore, KeepsTheLastSnapshotAndBlobsByTheirDigest) {
  for (const Sequence seq : {5U, 7U, 9U}) {
    store_->put_snapshot({.seq = seq, .body = Json{{"domain", seq}}},
                         [](const Status& status) { EXPECT_TRUE(status); });
  }
  const std::string content("\0binary\xff", 8);
  const auto digest = store_->put_blob(content);
  ASSERT_TRUE(digest);
  EXPECT_EQ(store_->put_blob(content), *digest);
  reopen();
  const auto snapshot = store_->last_snapshot();
  ASSERT_TRUE(snapshot && *snapshot);
  EXPECT_EQ((*snapshot)->seq, 9U);
  EXPECT_EQ((*snapshot)->body, (Json{{"domain", 9}}));
  EXPECT_EQ(store_->get_blob(*digest), content);
  EXPECT_EQ(store_->get_blob("sha256:00").error().code, ErrorCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Sqlite" : "Memory"; });

}  // namespace
}  // namespace wellrun::journal
