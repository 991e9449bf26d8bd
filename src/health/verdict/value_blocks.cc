#include "health/verdict/value_blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace wellrun::health {
namespace {

constexpr double kFreedomToLearn = 64;    // degrees of freedom before the first block is given out
constexpr double kClip = 4;               // deviations
constexpr double kMemory = 0.98;          // of spread, from block to block
constexpr double kSmallestSpread = 1e-4;  // of a logarithm or of the usual size: below is rounding
// Of a block's difference. A third of the change that matters (JudgePolicy: 3 %): steadier blocks
// find it no sooner, but would swear that there is no wander until the first of it looks like a
// change.
constexpr double kSmallestDeviation = 0.01;
constexpr std::size_t kNonZerosToLearn = 5;  // a size that fewer values tell is none
constexpr std::size_t kMostToLearn = 64;     // blocks kept meanwhile
constexpr double kScale = 4;                 // sizes so many times larger or smaller are others
constexpr double kSizeMemory = 0.9;          // from block to block
constexpr double kStrayZeros = 0.05;         // of a block's values
constexpr double kStill = 5;  // a typical distance of so many deviations is another scatter

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

double mean_distance(const std::vector<double>& values, double from) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value - from);
  return sum / static_cast<double>(values.size());
}

/// Of the middle value; one wild value does not change it.
double median_distance(std::vector<double> values, double from) {
  for (double& value : values) value = std::abs(value - from);
  return median(std::move(values));
}

bool is_zero(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value == 0; });
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
  if (learned_ && has_left_scale(raw)) learned_ = false;
  if (learned_) return {block_of(std::move(raw))};
  return learn_from(std::move(raw));
}

std::vector<Block> ValueBlocks::learn_from(Raw raw) {
  // Before anything happens there is no size to learn, and after it zeros would make it too small.
  if (first_.empty() && is_zero(raw.values[0]) && is_zero(raw.values[1])) return {};
  first_.push_back(std::move(raw));
  if (first_.size() > kMostToLearn) first_.erase(first_.begin());
  if (!is_enough()) return {};
  learn();
  std::vector<Block> blocks;
  for (auto& each : first_) blocks.push_back(block_of(std::move(each)));
  blocks.front().begins = true;
  first_.clear();
  return blocks;
}

bool ValueBlocks::is_enough() const {
  double freedom = 0;
  std::size_t others = 0;
  for (const auto& each : first_)
    for (const auto& values : each.values) {
      freedom += static_cast<double>(values.size()) - 1;
      others += values.size() - static_cast<std::size_t>(std::ranges::count(values, 0.0));
    }
  return freedom >= kFreedomToLearn && others >= kNonZerosToLearn;
}

void ValueBlocks::discard() {
  open_ = {};
}

void ValueBlocks::learn() {
  learned_ = logarithmic_ = true;
  double sum = 0, count = 0, resolution = 1;
  for (const auto& raw : first_)
    for (const auto& values : raw.values)
      for (const double value : values) {
        logarithmic_ = logarithmic_ && value > 0;
        sum += std::abs(value);
        ++count;
        resolution = std::min(resolution, decimal_resolution(value));
      }
  const double size = sum / count;
  unit_ = logarithmic_ ? 1 : size;
  sizes_ = {size, size};
  coarseness_ = {};
  coarseness_.set_resolution(resolution / size);
  learn_scatter();
}

// The spread of all first blocks together stands in until there is more of each group.
void ValueBlocks::learn_scatter() {
  double sum = 0, total = 0;
  for (const auto& raw : first_)
    for (auto values : raw.values) {
      for (double& value : values) value = transformed(value);
      const double count = static_cast<double>(values.size());
      const double own = std::sqrt(count / (count - 1));  // the centre is the values' own
      sum += own * count * mean_distance(values, median(values));
      total += count;
    }
  // 1.25 mean absolute deviations are one standard deviation of a normal distribution.
  deviation_ = std::max(1.25 * sum / total, kSmallestSpread);
  for (auto& spread : spread_)
    spread = {deviation_ * deviation_ * 4, deviation_ * deviation_ * 6, 4};
}

// A stray zero is a wild value and is drawn in like one.
bool ValueBlocks::has_many_zeros(const Raw& raw) {
  double zeros = 0, count = 0;
  for (const auto& values : raw.values) {
    zeros +=
        static_cast<double>(std::ranges::count_if(values, [](double value) { return value <= 0; }));
    count += static_cast<double>(values.size());
  }
  return zeros > std::max(1.0, kStrayZeros * count);
}

// Both groups have to leave it: a canary that does so alone is what the judge is there for.
bool ValueBlocks::has_left_scale(const Raw& raw) {
  if (logarithmic_ && has_many_zeros(raw)) return true;
  for (std::size_t g = 0; g < 2; ++g)
    sizes_[g] = kSizeMemory * sizes_[g] + (1 - kSizeMemory) * mean_distance(raw.values[g], 0);
  if (!logarithmic_ &&
      (std::ranges::min(sizes_) > kScale * unit_ || std::ranges::max(sizes_) < unit_ / kScale))
    return true;
  double scatter = std::numeric_limits<double>::infinity();
  for (auto values : raw.values) {
    for (double& value : values) value = transformed(value);
    scatter = std::min(scatter, median_distance(values, median(values)));
  }
  return scatter > kStill * std::max({deviation_, coarseness_.step(), kSmallestDeviation});
}

double ValueBlocks::usual_step() const {
  return coarseness_.step() * std::min(1.0, 2 * coarseness_.held());
}

bool ValueBlocks::is_coarse() const {
  return coarseness_.is_coarse((spread_[0].variance() + spread_[1].variance()) / 2);
}

// It follows a service that fills up, so that a difference stays a share of the level.
double ValueBlocks::unit() const {
  return logarithmic_ ? 1 : std::max(unit_, std::ranges::min(sizes_));
}

double ValueBlocks::transformed(double value) const {
  if (!logarithmic_) return value / unit();
  constexpr double kSmallest = 1e-300;
  return std::log(std::max(value, kSmallest));
}

Block ValueBlocks::block_of(Raw raw) {
  Block block{.time_s = raw.time_s};
  coarseness_.age();
  for (auto& values : raw.values) {
    for (double& value : values) value = transformed(value);
    coarseness_.add(values);
  }
  const double reach = kClip * std::max(deviation_, is_coarse() ? coarseness_.step() : 0);
  double squares = 0, freedom = 0;
  for (std::size_t g = 0; g < 2; ++g) {
    auto& values = raw.values[g];
    const double centre = median(values);
    for (double& value : values) value = std::clamp(value, centre - reach, centre + reach);
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
  block.noise_variance =
      std::max(block.noise_variance + 2 * coarseness_.variance(block.value_variance / 2),
               kSmallestDeviation * kSmallestDeviation);
  deviation_ = std::max(std::sqrt(squares / freedom), kSmallestSpread);
  return block;
}

}  // namespace wellrun::health
