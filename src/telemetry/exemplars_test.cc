#include "telemetry/exemplars.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <snappy.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

const Labels kShop{{"__name__", "requests_total"}, {"job", "shop"}};
const Labels kStore{{"__name__", "requests_total"}, {"job", "store"}};

Exemplar at(std::int64_t time_ms, std::string trace = "abc") {
  return {.labels = Labels{{"trace_id", std::move(trace)}}, .value = 1, .time_ms = time_ms};
}

TEST(Exemplars, AreKeptOnceAndInOrderOfTime) {
  ExemplarStore store;
  EXPECT_EQ(store.add(kShop, at(10)), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kShop, at(10)), ExemplarStore::Added::kSame);
  EXPECT_EQ(store.add(kShop, at(5)), ExemplarStore::Added::kOutOfOrder);
  EXPECT_EQ(store.add(kStore, at(5)), ExemplarStore::Added::kNew);
  // Two of one time, told again at each scrape, are kept once.
  EXPECT_EQ(store.add(kStore, at(7, "a")), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kStore, at(7, "b")), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kStore, at(7, "a")), ExemplarStore::Added::kOutOfOrder);
  EXPECT_EQ(store.add(kStore, at(7, "b")), ExemplarStore::Added::kSame);
  EXPECT_EQ(store.add(kShop, at(20, std::string(130, 'x'))), ExemplarStore::Added::kTooLong);
  EXPECT_EQ(store.add(kShop, at(20, "\xff\xfe")), ExemplarStore::Added::kNotText);
  EXPECT_EQ(store.size(), 4U);
}

TEST(Exemplars, AreFoundByMatchersAndTime) {
  ExemplarStore store;
  store.add(kShop, at(10, "one"));
  store.add(kShop, at(20, "two"));
  store.add(kStore, at(15, "three"));
  const auto sets = compile_all({{{Matcher::Kind::kRegex, "job", "sh.*"}}});
  ASSERT_TRUE(sets);
  const auto found = store.select(*sets, {11, 30});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].series, kShop);
  ASSERT_EQ(found[0].exemplars.size(), 1U);
  EXPECT_EQ(found[0].exemplars[0].labels.get("trace_id"), "two");
  EXPECT_EQ(store.select({}, {0, 100}).size(), 2U);
}

