#pragma once

// Go's print, println and printf over template values. Pure. What grows beyond kMostText ends
// there.
//
// Source: the documentation of Go's package fmt. A verb that does not suit its value, a missing and
// a superfluous value print what Go prints: %!d(string=x), %!d(MISSING), %!(EXTRA int=1).

#include <span>
#include <string>
#include <string_view>

#include "health/template/value.h"

namespace wellrun::health::templates {

inline constexpr int kWidestField = 1000;  ///< wider, and more precise, is %!(BADWIDTH) or so

std::string print(std::span<const Value> values);
std::string print_line(std::span<const Value> values);
std::string print_format(std::string_view format, std::span<const Value> values);

}  // namespace wellrun::health::templates
