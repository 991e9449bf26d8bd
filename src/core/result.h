#pragma once

// Results of operations that may fail in an expected way: bad input, absent, conflict, I/O,
// deadline. A broken invariant is a bug: see core/assert.h. Nothing in this project throws; what a
// library throws is caught where that library is called.

#include <expected>
#include <string>
#include <utility>

namespace wellrun {

/// What kind of failure it was, as a caller may want to branch on. Mapped to HTTP in
/// platform/http/problem.h and to process exit codes in cli/.
enum class ErrorCode {
  kInvalid,          ///< the input is wrong; repeating it will not help
  kUnauthenticated,  ///< nobody is known to be asking
  kForbidden,        ///< known, but not allowed
  kNotFound,         ///< the thing named does not exist
  kConflict,         ///< the thing is in a state that does not allow it, or changed meanwhile
  kTooLarge,         ///< beyond a stated size, depth or count
  kExhausted,        ///< a rate or quota is used up; later it may work
  kDeadline,         ///< not finished in time
  kCancelled,        ///< given up by whoever asked
  kUnavailable,      ///< a peer or device cannot be used now; later it may work
  kNoSpace,          ///< the disk is full
  kCorrupt,          ///< stored bytes are not what was written
  kIo,               ///< any other failure of a device or peer
  kUnsupported,      ///< valid, but not something we do
  kInternal,         ///< a bug that was survived
};

/// The stable lower-case name of a code, as it stands in logs and problem documents: "not_found".
const char* name_of(ErrorCode code);

/// `message` says what was tried, on what, what was found and what to do; `context` is where (a
/// file:line:column, a field path, a peer). Neither ever holds a secret.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string context;
};

/// "context: message", or the message alone.
std::string to_string(const Error& error);

template <typename T>
using Result = std::expected<T, Error>;

using Status = std::expected<void, Error>;

/// `return fail(ErrorCode::kNotFound, "no team named \"paymets\"; nearest is \"payments\"");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string context = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(context)});
}

}  // namespace wellrun

#define WELLRUN_CONCAT_(a, b) a##b
#define WELLRUN_CONCAT(a, b) WELLRUN_CONCAT_(a, b)

/// TRY(auto rows, read_rows(file)); declares `rows`, or returns the error from the calling
/// function. A declaration, not an expression: an expression macro that holds co_await crashes
/// g++ 12.
#define TRY(declaration, expression) \
  TRY_IMPL(WELLRUN_CONCAT(try_result_, __LINE__), declaration, expression)
#define TRY_IMPL(result, declaration, expression)                 \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)

/// TRY_STATUS(flush()); returns the error from the calling function.
#define TRY_STATUS(expression)                                              \
  do {                                                                      \
    auto try_status = (expression);                                         \
    if (!try_status) return std::unexpected(std::move(try_status).error()); \
  } while (false)
