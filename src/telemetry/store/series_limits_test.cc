// Limits of series per owner, in the store: who is counted where, who is refused, and that others
// notice nothing.

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry {
namespace {

class SeriesLimits : public ::testing::Test {
 protected:
  SeriesLimits() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-limits-XXXXXX").string();
    options_.dir = ::mkdtemp(name.data());
    options_.min_free_bytes = 0;
    options_.retention = std::chrono::hours(2);
    open();
    store_->set_owners(rules_);
  }
  ~SeriesLimits() override {
    store_.reset();
    std::filesystem::remove_all(options_.dir);
  }
  void open() {
    store_.reset();
    auto opened = EmbeddedStore::open(options_, runtime_.runtime());
    ASSERT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
  }
  /// One sample of each of the series [first, last) of `job`.
  WriteOutcome write(const std::string& job, int first, int last, int step = 0) {
    std::vector<SeriesWrite> series;
    for (int i = first; i < last; ++i) {
      SeriesWrite one;
      one.labels = {{"__name__", "m"}, {"id", fmt::format("{:04}", i)}, {"job", job}};
      one.samples = {{to_unix_ms(runtime_.now()) + step, static_cast<double>(i)}};
      series.push_back(std::move(one));
    }
    auto outcome = store_->write(std::move(series));
    EXPECT_TRUE(outcome) << to_string(outcome.error());
    return outcome ? *outcome : WriteOutcome{};
  }
  OwnerUsage owner(const std::string& workload, const std::string& job = {}) const {
    for (const auto& one : store_->owners())
      if (one.workload == workload && one.job == job) return one;
    return {};
  }

  VirtualRuntime runtime_;
  EmbeddedStoreOptions options_;
  std::unique_ptr<EmbeddedStore> store_;
  OwnerRules rules_{.workloads = {{"shop", 10}, {"mail", 0}},
                    .workload_of_job = {{"checkout", "shop"}, {"cart", "shop"}, {"smtp", "mail"}},
                    .default_max_series = 100};
};

TEST_F(SeriesLimits, AnOwnerAtItsLimitGetsNoNewSeriesAndItsKnownOnesGoOn) {
  const auto outcome = write("checkout", 0, 15);
  EXPECT_EQ(outcome.samples_written, 10u);
  EXPECT_EQ(outcome.rejected, 5u);
  EXPECT_NE(outcome.first_rejection.find(R"(workload "shop" has 10 series, and its limit is 10)"),
            std::string::npos)
      << outcome.first_rejection;
  const auto again = write("checkout", 0, 15, 1);
  EXPECT_EQ(again.samples_written, 10u);
  EXPECT_EQ(again.rejected, 5u);
  const auto shop = owner("shop");
  EXPECT_EQ(shop.series, 10u);
  EXPECT_TRUE(shop.at_limit());
  EXPECT_EQ(shop.refused, 10u);
  EXPECT_EQ(shop.refused_ms, to_unix_ms(runtime_.now()));
  EXPECT_EQ(shop.refused_series, R"(m{id="0010", job="checkout"})");
}

TEST_F(SeriesLimits, AFloodInOneWriteIsTakenUpToTheLimitWhateverItsLabelsAreLike) {
  // Longer than what is made at once; of some the labels are not in order, some come twice.
  SampleBatch batch;
  std::vector<std::string> bytes;
  for (int i = 0; i < 1000; ++i) {
    const auto label = [](std::string_view name, std::string_view value) {
      const auto field = [](char tag, std::string_view text) {
        return std::string{tag, static_cast<char>(text.size())}.append(text);
      };
      return field('\x0a', field('\x0a', name) + field('\x12', value));
    };
    const auto id = fmt::format("{}", i % 3 == 2 ? i - 1 : i);
    const auto name = label("__name__", "m"), job = label("job", i < 500 ? "flood" : "calm");
    bytes.push_back(i % 3 == 0 ? job + label("id", id) + name : name + label("id", id) + job);
  }
  for (const auto& one : bytes) {
    batch.series.push_back({.labels = one, .sample_count = 1});
    batch.samples.push_back({to_unix_ms(runtime_.now()), 1});
  }
  rules_.default_max_series = 200;
  rules_.workload_of_job["calm"] = "mail";
  rules_.workloads["mail"] = 1000;
  store_->set_owners(rules_);
  const auto outcome = store_->write_batch(batch);
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  // Of each three, two are different series.
  EXPECT_EQ(owner("", "flood").series, 200u);
  EXPECT_EQ(owner("mail").series, 334u);
  EXPECT_EQ(outcome->samples_written + outcome->rejected, 1000u);
  EXPECT_EQ(owner("", "flood").refused, outcome->rejected);
  EXPECT_GE(outcome->rejected, 333u - 200u);
  EXPECT_LE(outcome->rejected, 500u - 200u);
  const auto again = store_->write_batch(batch);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->rejected, outcome->rejected) << "those that are known go on";
}

