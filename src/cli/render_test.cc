#include "cli/render.h"

#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

TEST(Cell, AShareBelowOneIsNeverShownAsAll) {
  const auto shown = [](double share) {
    return cell({{"sli", share}}, {"SLI", "sli", Column::Form::kPercent}, Timestamp{});
  };
  EXPECT_EQ(shown(0.9995), "99.95 %");
  EXPECT_EQ(shown(1), "100.00 %");
  EXPECT_EQ(shown(0.99999), "99.999 %");
  EXPECT_EQ(shown(0.99996), "99.996 %");
  EXPECT_EQ(shown(1 - 1e-16), "< 100 %");
  EXPECT_EQ(shown(-0.5), "-50.00 %");
  EXPECT_EQ(shown(2), "200.00 %");
}

TEST(Cell, WhatIsCrossedAlreadyIsNotExpected) {
  const auto now = from_unix_ms(1'767'225'600'000);
  const auto shown = [&](const char* expected, bool beyond) {
    return cell({{"expected", expected}, {"beyond", beyond}},
                {"EXPECTED", "expected", Column::Form::kForetold}, now);
  };
  EXPECT_EQ(shown("2026-01-01T00:07:00Z", false), "in 7 min");
  EXPECT_EQ(shown("2026-01-01T00:07:00Z", true), "already");
  EXPECT_EQ(shown("2025-12-31T23:53:00Z", true), "7 min ago") << "a certificate";
}

TEST(Harmless, LetsTextAndItsColoursThrough) {
  const std::string text =
      "shop\tChekout fällt aus – 結帳\n" + std::string("\x1b[31mfailed\x1b[0m\n");
  EXPECT_EQ(harmless(text), text);
}

TEST(Harmless, TakesWhatWouldSteerTheTerminal) {
  EXPECT_EQ(harmless("a\x1b[2Jb"), "a\uFFFD[2Jb") << "clears the screen";
  EXPECT_EQ(harmless("\x1b]52;c;bHM=\x07"), "\uFFFD]52;c;bHM=\uFFFD") << "sets the clipboard";
  EXPECT_EQ(harmless("all well\rX"), "all well\uFFFDX") << "writes over the line";
  EXPECT_EQ(harmless("\xC2\x9B"
                     "2J"),
            "\uFFFD"
            "2J")
      << "the same in one character";
  EXPECT_EQ(harmless("\x1b[1;31"), "\uFFFD[1;31") << "ends before it is a colour";
  EXPECT_EQ(harmless("\x1b"), "\uFFFD");
}

}  // namespace
}  // namespace wellrun::cli
