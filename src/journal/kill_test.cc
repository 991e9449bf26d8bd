// kill -9 at moments drawn from a seed: nothing acknowledged is lost, nothing is half there.

#include <array>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/sqlite_store.h"
#include "journal/verify.h"

namespace wellrun::journal {
namespace {

constexpr int kRounds = 30;
constexpr int kBatchesInFlight = 32;

/// The child: appends for ever, each batch two facts of one stream and an intent; writes the last
/// seq of each acknowledged batch to `acknowledged`.
class Appender {
 public:
  Appender(Store& store, int acknowledged) : store_(store), acknowledged_(acknowledged) {
    seq_ = store.last_sequence();
  }

  void append_one() {
    const std::lock_guard lock(mutex_);  // seq and the order of appending agree
    Batch batch;
    for (int i = 0; i < 2; ++i) {
      Fact fact;
      fact.seq = ++seq_;
      fact.stream = "only";
      fact.stream_version = seq_;
      fact.type = "test.happened";
      fact.actor = "system";
      fact.body["text"] = std::string(seq_ % 500, 'x');
      batch.facts.push_back(std::move(fact));
    }
    batch.intents.push_back({.key = std::to_string(seq_), .kind = "test.do"});
    if (seq_ > 2) batch.begun.push_back(std::to_string(seq_ - 2));
    store_.append(std::move(batch), [this, seq = seq_](const Status& status) {
      if (!status) ::_exit(3);
      if (::write(acknowledged_, &seq, sizeof seq) != sizeof seq) ::_exit(4);
      append_one();
    });
  }

 private:
  Store& store_;
  int acknowledged_;
  std::mutex mutex_;
  Sequence seq_ = 0;
};

[[noreturn]] void be_killed(const std::string& path, int acknowledged) {
  const auto store = open_sqlite_store(path);
  if (!store) ::_exit(2);
  Appender appender(**store, acknowledged);
  for (int i = 0; i < kBatchesInFlight; ++i) appender.append_one();
  for (Sequence i = 0;; ++i) {
    if (!(*store)->put_blob(std::to_string(i))) ::_exit(5);
    const auto seq = (*store)->last_sequence();
    if (i % 7 != 0) continue;
    std::promise<bool> stored;
    (*store)->put_snapshot({.seq = seq, .body = Json{{"seq", seq}}},
                           [&](const Status& status) { stored.set_value(status.has_value()); });
    if (!stored.get_future().get()) ::_exit(6);
  }
}

/// Runs a child until it has acknowledged `batches`, kills it, and returns the last seq that it
/// acknowledged.
Sequence run_and_kill(const std::string& path, unsigned batches) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const auto child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    be_killed(path, pipe[1]);
  }
  ::close(pipe[1]);
  Sequence last = 0;
  Sequence seq = 0;
  for (unsigned read = 0; ::read(pipe[0], &seq, sizeof seq) == sizeof seq; ++read) {
    EXPECT_GT(seq, last);
    last = seq;
    if (read == batches) ::kill(child, SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended with " << WEXITSTATUS(status);
  ::close(pipe[0]);
  return last;
}

void check_journal(const std::string& path, Sequence acknowledged) {
  const auto report = verify_journal(path);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_FALSE(report->problem) << to_string(*report->problem);
  const auto store = open_sqlite_store(path);
  ASSERT_TRUE(store) << to_string(store.error());
  const auto last = (*store)->last_sequence();
  EXPECT_GE(last, acknowledged);
  EXPECT_EQ(last % 2, 0U) << "half a batch";
  EXPECT_EQ((*store)->stream_version("only"), last);
  const auto open = (*store)->open_intents();
  ASSERT_TRUE(open) << to_string(open.error());
  ASSERT_EQ(open->size(), last / 2);
  for (std::size_t i = 0; i < open->size(); ++i) {
    EXPECT_EQ((*open)[i].intent.key, std::to_string(2 * (i + 1)));
    EXPECT_EQ((*open)[i].begun, i + 1 < open->size());
  }
  const auto snapshot = (*store)->last_snapshot();
  ASSERT_TRUE(snapshot) << to_string(snapshot.error());
  if (*snapshot) EXPECT_LE((*snapshot)->seq, last);
}

TEST(JournalKill, NothingAcknowledgedIsLostAndNothingIsHalfThere) {
  const auto folder = testing::TempDir() + "wellrun_journal_kill";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto path = folder + "/journal.db";
  std::mt19937 random(1);
  for (int round = 0; round < kRounds; ++round) {
    const auto batches = static_cast<unsigned>(random() % 60);
    SCOPED_TRACE(fmt::format("round {}, killed after {} batches", round, batches));
    check_journal(path, run_and_kill(path, batches));
    if (HasFatalFailure()) return;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace wellrun::journal
