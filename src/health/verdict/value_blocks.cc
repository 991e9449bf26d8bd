#include "health/verdict/value_blocks.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace wellrun::health {
namespace {

constexpr double kFreedomToLearn = 64;    // degrees of freedom before the first block is given out
constexpr double kClip = 4;               // deviations
constexpr double kMemory = 0.98;          // of spread, from block to block
constexpr double kSmallestSpread = 1e-4;  // of a logarithm or of the usual size: below is rounding

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double squares_about(const std::vector<double>& values, double centre) {
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return sum;
}

double steps_of(const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t i = 1; i < values.size(); ++i)
    sum += (values[i] - values[i - 1]) * (values[i] - values[i - 1]);
  return sum;
}

double smoothness(const std::vector<double>& values, double squares, double steps, double variance,
                  double step_variance) {
  const double count = static_cast<double>(values.size());
  step_variance = std::max(step_variance, kSmallestSpread * kSmallestSpread);
  const double r = std::log(count) / 2 - (count - 1) / 2 * std::log(step_variance / variance) -
                   steps / step_variance / 2 + squares / variance / 2;
  return std::clamp(r, -4.0, 4.0);
}

}  // namespace

double ValueBlocks::Spread::variance() const {
  return std::max(freedom > 0 ? squares / freedom : 0.0, kSmallestSpread * kSmallestSpread);
}

void ValueBlocks::add(Group group, double value) {
  Values& values = open_[static_cast<std::size_t>(group)];
  if (values.seen++ % values.stride != 0) return;
  if (values.kept.size() == kCapacity) {
    for (std::size_t i = 0; i < kCapacity / 2; ++i) values.kept[i] = values.kept[2 * i];
    values.kept.resize(kCapacity / 2);
    values.stride *= 2;
  }
  values.kept.push_back(value);
}

std::vector<Block> ValueBlocks::close(double tick_s) {
  if (std::ranges::any_of(open_, [](const Values& each) { return each.kept.size() < kEnough; }))
    return {};
  Raw raw{tick_s, {std::move(open_[0].kept), std::move(open_[1].kept)}};
  open_ = {};
  if (learned_) return {block_of(std::move(raw))};
  first_.push_back(std::move(raw));
  double freedom = 0;
  for (const auto& each : first_)
    freedom += static_cast<double>(each.values[0].size() + each.values[1].size()) - 2;
  if (freedom < kFreedomToLearn) return {};
  learn();
  std::vector<Block> blocks;
  for (auto& each : first_) blocks.push_back(block_of(std::move(each)));
  first_.clear();
  return blocks;
}

void ValueBlocks::discard() {
  open_ = {};
}

void ValueBlocks::learn() {
  learned_ = true;
  std::vector<double> sizes;
  for (const auto& raw : first_)
    for (const auto& values : raw.values)
      for (const double value : values) {
        logarithmic_ = logarithmic_ && value > 0;
        sizes.push_back(std::abs(value));
      }
  if (!logarithmic_) unit_ = std::max(mean(sizes), 1e-12);
  // The spread of all first blocks together stands in until there is more of each group.
  std::vector<double> deviations;
  for (const auto& raw : first_)
    for (std::size_t g = 0; g < 2; ++g) {
      std::vector<double> values;
      for (const double value : raw.values[g]) values.push_back(transformed(value));
      const double centre = median(values);
      const double count = static_cast<double>(values.size());
      const double own = std::sqrt(count / (count - 1));  // the centre is the values' own
      for (const double value : values) deviations.push_back(own * std::abs(value - centre));
    }
  // 1.25 mean absolute deviations are one standard deviation of a normal distribution.
  deviation_ = std::max(1.25 * mean(deviations), kSmallestSpread);
  for (auto& spread : spread_)
    spread = {deviation_ * deviation_ * 4, deviation_ * deviation_ * 6, 4};
}

double ValueBlocks::transformed(double value) const {
  if (!logarithmic_) return value / unit_;
  constexpr double kSmallest = 1e-300;
  return std::log(std::max(value, kSmallest));
}

Block ValueBlocks::block_of(Raw raw) {
  Block block{.time_s = raw.time_s};
  double squares = 0, freedom = 0;
  for (std::size_t g = 0; g < 2; ++g) {
    auto& values = raw.values[g];
    for (double& value : values) value = transformed(value);
    const double centre = median(values);
    for (double& value : values)
      value = std::clamp(value, centre - kClip * deviation_, centre + kClip * deviation_);
    const double level = mean(values);
    const double count = static_cast<double>(values.size());
    spread_[g].squares = kMemory * spread_[g].squares + squares_about(values, level);
    spread_[g].steps = kMemory * spread_[g].steps + steps_of(values);
    spread_[g].freedom = kMemory * spread_[g].freedom + count - 1;
    block.difference += g == 0 ? -level : level;
    block.noise_variance += spread_[g].variance() / count;
    block.value_variance += spread_[g].variance();
    block.smoothness += smoothness(values, squares_about(values, level), steps_of(values),
                                   spread_[g].variance(), spread_[g].steps / spread_[g].freedom);
    squares += spread_[g].squares;
    freedom += spread_[g].freedom;
  }
  deviation_ = std::max(std::sqrt(squares / freedom), kSmallestSpread);
  return block;
}

}  // namespace wellrun::health
