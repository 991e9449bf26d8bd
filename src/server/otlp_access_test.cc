#include "server/otlp_access.h"

#include <filesystem>
#include <gtest/gtest.h>

#include "core/json.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::server {
namespace {

constexpr auto kLoopback = "127.0.0.1:4317";
constexpr auto kOpen = "0.0.0.0:4317";

class OtlpAccessTest : public ::testing::Test {
 protected:
  OtlpAccessTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("wellrun_otlp_access_" + std::to_string(getpid()))),
        authenticator_(Authenticator::open(folder_.string(), runtime_.runtime(), {}).value()) {}
  ~OtlpAccessTest() override { std::filesystem::remove_all(folder_); }

  /// A token of `role`, made over the API as an administrator does.
  std::string token(const std::string& role) {
    for (auto& route : authenticator_->routes()) {
      if (route.operation_id != "createToken") continue;
      http::Request request{.method = "POST"};
      request.body = Json{{"name", role}, {"role", role}}.dump();
      std::string made;
      route.handler(std::move(request), [&](http::Response response) {
        made = Json::parse(response.body).at("token").get<std::string>();
      });
      runtime_.run_ready();
      return made;
    }
    return {};
  }

  std::filesystem::path folder_;
  VirtualRuntime runtime_;
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(OtlpAccessTest, BothDoorsAreOpenOnLoopbackAndClosedBeyondIt) {
  const Options options;
  EXPECT_EQ(otlp_role(options, kLoopback), http::Role::kPublic);
  EXPECT_FALSE(otlp_authorize(options, kLoopback, *authenticator_));
  EXPECT_EQ(otlp_role(options, kOpen), http::Role::kResponder);
  EXPECT_TRUE(otlp_authorize(options, kOpen, *authenticator_));
}

TEST_F(OtlpAccessTest, ALoopbackDoorCanBeClosedToo) {
  Options options;
  options.otlp_auth = true;
  EXPECT_EQ(otlp_role(options, kLoopback), http::Role::kResponder);
  EXPECT_TRUE(otlp_authorize(options, kLoopback, *authenticator_));
}

TEST_F(OtlpAccessTest, OverGrpcATokenOfAResponderIsAsked) {
  const auto may = otlp_authorize({}, kOpen, *authenticator_);
  const auto with = [&](const std::string& token) {
    return may({{std::string(grpc::kRemote), "192.0.2.7"}, {"authorization", "Bearer " + token}});
  };
  EXPECT_EQ(may({}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(with("wr_guessed").error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(with(token("viewer")).error().code, ErrorCode::kForbidden);
  EXPECT_TRUE(with(token("responder")));
  EXPECT_TRUE(with(token("operator")));
}

TEST_F(OtlpAccessTest, GuessingFromOneAddressIsSlowedDown) {
  const auto may = otlp_authorize({}, kOpen, *authenticator_);
  const auto guess = [&](const char* remote) {
    return may({{std::string(grpc::kRemote), remote}, {"authorization", "Bearer wr_guessed"}})
        .error()
        .code;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(guess("192.0.2.7"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(guess("192.0.2.7"), ErrorCode::kExhausted);
  EXPECT_EQ(guess("192.0.2.8"), ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace wellrun::server
