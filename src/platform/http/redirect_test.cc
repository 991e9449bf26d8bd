#include "platform/http/redirect.h"

#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"

namespace wellrun::http {
namespace {

ClientRequest request(std::string url) {
  ClientRequest out;
  out.url = std::move(url);
  out.headers = {{"Accept", "text/plain"}, {"authorization", "Bearer secret"}};
  return out;
}

Response sent_to(std::string location, int status = 302) {
  return {status, {{"Location", std::move(location)}}, ""};
}

std::string next_of(const std::string& url, const std::string& location) {
  const auto next = redirected(request(url), sent_to(location));
  if (!next) return next.error().message;
  return *next ? (*next)->url : "none";
}

bool keeps_secret(const std::string& url, const std::string& location) {
  const auto next = redirected(request(url), sent_to(location));
  return !find_header((*next)->headers, "Authorization").empty();
}

TEST(Redirect, ALocationIsResolvedAgainstWhatWasAsked) {
  const std::string asked = "http://host:9100/a/metrics?x=1";
  EXPECT_EQ(next_of(asked, "https://other/m?y=2"), "https://other/m?y=2");
  EXPECT_EQ(next_of(asked, "//other:81/m"), "http://other:81/m");
  EXPECT_EQ(next_of(asked, "/m?y=2"), "http://host:9100/m?y=2");
  EXPECT_EQ(next_of(asked, "m"), "http://host:9100/a/m");
  EXPECT_EQ(next_of(asked, "../b/./m"), "http://host:9100/b/m");
  EXPECT_EQ(next_of(asked, "?y=2"), "http://host:9100/a/metrics?y=2");
  EXPECT_EQ(next_of("https://[::1]", "m"), "https://[::1]/m");
}

TEST(Redirect, WhatIsNoRedirectIsAnAnswer) {
  EXPECT_EQ(*redirected(request("http://host/"), sent_to("/m", 200)), std::nullopt);
  EXPECT_EQ(*redirected(request("http://host/"), sent_to("/m", 304)), std::nullopt);
  EXPECT_EQ(*redirected(request("http://host/"), Response{301, {}, ""}), std::nullopt);
}

TEST(Redirect, ToWhatIsNoHttpUrlIsRefused) {
  for (const auto* location : {"ftp://host/m", "file:///etc/passwd", "http://", "http://u:p@host/m",
                               "http://host:x/", "/with space"})
    EXPECT_TRUE(next_of("http://host/", location).starts_with("sent on to \"")) << location;
}

TEST(Redirect, CredentialsDoNotReachAnotherHost) {
  EXPECT_TRUE(keeps_secret("http://host:81/", "/m"));
  EXPECT_TRUE(keeps_secret("http://host/", "http://host:80/m"));
  EXPECT_TRUE(keeps_secret("http://host/", "https://host/m"));
  EXPECT_FALSE(keeps_secret("http://host/", "http://other/m"));
  EXPECT_FALSE(keeps_secret("http://host/", "http://host:81/m"));
  EXPECT_FALSE(keeps_secret("https://host/", "http://host/m"));
  EXPECT_FALSE(keeps_secret("https://host/", "http://host:443/m"));
}

/// Answers `last` to the path /end, and sends everything else there after `takes`.
class Sending final : public Client {
 public:
  Sending(VirtualRuntime& runtime, Duration takes) : runtime_(runtime), takes_(takes) {}

  void send(ClientRequest request, ClientCallback done) override {
    timeouts.push_back(request.timeout);
    runtime_.run_for(takes_);
    if (request.url.ends_with("/end")) return done(Response{200, {}, "here"});
    done(sent_to(request.url.ends_with("/loop") ? "/loop" : "/end"));
  }

  std::vector<Duration> timeouts;

 private:
  VirtualRuntime& runtime_;
  Duration takes_;
};

Result<Response> followed(Sending& client, VirtualRuntime& runtime, const char* url) {
  Result<Response> answer = fail(ErrorCode::kInternal, "no answer");
  auto asked = request(url);
  asked.timeout = Duration{1'000};
  send_following_redirects(client, runtime.runtime().clock, std::move(asked),
                           [&](Result<Response> got) { answer = std::move(got); });
  return answer;
}

TEST(Redirect, IsFollowedWithinTheTimeOfTheRequest) {
  VirtualRuntime runtime;
  Sending client(runtime, Duration{400});
  const auto answer = followed(client, runtime, "http://host/start");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "here");
  EXPECT_EQ(client.timeouts, (std::vector{Duration{1'000}, Duration{600}}));
  const auto late = followed(client, runtime, "http://host/loop");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(client.timeouts.size(), 5U);
}

TEST(Redirect, ALoopEnds) {
  VirtualRuntime runtime;
  Sending client(runtime, Duration{0});
  const auto answer = followed(client, runtime, "http://host/loop");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "sent on more than 10 times");
  EXPECT_EQ(client.timeouts.size(), 11U);
}

}  // namespace
}  // namespace wellrun::http
