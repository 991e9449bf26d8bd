#include "server/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Targets final : public http::Client {
 public:
  void send(http::ClientRequest request, http::ClientCallback done) override {
    authorization.emplace_back(http::find_header(request.headers, "Authorization"));
    done(http::Response{200, {}, "a 1\n"});
  }
  std::vector<std::string> authorization;  ///< of each scrape
};

/// One job with a secret that a test rotates, and a place for what it reads.
struct ScrapeJobsTest : testing::Test {
  ScrapeJobsTest() {
    catalog::Scrape scrape;
    scrape.metadata.name = "node";
    scrape.targets = {"a:1"};
    scrape.interval = Duration{10'000};
    scrape.authorization.emplace();
    scrape.authorization->type = "Bearer";
    scrape.authorization->credentials_ref = "file:/run/token";
    catalog::Resource resource;
    resource.kind = catalog::Scrape::kKind;
    resource.name = "node";
    resource.digest = "1";
    resource.value = std::make_shared<catalog::Scrape>(std::move(scrape));
    catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
    jobs.emplace(time.runtime(), catalog, [this](const std::string&) { return secret; }, discovery);
  }

  Json target() const {
    const auto targets = scraper.status()["activeTargets"];
    return targets.empty() ? Json() : targets[0];
  }

  VirtualRuntime time;
  catalog::Catalog catalog;
  Targets client;
  telemetry::testing::RecordingMetrics metrics;
  telemetry::ExemplarStore exemplars;
  telemetry::scrape::Scraper scraper{time.runtime(), client, metrics, exemplars};
  telemetry::scrape::Discovery discovery{time.runtime(), client, scraper};
  Result<std::string> secret = fail(ErrorCode::kNotFound, "the secret cannot be read");
  std::optional<ScrapeJobs> jobs;
};

TEST_F(ScrapeJobsTest, WithoutItsSecretATargetIsDownUntilItCanBeRead) {
  jobs->catalog_changed();
  time.run_for(Duration{15'000});
  EXPECT_EQ(target()["health"], "down");
  EXPECT_THAT(target()["lastError"].get<std::string>(), HasSubstr("the secret cannot be read"));
  EXPECT_THAT(client.authorization, IsEmpty());
  secret = "one";
  time.run_for(kSecretsEvery);
  EXPECT_EQ(target()["health"], "up");
  EXPECT_EQ(client.authorization.back(), "Bearer one");
}

TEST_F(ScrapeJobsTest, ARotatedSecretIsTakenWithoutAnApplyAndAMissingOneHolds) {
  secret = "one";
  jobs->catalog_changed();
  time.run_for(Duration{15'000});
  EXPECT_EQ(client.authorization.back(), "Bearer one");
  secret = fail(ErrorCode::kNotFound, "the secret cannot be read");
  time.run_for(kSecretsEvery);
  jobs->catalog_changed();  // an apply in the middle of the rotation
  time.run_for(kSecretsEvery);
  EXPECT_EQ(target()["health"], "up");
  EXPECT_EQ(client.authorization.back(), "Bearer one");
  secret = "two";
  time.run_for(kSecretsEvery + Duration{15'000});
  EXPECT_EQ(client.authorization.back(), "Bearer two");
}

TEST(ScrapeJobsOfACatalog, ATimeoutThatIsNotGivenIsAtMostTheInterval) {
  const auto timeout_of = [](Duration interval, std::optional<Duration> timeout) {
    catalog::Scrape scrape;
    scrape.metadata.name = "node";
    scrape.interval = interval;
    scrape.timeout = timeout;
    catalog::Resource resource;
    resource.kind = catalog::Scrape::kKind;
    resource.name = "node";
    resource.value = std::make_shared<catalog::Scrape>(std::move(scrape));
    catalog::Catalog catalog;
    catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
    const auto none = [](const std::string&) -> Result<std::string> { return std::string(); };
    return scrape_jobs(catalog, none).at(0).settings.target.timeout;
  };
  EXPECT_EQ(timeout_of(Duration{5'000}, std::nullopt), Duration{5'000});
  EXPECT_EQ(timeout_of(Duration{60'000}, std::nullopt), Duration{10'000});
  EXPECT_EQ(timeout_of(Duration{60'000}, Duration{20'000}), Duration{20'000});
}

}  // namespace
}  // namespace wellrun::server
