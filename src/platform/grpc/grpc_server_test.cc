#include "platform/grpc/grpc_server.h"

#include <future>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <thread>

namespace wellrun::grpc {
namespace {

class Threads : public Workers {
 public:
  void run(Task task) override {
    std::lock_guard lock(mutex_);
    threads_.emplace_back([task = std::move(task)]() mutable { task(); });
  }
  ~Threads() override {
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

struct Answer {
  ::grpc::Status status;
  std::string body;
};

Answer call(int port, const std::string& method, const std::string& body, bool gzip = false) {
  ::grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  ::grpc::GenericStub stub(::grpc::CreateCustomChannel(
      fmt::format("127.0.0.1:{}", port), ::grpc::InsecureChannelCredentials(), arguments));
  ::grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const ::grpc::Slice slice(body);
  ::grpc::ByteBuffer request(&slice, 1), response;
  std::promise<::grpc::Status> done;
  stub.UnaryCall(&context, method, ::grpc::StubOptions(), &request, &response,
                 [&](::grpc::Status status) { done.set_value(std::move(status)); });
  Answer out{done.get_future().get(), {}};
  std::vector<::grpc::Slice> slices;
  if (out.status.ok() && response.Dump(&slices).ok())
    for (const auto& part : slices)
      out.body.append(reinterpret_cast<const char*>(part.begin()), part.size());
  return out;
}

class GrpcServerTest : public ::testing::Test {
 protected:
  GrpcServerTest() {
    GrpcServerOptions options;
    options.listen = "127.0.0.1:0";
    options.max_message_bytes = 1'000'000;
    std::map<std::string, Method> methods;
    methods["/test.Echo/Echo"] = [](std::string_view request,
                                    const Metadata&) -> Result<std::string> {
      return "echo " + std::to_string(request.size());
    };
    methods["/test.Echo/Fail"] = [](std::string_view, const Metadata&) -> Result<std::string> {
      return fail(ErrorCode::kInvalid, "no good");
    };
    server_ = std::make_unique<GrpcServer>(options, workers_, std::move(methods));
  }

  Threads workers_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, AnswersByPathAndMapsErrors) {
  ASSERT_TRUE(server_->start());
  EXPECT_EQ(call(server_->port(), "/test.Echo/Echo", "abc").body, "echo 3");
  EXPECT_EQ(call(server_->port(), "/test.Echo/Echo", "").body, "echo 0");
  const auto failed = call(server_->port(), "/test.Echo/Fail", "");
  EXPECT_EQ(failed.status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(failed.status.error_message(), "no good");
  EXPECT_EQ(call(server_->port(), "/test.Echo/Absent", "").status.error_code(),
            ::grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, AMessageBeyondTheLimitIsRefusedAlsoWhenItIsSmallCompressed) {
  ASSERT_TRUE(server_->start());
  EXPECT_EQ(call(server_->port(), "/test.Echo/Echo", std::string(900'000, 'x'), true).body,
            "echo 900000");
  EXPECT_EQ(
      call(server_->port(), "/test.Echo/Echo", std::string(2'000'000, 'x')).status.error_code(),
      ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(call(server_->port(), "/test.Echo/Echo", std::string(2'000'000, 'x'), true)
                .status.error_code(),
            ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(call(server_->port(), "/test.Echo/Echo", "abc").body, "echo 3");
}

TEST_F(GrpcServerTest, ATakenAddressIsAnErrorAndStoppingTwiceIsNothing) {
  ASSERT_TRUE(server_->start());
  GrpcServerOptions options;
  options.listen = fmt::format("127.0.0.1:{}", server_->port());
  GrpcServer second(options, workers_, {});
  const auto refused = second.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  server_->stop();
  server_->stop();
}

}  // namespace
}  // namespace wellrun::grpc
