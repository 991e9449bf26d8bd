#pragma once

// Keeping secrets out of what a step prints. Pure.

#include <map>
#include <string>
#include <string_view>

namespace wellrun::procedures {

/// `text` with every value of `secrets` (name -> value, those of 4 characters or more) replaced by
/// ***. Of secrets that overlap or hold one another nothing is left.
std::string masked(std::string_view text, const std::map<std::string, std::string>& secrets);

/// The same for text that comes in pieces, or ends before its end: what may be the beginning of a
/// secret is held back until the next piece tells.
class PieceMask {
 public:
  explicit PieceMask(std::map<std::string, std::string> secrets) : secrets_(std::move(secrets)) {}
  /// What may be shown now.
  std::string add(std::string_view piece);

 private:
  std::map<std::string, std::string> secrets_;
  std::string held_;  ///< as it came
};

}  // namespace wellrun::procedures
