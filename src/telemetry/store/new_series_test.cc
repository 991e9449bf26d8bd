// Reading series by what they do not share with the one before, against reading each alone.

#include "telemetry/store/new_series.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

using Random = std::mt19937_64;

template <typename T, std::size_t N>
const T& any_of(Random& random, const T (&choices)[N]) {
  return choices[random() % N];
}

/// Values that end alike, that look like pairs, or that are not there.
std::string random_value(Random& random) {
  return any_of<std::string>(random, {"", "", "a", "0.1", "0.01", "x0.01",
                                      "\n\x06\n\x01z\x12\x01"
                                      "a",
                                      "\n\x08\n\x03job\x12\x01"
                                      "b",
                                      "caf\xC3\xA9", "a longer one, of 24 bytes"});
}

Labels random_labels(Random& random) {
  Labels labels{{"__name__", any_of(random, {"up", "http_total"})}};
  for (const auto* name : {"Zone", "code", "job", "le", "service_name", "workload", "z"})
    labels.set(name, random_value(random));
  return labels;
}

/// As another sender, or a broken one, would have them.
std::string changed(Random& random, std::string bytes) {
  if (bytes.empty()) return bytes;
  switch (random() % 4) {
    case 0:
      bytes[random() % bytes.size()] = any_of(random, {'\n', '\x12', '\x01', 'a', '\xC3', '\xFF'});
      break;
    case 1:
      bytes.erase(random() % bytes.size(), 1 + random() % 9);
      break;
    case 2:
      bytes.insert(random() % bytes.size(), bytes.substr(random() % bytes.size(), random() % 20));
      break;
    default:
      break;
  }
  return bytes;
}

TEST(NewSeriesReader, says_of_each_series_what_it_would_say_of_it_alone) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    std::vector<std::string> sent;
    for (int i = 0; i < 500; ++i) {
      auto bytes = label_bytes(random_labels(random));
      // Often the one before again, with one thing changed.
      if (i > 0 && random() % 2 == 0) bytes = sent.back();
      sent.push_back(random() % 3 == 0 ? changed(random, bytes) : bytes);
    }
    NewSeriesReader reader;
    std::size_t taken = 0;
    for (const auto& bytes : sent) {
      const auto canonical = canonical_label_bytes(bytes, 1U << 16);
      const bool is_canonical = canonical && *canonical == bytes;
      ASSERT_EQ(is_canonical_label_bytes(bytes), is_canonical);
      const auto read = reader.read(bytes);
      ASSERT_EQ(read.has_value(), is_canonical);
      if (!read) continue;
      ++taken;
      ASSERT_EQ(read->labels, bytes);
      ASSERT_EQ(read->hash, hash_of_labels(bytes));
      ASSERT_EQ(read->owner, OwnerLabels(bytes));
    }
    EXPECT_GT(taken, 200U);
    EXPECT_LT(taken, 480U);
  }
}

TEST(SharedPairs, are_the_whole_pairs_at_both_ends) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    for (int i = 0; i < 500; ++i) {
      const auto labels = random_labels(random);
      auto others = random_labels(random);
      if (i % 2 == 0) {
        others = labels;
        others.set(any_of(random, {"Zone", "le", "z", "zz"}), random_value(random));
      }
      const auto a = label_bytes(labels);
      const auto b = label_bytes(others);
      const auto shared = shared_pairs(a, b);
      const std::vector<Label> pairs(labels.begin(), labels.end());
      const std::vector<Label> other_pairs(others.begin(), others.end());
      const auto most = std::min(pairs.size(), other_pairs.size());
      std::size_t front = 0;
      while (front < most && pairs[front] == other_pairs[front]) ++front;
      std::size_t back = 0;
      while (back < most - front &&
             pairs[pairs.size() - 1 - back] == other_pairs[other_pairs.size() - 1 - back])
        ++back;
      ASSERT_EQ(shared.front_count, front);
      ASSERT_EQ(shared.replaced_count, pairs.size() - front - back);
      const auto between = std::span(pairs).subspan(front, pairs.size() - front - back);
      ASSERT_EQ(shared.between(a), label_bytes(Labels({between.begin(), between.end()})));
      ASSERT_EQ(a.substr(a.size() - shared.back_bytes), b.substr(b.size() - shared.back_bytes));
      ASSERT_EQ(a.substr(0, shared.front_bytes), b.substr(0, shared.front_bytes));
    }
  }
}

}  // namespace
}  // namespace wellrun::telemetry::store
