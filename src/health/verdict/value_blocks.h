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
// Transform, size and scatter are learned from the first blocks, and anew when the metric leaves
// them: zeros where there were only logarithms, both groups far above or below the usual size,
// readings that scatter where they had been still. Blocks before and after cannot be compared.
//
// Not thread-safe. Memory is bounded: at most kCapacity values a group and block; beyond, evenly
// every second one goes. While a scale is learned at most 64 blocks are kept.

#include <array>
#include <cstdint>
#include <vector>

#include "health/verdict/coarseness.h"

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
  bool begins = false;    ///< the first of a scale learned anew: forget the blocks before
};

class ValueBlocks {
 public:
  static constexpr std::size_t kCapacity = 512;
  static constexpr std::size_t kEnough = 5;  ///< values a group for one block

  /// `value` is finite.
  void add(Group group, double value);

  /// The blocks that can be given out at `tick_s`: none or one; several when scale and transform
  /// have just been learned, the first of which says `begins`. Ticks never go back.
  std::vector<Block> close(double tick_s);

  /// Throws away the values of the open block.
  void discard();

  /// False until scale and transform are known (also while they are learned anew): too few values,
  /// or nearly all of them zero, which is no size to compare with.
  bool learned() const { return learned_; }
  bool logarithmic() const { return logarithmic_; }
  /// What one unit of a linear difference is in the metric's own unit; 1 until known.
  double unit() const;
  /// By how much a reading usually moves, if readings often stay as they are; else 0. On the scale
  /// of the differences.
  double usual_step() const;
  /// Whether readings mostly stay as they are, and scatter less than their steps.
  bool is_coarse() const;

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

  std::vector<Block> learn_from(Raw raw);
  bool is_enough() const;
  void learn();
  void learn_scatter();
  static bool has_many_zeros(const Raw& raw);
  bool has_left_scale(const Raw& raw);
  double transformed(double value) const;
  Block block_of(Raw raw);

  std::array<Values, 2> open_;
  std::vector<Raw> first_;  ///< until learned
  bool learned_ = false;
  bool logarithmic_ = true;
  double unit_ = 1;       ///< as learned
  double deviation_ = 0;  ///< of single values within a group and block
  std::array<Spread, 2> spread_;
  std::array<double, 2> sizes_{};  ///< mean absolute value of late, each group
  Coarseness coarseness_;
};

}  // namespace wellrun::health
