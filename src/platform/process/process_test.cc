#include "platform/process/process.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wellrun {
namespace {

using namespace std::chrono_literals;
using Sandbox = ProcessRequest::Sandbox;

ProcessRequest shell(std::string script) {
  ProcessRequest request;
  request.argv = {"sh", "-c", std::move(script)};
  return request;
}

ProcessRequest isolated_shell(std::string script) {
  auto request = shell(std::move(script));
  request.sandbox = Sandbox::kIsolated;
  return request;
}

/// Its death is only asked for when the group is killed.
bool ends_soon(pid_t pid) {
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return errno == ESRCH;
  pollfd wait{pidfd, POLLIN, 0};
  const bool has_ended = ::poll(&wait, 1, 10'000) == 1;
  ::close(pidfd);
  return has_ended;
}

class ProcessTest : public ::testing::Test {
 protected:
  Result<ProcessExit> run(ProcessRequest request,
                          std::function<void(std::string_view)> on_output = {}) {
    std::promise<Result<ProcessExit>> exit;
    auto future = exit.get_future();
    runner_->run(std::move(request), std::move(on_output),
                 [&exit](Result<ProcessExit> result) { exit.set_value(std::move(result)); });
    if (future.wait_for(30s) != std::future_status::ready) {
      ADD_FAILURE() << "done was never called";
      std::abort();
    }
    return future.get();
  }

  std::string output_of(ProcessRequest request) {
    auto exit = run(std::move(request));
    EXPECT_TRUE(exit) << to_string(exit.error());
    return exit ? exit->output : "";
  }

  SystemRuntime runtime_{{}};
  std::unique_ptr<ProcessRunner> runner_ =
      make_process_runner(runtime_, {.kill_after = Duration{100}});
};

TEST_F(ProcessTest, ReportsOutputErrorsAndExitCodeInOrder) {
  const auto exit = run(shell("echo one; echo two >&2; exit 7"));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->output, "one\ntwo\n");
  EXPECT_EQ(exit->exit_code, 7);
  EXPECT_FALSE(exit->timed_out);
  EXPECT_FALSE(exit->output_truncated);
}

TEST_F(ProcessTest, HandsOutputOverPieceByPieceBeforeItIsDone) {
  std::string seen;
  const auto exit = run(shell("echo a; echo b"), [&](std::string_view chunk) { seen += chunk; });
  ASSERT_TRUE(exit);
  EXPECT_EQ(seen, "a\nb\n");
}

TEST_F(ProcessTest, GivesTheChildItsInputAndOnlyTheNamedEnvironment) {
  ::setenv("WELLRUN_TEST_SECRET", "inherited", 1);
  auto request = shell("cat; env | grep -E '^(WELLRUN_TEST_SECRET|NAME)='");
  request.input = "hello\n";
  request.env["NAME"] = "value";
  EXPECT_EQ(output_of(request), "hello\nNAME=value\n");
}

TEST_F(ProcessTest, AMegabyteOfInputThatNobodyReadsDoesNotHang) {
  auto request = shell("exit 0");
  request.input.assign(1 << 20, 'x');
  EXPECT_EQ(output_of(request), "");
}

TEST_F(ProcessTest, KeepsOutputUpToItsBoundAndSaysSo) {
  auto request = shell("head -c 300000 /dev/zero");
  request.max_output_bytes = 1000;
  const auto exit = run(request);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->output.size(), 1000U);
  EXPECT_TRUE(exit->output_truncated);
  EXPECT_EQ(exit->exit_code, 0);
}

TEST_F(ProcessTest, KillsTheWholeGroupAtTheTimeout) {
  auto request = shell("sleep 300 & echo $!; wait");
  request.timeout = Duration{300};
  const auto exit = run(request);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->timed_out);
  EXPECT_EQ(exit->exit_code, 128 + SIGTERM);
  const auto grandchild = std::atoi(exit->output.c_str());
  ASSERT_GT(grandchild, 1);
  EXPECT_TRUE(ends_soon(grandchild));
}

TEST_F(ProcessTest, AChildThatIgnoresTermIsKilledSoonAfter) {
  auto request = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
  request.timeout = Duration{300};
  const auto exit = run(request);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->timed_out);
  EXPECT_EQ(exit->exit_code, 128 + SIGKILL);
}

