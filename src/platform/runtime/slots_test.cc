#include "platform/runtime/slots.h"

#include <gtest/gtest.h>

namespace wellrun {
namespace {

using namespace std::chrono_literals;

TEST(Slots, TheNextOneIsAlwaysAheadAndAMomentTooEarlyIsNotASecondTurn) {
  struct Case {
    Duration now, interval, offset, wait;
  };
  for (const auto& [now, interval, offset, wait] : {
           Case{100s, 15s, 0s, 5s},
           Case{105s, 15s, 0s, 15s},
           Case{105s, 15s, 4s, 4s},
           Case{-1s, 15s, 0s, 1s},
           Case{-20s, 15s, 4s, 9s},
           Case{105s - 40ms, 15s, 0s, 40ms},
           Case{105s - 20ms, 15s, 0s, 15s + 20ms},
           Case{7ms, 1ms, 0ms, 1ms},
       }) {
    EXPECT_EQ(until_slot(Timestamp{now}, interval, offset), wait) << now.count();
  }
}

}  // namespace
}  // namespace wellrun
