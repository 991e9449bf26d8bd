#pragma once

// Queries that were parsed before: dashboards and rules ask the same ones again and again.
// Thread-safe; memory is bounded.

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "telemetry/promql/parser.h"

namespace wellrun::telemetry::promql {

class ParseCache {
 public:
  /// `max_query_bytes`: of all queries kept; a tree takes about twenty times as much.
  explicit ParseCache(ParserOptions options, std::size_t max_query_bytes = 256U << 10)
      : options_(options), max_query_bytes_(max_query_bytes) {}

  /// parse(); errors are not kept.
  Result<std::shared_ptr<const Expr>> parse(std::string_view query) const;

 private:
  struct Entry {
    std::string query;
    std::shared_ptr<const Expr> expr;
  };
  void keep(Entry entry) const;

  const ParserOptions options_;
  const std::size_t max_query_bytes_;
  mutable std::mutex mutex_;
  mutable std::list<Entry> entries_;  ///< the one used last first
  mutable std::unordered_map<std::string_view, std::list<Entry>::iterator> by_query_;
  mutable std::size_t query_bytes_ = 0;
};

}  // namespace wellrun::telemetry::promql
