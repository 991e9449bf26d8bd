#include "journal/sqlite_store.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

#include "journal/transfer.h"
#include "journal/verify.h"
#include "platform/db/sqlite.h"

namespace wellrun::journal {
namespace {

class JournalFile : public testing::Test {
 protected:
  JournalFile() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~JournalFile() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Store> open() {
    auto opened = open_sqlite_store(path_);
    EXPECT_TRUE(opened) << to_string(opened.error());
    return std::move(*opened);
  }

  /// A journal of `count` facts, closed.
  void fill(Sequence count) {
    const auto store = open();
    for (Sequence seq = store->last_sequence() + 1; seq <= count; ++seq)
      store->append(Batch{.facts = {fact(seq)}},
                    [](const Status& status) { EXPECT_TRUE(status) << to_string(status.error()); });
  }

  static Fact fact(Sequence seq) {
    Fact made;
    made.seq = seq;
    made.time = from_unix_ms(1'767'225'600'000 + static_cast<std::int64_t>(seq));
    made.stream = fmt::format("order/{}", seq % 7);
    made.stream_version = (seq + 6) / 7;
    made.type = seq % 2 == 0 ? "order.paid" : "order.placed";
    made.actor = "person:ana";
    made.correlation = fmt::format("story-{}", seq % 3);
    made.body["note"] = fmt::format("fact-number-{:06}", seq);
    return made;
  }

