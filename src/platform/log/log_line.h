#pragma once

// A line's text without time and level. Pure: what log.cc hands to its sink.

#include <span>
#include <string>

#include "platform/log/log.h"

namespace wellrun {

/// `respond/incident opened incident=inc-7 title="two words"`. Control characters are escaped:
/// nothing that a peer sent can begin a line of its own.
std::string text_line(std::string_view area, std::string_view message,
                      std::span<const Field> fields);

/// `"area":"respond/incident","message":"opened","incident":"inc-7"}`: the rest of an object.
/// Fields that would repeat time, level, area or message get a "_" in front.
std::string json_line(std::string_view area, std::string_view message,
                      std::span<const Field> fields);

}  // namespace wellrun
