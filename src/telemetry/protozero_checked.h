#pragma once

// protozero with its own checks as exceptions. It asserts that a field is read as the wire type it
// has; what comes from outside may have any, and must end as a decoding error, not as the end of
// the process. Include this instead of protozero's headers, everywhere: the same inline functions
// must mean the same in every file.

#include <protozero/exception.hpp>

namespace wellrun::telemetry {

struct WrongWireType : protozero::exception {
  const char* what() const noexcept override {
    return "a field has another wire type than its number says";
  }
};

}  // namespace wellrun::telemetry

#define protozero_assert(condition)                    \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : throw ::wellrun::telemetry::WrongWireType())

#include <protozero/pbf_reader.hpp>  // IWYU pragma: export
#include <protozero/pbf_writer.hpp>  // IWYU pragma: export
