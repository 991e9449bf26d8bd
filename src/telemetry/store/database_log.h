#pragma once

// RocksDB's messages go nowhere: what fails is in the statuses that it returns. A file of its own
// would meet a full disk too, and Debian's RocksDB, which is built with assertions, ends the
// process at the next message after one that could not be written. Inside this folder only.

#include <cstdarg>
#include <rocksdb/env.h>

namespace wellrun::telemetry::store {

class NoDatabaseLog final : public rocksdb::Logger {
 public:
  NoDatabaseLog() : Logger(rocksdb::HEADER_LEVEL) {}

  using Logger::Logv;
  void Logv(const char*, std::va_list) override {}
};

}  // namespace wellrun::telemetry::store
