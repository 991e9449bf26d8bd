#pragma once

// One connected peer, over TCP or TLS, without the templates: server and client speak through it.
// Internal to http/. All calls and callbacks run on the socket's executor, which is a strand.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace boost::asio::ssl {
class context;
}

namespace wellrun::http {

using TransferDone = std::move_only_function<void(boost::system::error_code, std::size_t)>;

/// A callback keeps its owner alive; it is called exactly once, with operation_aborted after
/// close().
class Transport {
 public:
  virtual ~Transport() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  virtual void handshake(TransferDone done) = 0;  ///< at once for TCP
  virtual void read_some(boost::asio::mutable_buffer buffer, TransferDone done) = 0;
  virtual void write_some(boost::asio::const_buffer buffer, TransferDone done) = 0;
  /// How much of it was taken at once; 0 when nothing was, for whatever reason: write_some() knows.
  virtual std::size_t write_now(boost::asio::const_buffer buffer) = 0;
  virtual void finish_sending() = 0;
  virtual void close() = 0;
};

}  // namespace wellrun::http
