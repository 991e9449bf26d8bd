#include "telemetry/promql/parse_cache.h"

namespace wellrun::telemetry::promql {

Result<std::shared_ptr<const Expr>> ParseCache::parse(std::string_view query) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_query_.find(query); found != by_query_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return entries_.front().expr;
    }
  }
  TRY(ExprPtr parsed, promql::parse(query, options_));
  std::shared_ptr<const Expr> expr = std::move(parsed);
  keep({std::string(query), expr});
  return expr;
}

void ParseCache::keep(Entry entry) const {
  const auto size = entry.query.size();
  if (size > max_query_bytes_ / 4) return;
  const std::scoped_lock lock(mutex_);
  if (by_query_.contains(entry.query)) return;
  entries_.push_front(std::move(entry));
  by_query_.emplace(entries_.front().query, entries_.begin());
  query_bytes_ += size;
  for (; query_bytes_ > max_query_bytes_; entries_.pop_back()) {
    query_bytes_ -= entries_.back().query.size();
    by_query_.erase(entries_.back().query);
  }
}

}  // namespace wellrun::telemetry::promql