  std::string bytes() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put_bytes(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  Status change(const std::string& sql) {
    auto database = db::Sqlite::open(path_);
    return database ? database->execute(sql) : Status();
  }

  std::string folder_ = fmt::format("{}wellrun_journal_{}", testing::TempDir(),
                                    testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = folder_ + "/journal.db";
};

TEST_F(JournalFile, IsRefusedToASecondUserByName) {
  const auto store = open();
  const auto second = open_sqlite_store(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find(fmt::format("process {}", ::getpid())), std::string::npos)
      << second.error().message;
}

/// Another connection that holds the file's lock is a disk that does not answer.
TEST_F(JournalFile, KeepsNobodyWaitingForTheDisk) {
  const auto store = open();
  auto other = db::Sqlite::open(path_);
  ASSERT_TRUE(other);
  std::promise<Status> snapshot_stored, fact_stored;
  auto snapshot_answer = snapshot_stored.get_future();
  Result<std::string> digest;
  {
    const auto held = db::Transaction::begin(*other, db::Transaction::Kind::kWrite);
    ASSERT_TRUE(held);
    digest = store->put_blob("what a step said");
    store->append(Batch{.facts = {fact(1)}},
                  [&](Status status) { fact_stored.set_value(std::move(status)); });
    store->put_snapshot({.seq = 1, .body = Json{{"a", 1}}},
                        [&](Status status) { snapshot_stored.set_value(std::move(status)); });
    EXPECT_EQ(snapshot_answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  }
  EXPECT_TRUE(fact_stored.get_future().get());
  EXPECT_EQ(store->get_blob(*digest), "what a step said") << "no later than the fact after it";
  EXPECT_TRUE(snapshot_answer.get());
  EXPECT_EQ((*store->last_snapshot())->seq, 1U);
}

TEST_F(JournalFile, OfAnotherKindOrANewerVersionIsRefused) {
  {
    ASSERT_TRUE(db::Sqlite::open(path_)->execute("CREATE TABLE other(a)"));
  }
  EXPECT_EQ(open_sqlite_store(path_).error().code, ErrorCode::kCorrupt);
  std::filesystem::remove(path_);
  fill(1);
  ASSERT_TRUE(change("PRAGMA user_version=99"));
  EXPECT_EQ(open_sqlite_store(path_).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(verify_journal(path_).error().code, ErrorCode::kUnsupported);
  put_bytes(std::string(5000, 'x'));
  EXPECT_EQ(open_sqlite_store(path_).error().code, ErrorCode::kCorrupt);
}

TEST_F(JournalFile, IsReadableByItsOwnerOnly) {
  fill(1);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(JournalFile, ThatIsSoundVerifiesEvenWhileInUse) {
  fill(2500);
  const auto store = open();
  ASSERT_TRUE(store->put_blob("content"));
  std::promise<Status> behind_it;
  store->append({}, [&](Status status) { behind_it.set_value(std::move(status)); });
  ASSERT_TRUE(behind_it.get_future().get());
  const auto report = verify_journal(path_);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_FALSE(report->problem) << to_string(*report->problem);
  EXPECT_EQ(report->facts_checked, 2500U);
  EXPECT_EQ(report->blobs_checked, 1U);
  EXPECT_EQ(report->last_seq, store->last_sequence());
  EXPECT_EQ(report->last_hash, store->last_hash());
}

TEST_F(JournalFile, AFlippedByteOfAFactIsFoundAndNamed) {
  fill(2500);
  const auto sound = bytes();
  for (const Sequence seq : {1U, 1200U, 1999U, 2500U}) {
    auto damaged = sound;
    const auto at = damaged.find(fmt::format("fact-number-{:06}", seq));
    ASSERT_NE(at, std::string::npos);
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    put_bytes(damaged);
    const auto report = verify_journal(path_);
    ASSERT_TRUE(report && report->problem) << seq;
    EXPECT_EQ(report->broken_fact, seq);
    EXPECT_EQ(report->last_seq, seq - 1);
    EXPECT_NE(report->problem->message.find(fmt::format("fact {} ", seq)), std::string::npos);
    // Opening looks at the newest thousand only.
    const auto opened = open_sqlite_store(path_);
    EXPECT_EQ(opened.has_value(), seq <= 1500) << seq;
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
      EXPECT_NE(opened.error().message.find(fmt::format("fact {} ", seq)), std::string::npos);
    }
  }
}

TEST_F(JournalFile, AnyChangedColumnMissingOrAddedFactIsFoundAndNamed) {
  const std::vector<std::pair<const char*, Sequence>> cases{
      {"UPDATE facts SET time_ms=time_ms+1 WHERE seq=5", 5},
      {"UPDATE facts SET stream='order/x' WHERE seq=5", 5},
      {"UPDATE facts SET stream_version=77 WHERE seq=5", 5},
      {"UPDATE facts SET type='order.lost' WHERE seq=5", 5},
      {"UPDATE facts SET schema=2 WHERE seq=5", 5},
      {"UPDATE facts SET schema=4294967297 WHERE seq=5", 5},
      {"UPDATE facts SET actor='person:eve' WHERE seq=5", 5},
      {"UPDATE facts SET cause=1 WHERE seq=5", 5},
      {"UPDATE facts SET correlation='' WHERE seq=5", 5},
      {"UPDATE facts SET body=body||' ' WHERE seq=5", 5},
      {"UPDATE facts SET hash=lower(hex(randomblob(32))) WHERE seq=5", 5},
      {"DELETE FROM facts WHERE seq=5", 5},
      {"DELETE FROM facts WHERE seq=1", 1},
      {"DELETE FROM facts WHERE seq>=18", 18},
      {"DELETE FROM facts", 1},
      {"INSERT INTO facts SELECT 21,time_ms,stream,99,type,schema,actor,cause,correlation,body,hash"
       " FROM facts WHERE seq=20",
       21},
      {"UPDATE facts SET seq=21 WHERE seq=20", 20}};
  fill(20);
  const auto sound = bytes();
  for (const auto& [sql, seq] : cases) {
    put_bytes(sound);
    ASSERT_TRUE(change(sql)) << sql;
    const auto report = verify_journal(path_);
    ASSERT_TRUE(report && report->problem) << sql;
    EXPECT_EQ(report->broken_fact, seq) << sql;
    const auto opened = open_sqlite_store(path_);
    ASSERT_FALSE(opened) << sql;
    EXPECT_NE(opened.error().message.find(fmt::format("fact {} ", seq)), std::string::npos)
        << sql << ": " << opened.error().message;
  }
}

/// Bytes that are no part of a fact may change unnoticed; facts may not.
TEST_F(JournalFile, NoFlippedByteAnywhereChangesAFactUnnoticed) {
  std::mt19937 random(1);
  fill(300);
  const auto sound = bytes();
  const auto all = [this] {
    std::string text;
    const auto facts = open()->read({});
    for (const auto& each : facts.value_or(std::vector<Fact>())) text += to_text(to_json(each));
    return text;
  };
  const auto expected = all();
  for (int round = 0; round < 200; ++round) {
    auto damaged = sound;
    const auto at = random() % damaged.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
    put_bytes(damaged);
    const auto report = verify_journal(path_);
    if (!report || report->problem) continue;
    EXPECT_EQ(all(), expected) << "byte " << at;
  }
}

TEST_F(JournalFile, ADamagedSnapshotIsPassedOverForTheOneBefore) {
  {
    const auto store = open();
    store->put_snapshot({.seq = 1, .body = Json{{"a", 1}}},
                        [](const Status& status) { EXPECT_TRUE(status); });
    store->put_snapshot({.seq = 2, .body = Json{{"a", 2}}},
                        [](const Status& status) { EXPECT_TRUE(status); });
  }
  ASSERT_TRUE(change("UPDATE snapshots SET body='{\"a\":3}' WHERE seq=2"));
  const auto snapshot = open()->last_snapshot();
  ASSERT_TRUE(snapshot && *snapshot);
  EXPECT_EQ((*snapshot)->seq, 1U);
}

TEST_F(JournalFile, ACommitThatSqliteRefusesIsSaidAndWhatWasAcknowledgedStays) {
  fill(1);
  ASSERT_TRUE(
      change("CREATE TRIGGER refuse BEFORE INSERT ON facts WHEN new.seq=3 "
             "BEGIN SELECT RAISE(ABORT,'refused by a test'); END"));
  const auto store = open();
  const auto append = [&](Sequence seq) {
    std::promise<Status> answer;
    store->append(Batch{.facts = {fact(seq)}},
                  [&](Status status) { answer.set_value(std::move(status)); });
    return answer.get_future().get();
  };
  EXPECT_TRUE(append(2));
  const auto refused = append(3);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("refused by a test"), std::string::npos);
  EXPECT_EQ(store->last_sequence(), 2U);
  EXPECT_FALSE(verify_journal(path_)->problem);
}

std::string exported(const std::string& path) {
  std::string lines;
  const auto report = export_lines(path, [&](std::string_view line) {
    lines.append(line).push_back('\n');
    return Status();
  });
  EXPECT_TRUE(report) << to_string(report.error());
  return lines;
}

TEST_F(JournalFile, ComesBackFromItsLinesWithFactsOutboxAndBlobs) {
  fill(50);
  auto store = open();
  const auto intent = [](std::string key) { return Intent{.key = std::move(key), .kind = "a.b"}; };
  store->append(Batch{.intents = {intent("k1"), intent("k2")}, .begun = {"k2"}}, [](Status) {});
  store->append(Batch{.finished = {{"k1", Outcome{.error = "e"}}}}, [](Status) {});
  ASSERT_TRUE(store->put_blob(std::string("\0\xff", 2)));
  const auto hash = [&] {
    store = open();  // commits what waits
    return store->last_hash();
  };
  store.reset();
  const auto expected_hash = hash();
  const auto lines = exported(path_);  // while it is open
  const auto copy = folder_ + "/copy.db";
  std::istringstream in(lines);
  const auto imported = import_lines(copy, in);
  ASSERT_TRUE(imported) << to_string(imported.error());
  EXPECT_EQ(imported->facts, 50U);
  EXPECT_EQ(imported->intents, 2U);
  EXPECT_EQ(imported->blobs, 1U);
  EXPECT_EQ(exported(copy), lines);
  EXPECT_FALSE(verify_journal(copy)->problem);
  const auto opened = open_sqlite_store(copy);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->last_hash(), expected_hash);
  ASSERT_EQ((*opened)->open_intents()->size(), 1U);
  EXPECT_TRUE((*opened)->open_intents()->front().begun);
}

TEST_F(JournalFile, IsNotImportedFromLinesThatAreCutChangedOrNotItsOwn) {
  fill(5);
  {
    ASSERT_TRUE(open()->put_blob("content"));
  }
  const auto lines = exported(path_);
  const auto replaced = [&](std::string_view from, std::string_view to) {
    auto text = lines;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  };
  const std::vector<std::pair<std::string, const char*>> cases{
      {"", "cut off"},
      {lines.substr(0, lines.rfind("{\"end")), "cut off"},
      {lines.substr(0, lines.size() / 2), "line 4"},
      {lines + lines, "line 9"},
      {replaced("wellrun_journal", "other"), "line 1"},
      {replaced("fact-number-000003", "fact-number-000004"), "line 4: fact 3"},
      {replaced("{\"fact\"", "{\"fax\""), "line 2"},
      {replaced("Y29u", "Y29v"), "line 7"},
      {replaced("\"facts\":5", "\"facts\":6"), "line 8"},
      {"{}\n", "line 1"},
      {std::string(100, '['), "line 1"}};
  for (const auto& [text, part] : cases) {
    const auto copy = folder_ + "/copy.db";
    std::istringstream in(text);
    const auto imported = import_lines(copy, in);
    ASSERT_FALSE(imported) << part;
    EXPECT_NE(to_string(imported.error()).find(part), std::string::npos)
        << part << " in " << to_string(imported.error());
    EXPECT_EQ((*open_sqlite_store(copy))->last_sequence(), 0U);
  }
  std::istringstream in(lines);
  EXPECT_EQ(import_lines(path_, in).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace wellrun::journal
