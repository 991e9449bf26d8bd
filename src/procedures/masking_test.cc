#include "procedures/masking.h"

#include <gtest/gtest.h>

namespace wellrun::procedures {
namespace {

const std::map<std::string, std::string> kSecrets = {{"token", "tok-12345"}, {"pin", "12"}};

TEST(Masking, ASecretIsReplacedWhereverItStandsAndShortOnesAreNot) {
  EXPECT_EQ(masked("a tok-12345tok-12345 b 12", kSecrets), "a ****** b 12");
}

TEST(Masking, ASecretIsNotSeenHoweverItsTextIsCutIntoPieces) {
  const std::string text = "key: tok-1234, tok-12345, tok-tok-12345. to";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      PieceMask mask(kSecrets);
      auto shown = mask.add(text.substr(0, first));
      shown += mask.add(text.substr(first, second - first));
      shown += mask.add(text.substr(second));
      EXPECT_EQ(shown + "to", masked(text, kSecrets)) << "cut at " << first << " and " << second;
    }
  }
}

TEST(Masking, OfSecretsThatHoldOneAnotherOrOverlapNothingIsLeft) {
  const std::map<std::string, std::string> secrets = {
      {"a", "admin"}, {"b", "admin-7f3e"}, {"c", "3e99"}, {"d", "xadm"}, {"e", "oooo"}};
  EXPECT_EQ(masked("admin admin-7f3e. admin-7f3e99 xadmin ooooooo", secrets),
            "*** ***. *** *** ***");
  const std::string text = "admin-7f, admin-7f3e99xadmin-7f3e oooooo-adm!";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      PieceMask mask(secrets);
      auto shown = mask.add(text.substr(0, first));
      shown += mask.add(text.substr(first, second - first));
      shown += mask.add(text.substr(second));
      EXPECT_EQ(shown, masked(text, secrets)) << "cut at " << first << " and " << second;
    }
  }
}

}  // namespace
}  // namespace wellrun::procedures