TEST_F(ProcessTest, ADescendantThatLeftTheGroupAndHoldsTheOutputDoesNotHoldTheResult) {
  const auto exit = run(shell("setsid sleep 20 & echo done"));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->output, "done\n");
  EXPECT_LT(exit->duration, Duration{15'000});
}

TEST_F(ProcessTest, NamesAProgramThatDoesNotExist) {
  ProcessRequest request;
  request.argv = {"no-such-program-anywhere"};
  const auto exit = run(request);
  ASSERT_FALSE(exit);
  EXPECT_EQ(exit.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(exit.error().message.contains("no-such-program-anywhere"));
}

TEST_F(ProcessTest, RefusesWhatCannotBeExecutedSafely) {
  ProcessRequest empty;
  EXPECT_EQ(run(empty).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(run(shell(std::string("echo\0x", 6))).error().code, ErrorCode::kInvalid);
  auto request = shell("true");
  request.env["A=B"] = "c";
  EXPECT_EQ(run(request).error().code, ErrorCode::kInvalid);
  request = shell("true");
  request.cwd = "/no/such/directory";
  EXPECT_EQ(run(request).error().code, ErrorCode::kInvalid);
}

TEST_F(ProcessTest, DestroyingTheRunnerKillsWhatRunsAndReportsIt) {
  std::promise<Result<ProcessExit>> exit;
  std::promise<void> started;
  auto request = shell("echo started; sleep 300");
  request.timeout = Duration{300'000};
  runner_->run(
      request, [&](std::string_view) { started.set_value(); },
      [&](Result<ProcessExit> result) { exit.set_value(std::move(result)); });
  started.get_future().wait();
  runner_.reset();
  auto future = exit.get_future();
  ASSERT_EQ(future.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(future.get().error().code, ErrorCode::kCancelled);
}

/// Skips where this machine permits no user namespaces; the error must then say what to do.
class SandboxTest : public ProcessTest {
 protected:
  void SetUp() override {
    const auto exit = run(isolated_shell("true"));
    if (exit) return;
    EXPECT_EQ(exit.error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(exit.error().message.contains("user namespaces")) << exit.error().message;
    GTEST_SKIP() << to_string(exit.error());
  }
};

TEST_F(SandboxTest, RunsWithItsEnvironmentAndInput) {
  auto request = isolated_shell("cat; echo $NAME; exit 3");
  request.env["NAME"] = "value";
  request.input = "in\n";
  const auto exit = run(request);
  ASSERT_TRUE(exit) << to_string(exit.error());
  EXPECT_EQ(exit->output, "in\nvalue\n");
  EXPECT_EQ(exit->exit_code, 3);
}

TEST_F(SandboxTest, CannotWriteToTheMachineButHasItsOwnTmp) {
  const auto mark = std::filesystem::temp_directory_path() / "wellrun-sandbox-mark";
  std::filesystem::remove(mark);
  const auto output = output_of(isolated_shell(
      "touch /etc/wellrun-mark 2>/dev/null || echo refused; touch /tmp/wellrun-sandbox-mark && "
      "echo own"));
  EXPECT_EQ(output, "refused\nown\n");
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(SandboxTest, HasNoNetworkAndSeesNoOtherProcess) {
  EXPECT_EQ(output_of(isolated_shell("ls /sys/class/net >/dev/null; grep -c : /proc/net/dev; ls "
                                     "/proc | grep -c '^[0-9]*$' | sed 's/^[1-9]$/few/'")),
            "1\nfew\n");
}

TEST_F(SandboxTest, SeesHiddenDirectoriesEmpty) {
  char directory[] = "/var/tmp/wellrun-hidden-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  std::ofstream(std::string(directory) + "/key") << "secret";
  runner_ = make_process_runner(runtime_, {.hidden = {directory, "/var/tmp/that-is-not-there"}});
  EXPECT_EQ(output_of(isolated_shell("ls " + std::string(directory) + "; echo end")), "end\n");
  std::filesystem::remove_all(directory);
}

TEST_F(SandboxTest, SeesHiddenFilesEmptyByWhateverLink) {
  char name[] = "/var/tmp/wellrun-hidden-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::filesystem::path folder = name;
  std::ofstream(folder / "key") << "secret";
  std::ofstream(folder / "other") << "seen\n";
  std::filesystem::create_symlink(folder / "key", folder / "link");
  auto request = isolated_shell("cd " + folder.string() + "; cat key link 2>/dev/null; cat other");
  request.hidden = {folder / "link"};
  EXPECT_EQ(output_of(request), "seen\n");
  std::filesystem::remove_all(folder);
}

TEST_F(SandboxTest, InheritsNoDescriptorThatHoldsItsSecrets) {
  auto request = isolated_shell("ls /proc/self/fd | tr '\\n' ' '");
  EXPECT_EQ(output_of(request), "0 1 2 3 ");  // 3 is the directory that ls reads
}

TEST_F(SandboxTest, HasAnEndToItsMemoryAndFiles) {
  EXPECT_EQ(output_of(isolated_shell("ulimit -v; ulimit -f; ulimit -c")), "1048576\n524288\n0\n");
}

TEST_F(SandboxTest, IsKilledAtTheTimeout) {
  auto request = isolated_shell("trap '' TERM; sleep 300");
  request.timeout = Duration{500};
  const auto exit = run(request);
  ASSERT_TRUE(exit) << to_string(exit.error());
  EXPECT_TRUE(exit->timed_out);
}

TEST_F(ProcessTest, ASandboxWithoutBubblewrapSaysWhatToInstall) {
  runner_ = make_process_runner(runtime_, {.bubblewrap = "bwrap-that-is-not-there"});
  const auto exit = run(isolated_shell("true"));
  ASSERT_FALSE(exit);
  EXPECT_EQ(exit.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(exit.error().message.contains("package bubblewrap")) << exit.error().message;
}

}  // namespace
}  // namespace wellrun
