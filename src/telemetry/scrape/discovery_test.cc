#include "telemetry/scrape/discovery.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::telemetry::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Answers by URL; everything else is a target.
class World : public http::Client {
 public:
  void send(http::ClientRequest request, http::ClientCallback done) override {
    const auto scripted = answers.find(request.url);
    asked.push_back(request);
    if (in_body_only && request.method == "POST")
      return done(request.body.contains("client_secret=") ? *in_body_only
                                                          : http::Response{401, {}, ""});
    done(scripted != answers.end() ? scripted->second
                                   : Result<http::Response>(http::Response{200, {}, "a 1\n"}));
  }
  std::vector<std::string> scraped() {
    std::vector<std::string> urls;
    for (const auto& request : asked)
      if (request.url.ends_with("/metrics")) urls.push_back(request.url);
    asked.clear();
    return urls;
  }
  std::map<std::string, Result<http::Response>> answers;
  /// Of a token endpoint that does not know HTTP Basic.
  std::optional<Result<http::Response>> in_body_only;
  std::vector<http::ClientRequest> asked;
};

Result<http::Response> json(std::string body) {
  return http::Response{200, {{"Content-Type", "application/json"}}, std::move(body)};
}

class DiscoveryTest : public ::testing::Test {
 protected:
  static ScrapeJob job() {
    ScrapeJob out;
    out.settings.target.job = "shop";
    out.settings.target.interval = Duration{1'000};
    return out;
  }
  VirtualRuntime runtime_;
  World world_;
  testing::RecordingMetrics metrics_;
  ExemplarStore exemplars_;
  Scraper scraper_{runtime_.runtime(), world_, metrics_, exemplars_};
  std::optional<Discovery> discovery_{std::in_place, runtime_.runtime(), world_, scraper_};
};

TEST_F(DiscoveryTest, HttpTargetsComeAndGoAndHoldWhileTheSourceFails) {
  auto one = job();
  one.http = {{.url = "http://sd/targets", .refresh = std::chrono::seconds(10)}};
  world_.answers.emplace("http://sd/targets", json(R"([{"targets":["a:1","b:1"]}])"));
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{3'000});
  EXPECT_EQ(http::find_header(world_.asked[0].headers, "X-Prometheus-Refresh-Interval-Seconds"),
            "10");
  const auto targets = scraper_.status()["activeTargets"];
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0]["discoveredLabels"].value("__meta_url", ""), "http://sd/targets");