TEST(Exemplars, TheOldestGoWhenThereAreTooManyOrTheyAreTooLarge) {
  ExemplarStore few({.max_count = 3});
  for (int i = 0; i < 10; ++i) few.add(i % 2 == 0 ? kShop : kStore, at(i, std::to_string(i)));
  EXPECT_EQ(few.size(), 3U);
  const auto kept = few.select({}, {0, 100});
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].exemplars.back().labels.get("trace_id"), "8");

  ExemplarStore small({.max_count = 1'000'000, .max_bytes = 100'000});
  for (int i = 0; i < 20'000; ++i)
    small.add(Labels{{"__name__", "m"}, {"n", std::to_string(i)}}, at(i));
  EXPECT_LT(small.size(), 1000U);
  EXPECT_GT(small.size(), 10U);
}

TEST(Exemplars, OneWithTheTimeOfItsScrapeIsTheSameAtTheNextScrape) {
  ExemplarStore store;
  auto scraped = at(10);
  scraped.has_own_time = false;
  EXPECT_EQ(store.add(kShop, scraped), ExemplarStore::Added::kNew);
  scraped.time_ms = 20;
  EXPECT_EQ(store.add(kShop, scraped), ExemplarStore::Added::kSame);
  EXPECT_EQ(store.add(kShop, at(20)), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kShop, at(30)), ExemplarStore::Added::kNew);
}

class DurableExemplars : public ::testing::Test {
 protected:
  DurableExemplars() {
    std::string name =
        (std::filesystem::temp_directory_path() / "wellrun-exemplars-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    open();
  }
  ~DurableExemplars() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void open(ExemplarLimits limits = {}) {
    store_.reset();
    auto opened = ExemplarStore::open(dir_ / "exemplars", limits);
    ASSERT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
  }
  std::vector<std::string> traces() const {
    std::vector<std::string> out;
    for (const auto& series : store_->select({}, {0, INT64_MAX}))
      for (const auto& exemplar : series.exemplars)
        out.emplace_back(exemplar.labels.get("trace_id"));
    return out;
  }
  std::uintmax_t bytes_on_disk() const {
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(dir_ / "exemplars"))
      bytes += file.file_size();
    return bytes;
  }

  std::filesystem::path dir_;
  std::unique_ptr<ExemplarStore> store_;
};

TEST_F(DurableExemplars, AreThereAfterARestartAsFarAsTheyWereCommitted) {
  store_->add(kShop, at(10, "one"));
  store_->add(kStore, at(11, "two"));
  store_->commit();
  store_->add(kShop, at(20, "three"));
  open();
  EXPECT_EQ(traces(), (std::vector<std::string>{"one", "two"}));
  store_->add(kShop, at(30, "four"));
  store_->commit();
  open();
  EXPECT_EQ(traces(), (std::vector<std::string>{"one", "four", "two"}));
  EXPECT_EQ(store_->select({}, {0, 100})[0].exemplars[1].value, 1.0);
  EXPECT_EQ(store_->select({}, {0, 100})[0].exemplars[1].time_ms, 30);
}

TEST_F(DurableExemplars, OneWithTheTimeOfItsScrapeIsTheSameAfterARestart) {
  auto scraped = at(10, "one");
  scraped.has_own_time = false;
  store_->add(kShop, at(5, "one"));
  store_->add(kShop, scraped);
  store_->commit();
  open();
  EXPECT_EQ(store_->size(), 2U);
  scraped.time_ms = 20;
  EXPECT_EQ(store_->add(kShop, scraped), ExemplarStore::Added::kSame);
  EXPECT_EQ(store_->add(kShop, at(20, "one")), ExemplarStore::Added::kNew);
}

TEST_F(DurableExemplars, WhatAnOldLogHoldsThatIsNotTextIsLeftOut) {
  store_->add(kShop, at(10, "one"));
  store_->commit();
  std::string plain, packed;
  for (const auto& exemplar : {at(20, "\xff"), at(30, "three")}) {
    store::put_text(plain, store::label_bytes(kShop));
    store::put_text(plain, store::label_bytes(exemplar.labels));
    store::put_varint(plain, store::zigzag(exemplar.time_ms));
    store::put_fixed(plain, exemplar.value);
  }
  snappy::Compress(plain.data(), plain.size(), &packed);
  packed.insert(0, 1, '\x01');
  store_.reset();
  {
    store::WalOptions options;
    options.dir = dir_ / "exemplars";
    auto log = store::Wal::open(std::move(options), 2);
    ASSERT_TRUE(log) << to_string(log.error());
    const auto bytes = store::wal_record_bytes(packed.size());
    ASSERT_TRUE((*log)->reserve(bytes));
    (*log)->enqueue(packed);
    ASSERT_TRUE((*log)->commit(bytes));
  }
  open();
  EXPECT_EQ(traces(), (std::vector<std::string>{"one", "three"}));
}

TEST_F(DurableExemplars, ADamagedStretchCostsItselfAlone) {
  for (int i = 0; i < 50; ++i) {
    store_->add(kShop, at(i + 1, fmt::format("trace-{}", i)));
    store_->commit();
  }
  const auto file = dir_ / "exemplars" / "00000001.log";
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
  bytes.put('\xff').put('\x00');
  bytes.close();
  open();
  EXPECT_GE(traces().size(), 48U);
  EXPECT_LT(traces().size(), 50U);
  EXPECT_EQ(traces().front(), "trace-0");
  EXPECT_EQ(traces().back(), "trace-49");
}

TEST_F(DurableExemplars, TheLogIsBoundedAndHoldsWhatTheRingHolds) {
  const ExemplarLimits limits{.max_count = 100'000, .max_bytes = 200'000};
  open(limits);
  for (int i = 0; i < 30'000; ++i) {
    store_->add(kShop,
                at(i, fmt::format("{:032x}", static_cast<std::uint64_t>(i) * 2'654'435'761ULL)));
    if (i % 100 == 99) store_->commit();
  }
  EXPECT_LT(bytes_on_disk(), 2 * limits.max_bytes + 100'000);
  const auto before = traces();
  EXPECT_GT(before.size(), 500U);
  open(limits);
  EXPECT_EQ(traces(), before);
}

}  // namespace
}  // namespace wellrun::telemetry
