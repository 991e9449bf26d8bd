#include "platform/db/sqlite.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>

namespace wellrun::db {
namespace {

class SqliteFile : public testing::Test {
 protected:
  SqliteFile() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~SqliteFile() override { std::filesystem::remove_all(folder_); }

  Sqlite open(SqliteOptions options = {}) {
    auto database = Sqlite::open(path_, options);
    EXPECT_TRUE(database) << to_string(database.error());
    return std::move(*database);
  }

  std::string folder_ = fmt::format("{}wellrun_sqlite_{}", testing::TempDir(),
                                    testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = folder_ + "/test.db";
};

TEST_F(SqliteFile, WhatIsBoundIsReadBackWithItsType) {
  auto database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t(a INTEGER, b TEXT, c BLOB, d TEXT) STRICT"));
  const std::string bytes("\0x\xff", 3);
  auto insert = database.prepare("INSERT INTO t VALUES(?,?,?,?)");
  ASSERT_TRUE(insert);
  insert->bind(-5).bind("grüße").bind_blob(bytes).bind_null();
  ASSERT_TRUE(insert->run());
  auto rows = database.prepare("SELECT * FROM t");
  ASSERT_TRUE(rows);
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), -5);
  EXPECT_EQ(rows->text(1), "grüße");
  EXPECT_EQ(rows->text(2), bytes);
  EXPECT_EQ(rows->type(2), ColumnType::kBlob);
  EXPECT_TRUE(rows->is_null(3));
  EXPECT_FALSE(*rows->step());
}

TEST_F(SqliteFile, ATransactionThatIsNotCommittedLeavesNothing) {
  auto database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t(a INTEGER)"));
  {
    const auto transaction = Transaction::begin(database, Transaction::Kind::kWrite);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.execute("INSERT INTO t VALUES(1)"));
  }
  auto count = database.prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(*count->step());
  EXPECT_EQ(count->integer(0), 0);
}

TEST_F(SqliteFile, AFullDatabaseSaysSo) {
  auto database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t(a TEXT); PRAGMA max_page_count=4"));
  auto insert = database.prepare("INSERT INTO t VALUES(?)");
  const std::string big(100'000, 'x');
  insert->bind(big);
  const auto full = insert->run();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kNoSpace) << to_string(full.error());
}

TEST_F(SqliteFile, AnotherWritersLockIsAConflict) {
  auto one = open();
  ASSERT_TRUE(one.execute("CREATE TABLE t(a INTEGER UNIQUE); INSERT INTO t VALUES(1)"));
  auto two = open({.busy_timeout_ms = 0});
  const auto held = Transaction::begin(one, Transaction::Kind::kWrite);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(two, Transaction::Kind::kWrite);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
}

TEST_F(SqliteFile, AConstraintIsAConflictAndAQueryOnlyConnectionChangesNothing) {
  auto database = open();
  ASSERT_TRUE(database.execute("CREATE TABLE t(a INTEGER UNIQUE); INSERT INTO t VALUES(1)"));
  EXPECT_EQ(database.execute("INSERT INTO t VALUES(1)").error().code, ErrorCode::kConflict);
  auto reader = open({.query_only = true});
  EXPECT_FALSE(reader.execute("INSERT INTO t VALUES(2)"));
}

TEST_F(SqliteFile, AFileThatIsNoDatabaseIsCorruptAndAMissingFolderAnIoError) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto garbage = Sqlite::open(path_);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kCorrupt) << to_string(garbage.error());
  const auto missing = Sqlite::open(folder_ + "/none/test.db");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kIo) << to_string(missing.error());
}

TEST_F(SqliteFile, ManyDifferentStatementsDoNotPileUp) {
  auto database = open();
  for (int i = 0; i < 500; ++i) {
    auto select = database.prepare(fmt::format("SELECT {}", i));
    ASSERT_TRUE(select);
    ASSERT_TRUE(*select->step());
    EXPECT_EQ(select->integer(0), i);
  }
}

}  // namespace
}  // namespace wellrun::db
