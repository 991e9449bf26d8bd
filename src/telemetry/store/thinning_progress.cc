#include "telemetry/store/thinning_progress.h"

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

void put_duration(std::string& out, Duration duration) {
  put_varint(out, zigzag(duration.count()));
}

void put_matchers(std::string& out, const std::vector<Matcher>& matchers) {
  put_varint(out, matchers.size());
  for (const auto& matcher : matchers) {
    put_varint(out, static_cast<std::uint64_t>(matcher.kind));
    put_text(out, matcher.name);
    put_text(out, matcher.value);
  }
}

}  // namespace

std::string rules_bytes(const RetentionRules& rules) {
  std::string out;
  put_duration(out, rules.without_rules().keep);
  for (const auto& rule : rules.all()) {
    put_text(out, rule.name);
    put_duration(out, rule.keep);
    put_varint(out, rule.matching.size());
    for (const auto& matchers : rule.matching) put_matchers(out, matchers);
    put_varint(out, rule.downsampling.size());
    for (const auto& step : rule.downsampling) {
      put_duration(out, step.after);
      put_duration(out, step.resolution);
    }
  }
  return out;
}

std::string progress_bytes(const ThinningProgress& progress) {
  std::string out;
  put_text(out, progress.rules);
  for (const auto& [names, until] : progress.until) {
    put_varint(out, names.size());
    for (const auto& name : names) put_text(out, name);
    put_varint(out, until.size());
    for (const auto time : until) put_varint(out, zigzag(time));
  }
  return out;
}

std::optional<ThinningProgress> read_progress(std::string_view bytes) {
  ByteReader reader(bytes);
  ThinningProgress progress;
  progress.rules = reader.text();
  while (!reader.at_end()) {
    std::vector<std::string> names;
    for (auto left = reader.varint(); left > 0 && !reader.failed(); --left)
      names.emplace_back(reader.text());
    auto& until = progress.until[std::move(names)];
    for (auto left = reader.varint(); left > 0 && !reader.failed(); --left)
      until.push_back(reader.zigzag());
  }
  if (reader.failed()) return std::nullopt;
  return progress;
}

}  // namespace wellrun::telemetry::store
