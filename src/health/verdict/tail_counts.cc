#include "health/verdict/tail_counts.h"

#include <algorithm>
#include <cmath>

namespace wellrun::health {
namespace {

constexpr double kFewestAbove = 2;

}  // namespace

void TailCounts::add(Group group, double value) {
  auto& values = open_[static_cast<std::size_t>(group)];
  if (values.size() < kCapacity) values.push_back(value);
}

std::optional<TailBlock> TailCounts::close() {
  std::vector<double> both;
  for (const auto& values : open_) {
    if (values.size() < ValueBlocks::kEnough) return std::nullopt;
    both.insert(both.end(), values.begin(), values.end());
  }
  constexpr double kRounding = 1e-9;  // a tenth of forty is four
  const double above = std::floor((1 - quantile_) * static_cast<double>(both.size()) + kRounding);
  if (above < kFewestAbove) return std::nullopt;
  const auto limit = both.end() - static_cast<std::ptrdiff_t>(above) - 1;
  std::nth_element(both.begin(), limit, both.end());
  TailBlock block;
  for (std::size_t g = 0; g < open_.size(); ++g) {
    const auto higher =
        std::ranges::count_if(open_[g], [&](double value) { return value > *limit; });
    block[g] = {static_cast<double>(higher), static_cast<double>(open_[g].size())};
  }
  discard();
  return block;
}

}  // namespace wellrun::health