TEST_F(SeriesLimits, OthersInTheSameWriteAreTaken) {
  write("cart", 0, 10);
  std::vector<SeriesWrite> series;
  for (const auto* job : {"checkout", "smtp", "unknown"}) {
    SeriesWrite one;
    one.labels = {{"__name__", "n"}, {"job", job}};
    one.samples = {{to_unix_ms(runtime_.now()), 1}};
    series.push_back(std::move(one));
  }
  const auto outcome = store_->write(std::move(series));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->samples_written, 2u);
  EXPECT_EQ(outcome->rejected, 1u);
}

TEST_F(SeriesLimits, TheDefaultHoldsForWorkloadsWithoutOneAndForJobsThatAreNobodys) {
  EXPECT_EQ(write("smtp", 0, 120).rejected, 20u);
  EXPECT_EQ(write("stray", 0, 120).rejected, 20u);
  EXPECT_EQ(owner("mail").series, 100u);
  EXPECT_EQ(owner("", "stray").series, 100u);
  EXPECT_EQ(owner("", "stray").max_series, 100u);
}

TEST_F(SeriesLimits, ASeriesBelongsByItsWorkloadItsJobItsServiceOrWhatIsBehindTheNamespace) {
  const std::vector<std::pair<Labels, std::string>> cases{
      {{{"__name__", "a"}, {"job", "other"}, {"workload", "mail"}}, "mail"},
      {{{"__name__", "a"}, {"job", "checkout"}, {"workload", "nothing such"}}, "shop"},
      {{{"__name__", "a"}, {"job", "eu/checkout"}}, "shop"},
      {{{"__name__", "a"}, {"job", "x"}, {"service_name", "smtp"}}, "mail"},
      {{{"__name__", "a"}, {"job", "smtp/x"}}, ""},
      {{{"__name__", "b"}}, ""}};
  for (const auto& [labels, workload] : cases) {
    const auto before = owner(workload).series;
    std::vector<SeriesWrite> series(1);
    series[0].labels = labels;
    series[0].samples = {{to_unix_ms(runtime_.now()), 1}};
    ASSERT_TRUE(store_->write(std::move(series)));
    if (!workload.empty()) EXPECT_EQ(owner(workload).series, before + 1) << to_string(labels);
  }
  EXPECT_EQ(owner("", "smtp/x").series, 1u);
  EXPECT_EQ(owner("", "").series, 1u);
}

TEST_F(SeriesLimits, ANewCatalogCountsAnewWhatIsStored) {
  write("checkout", 0, 8);
  write("smtp", 0, 8);
  rules_.workload_of_job["smtp"] = "shop";
  rules_.workloads["shop"] = 12;
  store_->set_owners(rules_);
  EXPECT_EQ(owner("shop").series, 16u);
  EXPECT_EQ(owner("mail").series, 0u);
  EXPECT_EQ(write("smtp", 8, 9).rejected, 1u);
  rules_.workloads["shop"] = 17;
  store_->set_owners(rules_);
  EXPECT_EQ(write("smtp", 8, 10).rejected, 1u);
}

TEST_F(SeriesLimits, TheCountsAreThereAfterARestart) {
  write("checkout", 0, 10);
  write("stray", 0, 3);
  open();
  store_->set_owners(rules_);
  EXPECT_EQ(owner("shop").series, 10u);
  EXPECT_EQ(owner("", "stray").series, 3u);
  EXPECT_EQ(write("checkout", 10, 11).rejected, 1u);
  EXPECT_EQ(write("checkout", 9, 10, 1).rejected, 0u);
}

TEST_F(SeriesLimits, WhatRetentionTookMakesRoom) {
  write("checkout", 0, 10);
  ASSERT_TRUE(store_->checkpoint());
  runtime_.run_for(std::chrono::hours(3));
  ASSERT_TRUE(store_->prune());
  EXPECT_EQ(owner("shop").series, 0u);
  EXPECT_EQ(write("checkout", 20, 25).rejected, 0u);
}

TEST_F(SeriesLimits, WhoMakesThemCanBeAskedForOneOwner) {
  write("checkout", 0, 7);
  write("smtp", 0, 5);
  const auto found = store_->cardinality_of(owner("shop"), 10);
  EXPECT_EQ(found.series, 7u);
  ASSERT_FALSE(found.series_by_metric.empty());
  EXPECT_EQ(found.series_by_metric[0].name, "m");
  EXPECT_EQ(found.series_by_metric[0].value, 7u);
  EXPECT_EQ(found.values_by_label[0].name, "id");
  EXPECT_EQ(found.values_by_label[0].value, 7u);
  const auto matching =
      store_->cardinality_of(std::vector<Matcher>{{Matcher::Kind::kRegex, "id", "000[0-2]"}}, 10);
  ASSERT_TRUE(matching);
  EXPECT_EQ(matching->series, 6u);
}

}  // namespace
}  // namespace wellrun::telemetry
