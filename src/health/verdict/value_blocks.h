#pragma once

// From single values (latencies of sampled requests, readings of a gauge) to differences between
// two groups in short blocks of time. Within a block both groups share the season, the drift and
// the incident of the moment, so those cancel. A block closes at a tick by which each group has
// enough values; it is as short as the sparser group allows.
//
// Positive metrics are compared by their logarithm, so that an effect is a ratio; others by the
// difference over the usual size. Single wild values are drawn in (to four deviations from the
// group's median in the block).
//
// Not thread-safe. Memory is bounded: at most kCapacity values a group and block; beyond, evenly
// every second one goes.

#include <array>
#include <cstdint>
#include <vector>

namespace wellrun::health {

enum class Group { kBaseline, kCanary };
constexpr std::array<Group, 2> kGroups{Group::kBaseline, Group::kCanary};

/// One block: canary minus baseline.
struct Block {
  double time_s = 0;          ///< the tick that closed it
  double difference = 0;      ///< of robust means, log or scaled
  double noise_variance = 0;  ///< of `difference`, from the spread within the groups
  double value_variance =
      0;  ///< of a single value's difference: both groups' spread within the block, added
  double smoothness = 0;  ///< log likelihood ratio: values follow each other like a gauge's,
                          ///< against independent ones
};

class ValueBlocks {
 public:
  static constexpr std::size_t kCapacity = 512;
  static constexpr std::size_t kEnough = 5;  ///< values a group for one block

  /// `value` is finite.
  void add(Group group, double value);

  /// The blocks that can be given out at `tick_s`: none or one; the first time several, since scale
  /// and transform are learned from the first few blocks. Ticks never go back.
  std::vector<Block> close(double tick_s);

  /// Throws away the values of the open block.
  void discard();

  bool logarithmic() const { return logarithmic_; }
  /// What one unit of a linear difference is in the metric's own unit; 1 until known.
  double unit() const { return unit_; }

 private:
  struct Values {
    std::vector<double> kept;
    std::uint64_t seen = 0;
    std::uint64_t stride = 1;
  };
  struct Raw {
    double time_s = 0;
    std::array<std::vector<double>, 2> values;
  };
  struct Spread {
    double squares = 0, steps = 0, freedom = 0;  ///< about the mean; between neighbours
    double variance() const;
  };

  void learn();
  double transformed(double value) const;
  Block block_of(Raw raw);

  std::array<Values, 2> open_;
  std::vector<Raw> first_;  ///< until learned
  bool learned_ = false;
  bool logarithmic_ = true;
  double unit_ = 1;
  double deviation_ = 0;  ///< of single values within a group and block
  std::array<Spread, 2> spread_;
};

}  // namespace wellrun::health