  world_.answers.at("http://sd/targets") = http::Response{500, {}, ""};
  runtime_.run_for(Duration{20'000});
  EXPECT_EQ(scraper_.status()["activeTargets"].size(), 2U);
  EXPECT_THAT(discovery_->problems(), ElementsAre(HasSubstr("status 500")));

  world_.answers.at("http://sd/targets") = json(R"([{"targets":["b:1"]}])");
  runtime_.run_for(Duration{20'000});
  EXPECT_EQ(scraper_.status()["activeTargets"].size(), 1U);
  EXPECT_THAT(discovery_->problems(), IsEmpty());
}

TEST_F(DiscoveryTest, AnEditedSourceKeepsItsTargetsUntilItAnswers) {
  auto one = job();
  one.http = {{.url = "http://sd/targets", .refresh = std::chrono::seconds(10)}};
  world_.answers.emplace("http://sd/targets", json(R"([{"targets":["a:1","b:1"]}])"));
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{3'000});
  const auto count = [&] { return scraper_.status()["activeTargets"].size(); };
  ASSERT_EQ(count(), 2U);
  const auto stale_until_now = [&] {
    return std::ranges::count_if(metrics_.written, [](const SeriesWrite& one) {
      return std::ranges::any_of(
          one.samples, [](const Sample& sample) { return is_stale_marker(sample.value); });
    });
  };

  one.http[0].refresh = std::chrono::seconds(20);
  discovery_->set_jobs({one});
  EXPECT_EQ(count(), 2U) << "only how often it is asked has changed";
  runtime_.run_for(Duration{3'000});

  world_.answers.emplace("http://sd/moved", http::Response{503, {}, ""});
  one.http[0].url = "http://sd/moved";
  discovery_->set_jobs({one});
  EXPECT_EQ(count(), 2U) << "the new source has not answered";
  runtime_.run_for(Duration{3'000});
  EXPECT_EQ(count(), 2U) << "it cannot be asked";
  EXPECT_EQ(stale_until_now(), 0);
  world_.answers.at("http://sd/moved") = json(R"([{"targets":["b:1"]}])");
  runtime_.run_for(Duration{20'000});
  EXPECT_EQ(count(), 1U);

  one.http.clear();
  discovery_->set_jobs({one});
  EXPECT_EQ(count(), 0U) << "nothing takes its place";
}

TEST_F(DiscoveryTest, ASourceIsAskedAsOftenAsTheEditSays) {
  auto one = job();
  one.http = {{.url = "http://sd/targets", .refresh = std::chrono::hours(1)}};
  world_.answers.emplace("http://sd/targets", json(R"([{"targets":["a:1"]}])"));
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{3'000});
  one.http[0].refresh = std::chrono::seconds(5);
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{1'000});
  world_.asked.clear();
  runtime_.run_for(Duration{20'000});
  EXPECT_EQ(std::ranges::count(world_.asked, "http://sd/targets", &http::ClientRequest::url), 4);
}

TEST_F(DiscoveryTest, AnAnswerThatIsNotJsonIsAProblem) {
  auto one = job();
  one.http = {{.url = "http://sd/targets"}};
  world_.answers.emplace("http://sd/targets", http::Response{200, {}, "[]"});
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{1'000});
  EXPECT_THAT(discovery_->problems(), ElementsAre(HasSubstr("application/json is wanted")));
}

TEST_F(DiscoveryTest, JsonIsToldByItsMediaTypeWithoutCaseAndParameters) {
  const std::pair<const char*, std::size_t> types[] = {{"application/json", 0},
                                                       {"Application/JSON; charset=utf-8", 0},
                                                       {"application/json ;charset=utf-8", 0},
                                                       {"application/jsonl", 1},
                                                       {"application/json-seq", 1}};
  for (const auto& [type, problems] : types) {
    auto one = job();
    one.http = {{.url = fmt::format("http://sd/{}", type)}};
    world_.answers.emplace(one.http[0].url, http::Response{200, {{"Content-Type", type}}, "[]"});
    discovery_->set_jobs({one});
    runtime_.run_for(Duration{1'000});
    EXPECT_EQ(discovery_->problems().size(), problems) << type;
  }
}

std::filesystem::path new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "wellrun-sd-XXXXXX").string();
  return ::mkdtemp(name.data());
}

TEST_F(DiscoveryTest, WhatIsNoFileOrTooLargeIsAProblem) {
  const auto folder = new_folder();
  std::filesystem::create_directory(folder / "a-folder.json");
  ASSERT_EQ(::mkfifo((folder / "a-pipe.json").c_str(), 0600), 0);
  std::ofstream(folder / "large.json") << "[]";
  std::filesystem::resize_file(folder / "large.json", std::uintmax_t{1} << 30U);  // a hole
  for (const auto& [file, problem] :
       {std::pair{"a-folder.json", "no regular file"}, std::pair{"a-pipe.json", "no regular file"},
        std::pair{"large.json", "larger than 16 MiB"}}) {
    const auto parts = read_target_files({.patterns = {(folder / file).string()}});
    ASSERT_EQ(parts.size(), 1U) << file;
    const auto& read = parts.begin()->second;
    ASSERT_FALSE(read) << file;
    EXPECT_THAT(to_string(read.error()), HasSubstr(problem));
    EXPECT_THAT(to_string(read.error()), HasSubstr(file));
  }
  std::filesystem::remove_all(folder);
}

TEST_F(DiscoveryTest, FilesAreReadAgain) {
  const auto folder = new_folder();
  std::ofstream(folder / "one.json") << R"([{"targets":["a:1"],"labels":{"rack":"r1"}}])";
  std::ofstream(folder / "two.yml") << "- targets: [b:1]\n";
  auto one = job();
  one.files = {{.patterns = {(folder / "*.json").string(), (folder / "*.yml").string()},
                .refresh = std::chrono::seconds(5)}};
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{1'000});
  const auto targets = scraper_.status()["activeTargets"];
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0]["discoveredLabels"]["__meta_filepath"], (folder / "one.json").string());
  std::ofstream(folder / "one.json") << "[]";
  runtime_.run_for(Duration{6'000});
  EXPECT_EQ(scraper_.status()["activeTargets"].size(), 1U);
  std::ofstream(folder / "two.yml") << "- targets: [";
  runtime_.run_for(Duration{6'000});
  EXPECT_EQ(scraper_.status()["activeTargets"].size(), 1U);
  EXPECT_THAT(discovery_->problems(), SizeIs(1));
  std::filesystem::remove_all(folder);
}

TEST_F(DiscoveryTest, ABrokenFileCostsItsOwnTargetsAlone) {
  const auto folder = new_folder();
  std::ofstream(folder / "bad.json") << "[";
  std::ofstream(folder / "good.json") << R"([{"targets":["a:1"]}])";
  auto one = job();
  one.files = {{.patterns = {(folder / "*.json").string()}, .refresh = std::chrono::seconds(5)}};
  discovery_->set_jobs({one});
  const auto targets_after = [&](Duration wait) {
    runtime_.run_for(wait);
    return scraper_.status()["activeTargets"].size();
  };
  EXPECT_EQ(targets_after(Duration{1'000}), 1U);
  EXPECT_THAT(discovery_->problems(), ElementsAre(HasSubstr("bad.json")));
  std::ofstream(folder / "bad.json") << R"([{"targets":["b:1"]}])";
  EXPECT_EQ(targets_after(Duration{6'000}), 2U);
  EXPECT_THAT(discovery_->problems(), IsEmpty());
  std::ofstream(folder / "bad.json") << "[";
  std::ofstream(folder / "good.json") << R"([{"targets":["a:1","c:1"]}])";
  EXPECT_EQ(targets_after(Duration{6'000}), 3U) << "what the broken one said last holds";
  std::filesystem::remove(folder / "good.json");
  EXPECT_EQ(targets_after(Duration{6'000}), 1U) << "a file that is gone has no targets";
  std::filesystem::remove_all(folder);
}

/// None of these is asked of a name server.
TEST_F(DiscoveryTest, ANameThatCannotBeLookedUpCostsNoOtherItsTargets) {
  const std::string no_name(70, 'x');
  const auto parts =
      look_up_targets({.names = {"127.0.0.1", no_name, "::1"}, .type = "AAAA", .port = 9100});
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_FALSE(parts.at("127.0.0.1")) << "an address of another kind";
  const auto& none = parts.at(no_name);
  ASSERT_TRUE(none) << to_string(none.error());
  EXPECT_THAT((*none)[0].targets, IsEmpty());
  const auto& found = parts.at("::1");
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_THAT((*found)[0].targets, ElementsAre("[::1]:9100"));
}

TEST(DnsServices, AreTargetsThatTellTheirRecord) {
  using namespace std::string_literals;
  const auto record = [](char port, const std::string& host) {
    return "\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0"s + static_cast<char>(6 + host.size()) +
           "\0\0\0\0\x23"s + port + host;
  };
  const std::string answer = "\0\x01\x81\x80\0\x01\0\x02\0\0\0\0"s +  // a question, two answers
                             "\x02_m\x04_tcp\x07"s + "example\x03"s + "org\0\0\x21\0\x01"s +
                             record('\x8d', "\x02"s + "db\x07"s + "example\x03"s + "org\0"s) +
                             record('\x8c', "\x01"s + "a\x07"s + "example\x03"s + "org\0"s);
  const auto groups =
      read_services("_m._tcp.example.org",
                    {reinterpret_cast<const unsigned char*>(answer.data()), answer.size()});
  ASSERT_TRUE(groups) << to_string(groups.error());
  const auto labels = [](std::string host, std::string port) {
    return Labels{{"__meta_dns_name", "_m._tcp.example.org"},
                  {"__meta_dns_srv_record_target", std::move(host)},
                  {"__meta_dns_srv_record_port", std::move(port)}};
  };
  EXPECT_THAT(*groups,
              ElementsAre(TargetGroup{{"a.example.org:9100"}, labels("a.example.org.", "9100")},
                          TargetGroup{{"db.example.org:9101"}, labels("db.example.org.", "9101")}));
  EXPECT_FALSE(read_services("x", {}));
}

TEST_F(DiscoveryTest, ATokenIsFetchedFirstAndKeptFresh) {
  auto one = job();
  one.groups = {{{"a:1"}, {}}};
  one.oauth = OAuthSource{.token_url = "http://login/token",
                          .client_id = "wellrun",
                          .client_secret = "s&cret",
                          .scopes = {"read", "more"}};
  world_.answers.emplace("http://login/token",
                         json(R"({"access_token":"first","expires_in":40,"token_type":"Bearer"})"));
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{2'500});
  ASSERT_FALSE(world_.asked.empty());
  EXPECT_EQ(world_.asked[0].url, "http://login/token");
  EXPECT_EQ(world_.asked[0].body, "grant_type=client_credentials&scope=read%20more");
  EXPECT_EQ(http::find_header(world_.asked[0].headers, "Authorization"),
            "Basic " + to_base64("wellrun:s%26cret"));
  EXPECT_EQ(http::find_header(world_.asked.back().headers, "Authorization"), "Bearer first");
  world_.answers.at("http://login/token") = json(R"({"access_token":"second"})");
  runtime_.run_for(Duration{31'000});
  EXPECT_EQ(http::find_header(world_.asked.back().headers, "Authorization"), "Bearer second");
}

/// Some authorization servers know one place alone: RFC 6749 asks for HTTP Basic, and lets them
/// leave out the body.
TEST_F(DiscoveryTest, CredentialsThatAreNotTakenAsBasicAreSentInTheBodyFromThenOn) {
  auto one = job();
  one.settings.target.interval = std::chrono::hours(1);
  one.groups = {{{"a:1"}, {}}};
  one.oauth = OAuthSource{
      .token_url = "http://login/token", .client_id = "wellrun", .client_secret = "s&cret"};
  world_.in_body_only = json(R"({"access_token":"first","expires_in":40})");
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{2'500});
  ASSERT_EQ(world_.asked.size(), 2U);
  EXPECT_EQ(world_.asked[1].body,
            "grant_type=client_credentials&client_id=wellrun&client_secret=s%26cret");
  EXPECT_EQ(http::find_header(world_.asked[1].headers, "Authorization"), "");
  EXPECT_THAT(discovery_->problems(), IsEmpty());
  runtime_.run_for(Duration{31'000});
  ASSERT_EQ(world_.asked.size(), 3U) << "where they were taken is not asked again";
  EXPECT_THAT(world_.asked[2].body, HasSubstr("client_secret="));
}

TEST_F(DiscoveryTest, WithoutATokenATargetIsDownAndNotAsked) {
  auto one = job();
  one.groups = {{{"a:1"}, {}}};
  one.oauth = OAuthSource{.token_url = "http://login/token", .client_id = "x"};
  world_.answers.emplace("http://login/token", http::Response{401, {}, ""});
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{5'000});
  EXPECT_THAT(world_.scraped(), IsEmpty());
  EXPECT_THAT(discovery_->problems(), ElementsAre(HasSubstr("status 401")));
  const auto targets = scraper_.status()["activeTargets"];
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0]["health"], "down");
  EXPECT_THAT(targets[0]["lastError"].get<std::string>(), HasSubstr("status 401"));
  world_.answers.at("http://login/token") = json(R"({"access_token":"first"})");
  runtime_.run_for(Duration{15'000});
  EXPECT_EQ(scraper_.status()["activeTargets"][0]["health"], "up");
}

TEST_F(DiscoveryTest, ATokenHoldsUntilThereIsOneForTheNewSecret) {
  auto one = job();
  one.groups = {{{"a:1"}, {}}};
  one.oauth = OAuthSource{.token_url = "http://login/token", .client_secret = "old"};
  world_.answers.emplace("http://login/token", json(R"({"access_token":"first"})"));
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{2'500});
  world_.answers.at("http://login/token") = http::Response{503, {}, ""};
  one.oauth->client_secret = "new";
  discovery_->set_jobs({one});
  runtime_.run_for(Duration{2'500});
  EXPECT_EQ(scraper_.status()["activeTargets"][0]["health"], "up");
  EXPECT_EQ(http::find_header(world_.asked.back().headers, "Authorization"), "Bearer first");
  world_.answers.at("http://login/token") = json(R"({"access_token":"second"})");
  runtime_.run_for(Duration{15'000});
  EXPECT_EQ(http::find_header(world_.asked.back().headers, "Authorization"), "Bearer second");
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
