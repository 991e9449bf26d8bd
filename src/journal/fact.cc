#include "journal/fact.h"

#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "core/assert.h"
#include "core/bytes.h"
#include "core/text.h"
#include "facts/schemas.h"
#include "journal/effect.h"
#include "journal/store.h"

namespace wellrun::journal {
namespace {

Error bad(std::string_view what, std::string_view key, std::string_view wanted) {
  return Error{ErrorCode::kInvalid, fmt::format("{} needs \"{}\": {}", what, key, wanted),
               std::string(key)};
}

Result<std::string> text_at(const Json& json, std::string_view what, std::string_view key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string())
    return std::unexpected(bad(what, key, "a string"));
  return found->get<std::string>();
}

Result<std::uint64_t> count_at(const Json& json, std::string_view what, std::string_view key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer() ||
      (!found->is_number_unsigned() && found->get<std::int64_t>() < 0))
    return std::unexpected(bad(what, key, "a whole number, not negative"));
  return found->get<std::uint64_t>();
}

Status only_keys(const Json& json, std::string_view what, std::span<const std::string> known) {
  if (!json.is_object())
    return fail(ErrorCode::kInvalid, fmt::format("{} is not a JSON object", what));
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) == known.end())
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} has no field {}{}", what, quote(key), did_you_mean(key, known)));
  }
  return {};
}

/// "<length>:<bytes>," as netstrings are written: no two field lists share their bytes.
void add_field(std::string& out, std::string_view field) {
  fmt::format_to(std::back_inserter(out), "{}:", field.size());
  out.append(field);
  out.push_back(',');
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  WELLRUN_ASSERT(ok == 1 && size == digest.size(), "SHA-256 is not available");
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace

Json to_json(const Fact& fact) {
  return Json{{"seq", fact.seq},
              {"time", format_rfc3339(fact.time)},
              {"stream", fact.stream},
              {"stream_version", fact.stream_version},
              {"type", fact.type},
              {"schema", fact.schema},
              {"actor", fact.actor},
              {"cause", fact.cause},
              {"correlation", fact.correlation},
              {"body", fact.body},
              {"hash", fact.hash}};
}

Result<Fact> fact_from_json(const Json& json) {
  static const std::array<std::string, 11> kKeys{
      "seq",   "time",  "stream",      "stream_version", "type", "schema",
      "actor", "cause", "correlation", "body",           "hash"};
  TRY_STATUS(only_keys(json, "a fact", kKeys));
  Fact fact;
  TRY(fact.seq, count_at(json, "a fact", "seq"));
  TRY(const auto time, text_at(json, "a fact", "time"));
  TRY(fact.time, parse_rfc3339(time));
  TRY(fact.stream, text_at(json, "a fact", "stream"));
  TRY(fact.stream_version, count_at(json, "a fact", "stream_version"));
  TRY(fact.type, text_at(json, "a fact", "type"));
  TRY(const auto schema, count_at(json, "a fact", "schema"));
  if (schema < 1 || schema > 1'000'000)
    return std::unexpected(bad("a fact", "schema", "1 to 1000000"));
  fact.schema = static_cast<int>(schema);
  TRY(fact.actor, text_at(json, "a fact", "actor"));
  TRY(fact.cause, count_at(json, "a fact", "cause"));
  TRY(fact.correlation, text_at(json, "a fact", "correlation"));
  TRY(fact.hash, text_at(json, "a fact", "hash"));
  if (!json.contains("body")) return std::unexpected(bad("a fact", "body", "any JSON"));
  fact.body = json["body"];
  if (to_text(fact.body).size() > kMaxBodyBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("the body of fact {} is longer than {} bytes",
                                                  fact.seq, kMaxBodyBytes));
  return fact;
}

Status upcast(Fact& fact) {
  const auto* schema = facts::schema_of(fact.type);
  if (schema == nullptr || fact.schema == schema->current()) return {};
  if (auto done = facts::upcast(*schema, fact.schema, fact.body); !done) {
    auto error = std::move(done).error();
    error.context = fmt::format("fact {} of the journal", fact.seq);
    return std::unexpected(std::move(error));
  }
  fact.schema = schema->current();
  return {};
}

std::string chain_hash(std::string_view previous_hash, const Fact& fact, std::string_view body) {
  std::string bytes;
  bytes.reserve(body.size() + 320);
  add_field(bytes, previous_hash);
  add_field(bytes, fmt::format_int(fact.seq).str());
  add_field(bytes, fmt::format_int(to_unix_ms(fact.time)).str());
  add_field(bytes, fact.stream);
  add_field(bytes, fmt::format_int(fact.stream_version).str());
  add_field(bytes, fact.type);
  add_field(bytes, fmt::format_int(fact.schema).str());
  add_field(bytes, fact.actor);
  add_field(bytes, fmt::format_int(fact.cause).str());
  add_field(bytes, fact.correlation);
  add_field(bytes, body);
  return sha256_hex(bytes);
}

std::string blob_digest(std::string_view content) {
  return "sha256:" + sha256_hex(content);
}

Json to_json(const Intent& intent) {
  return Json{{"key", intent.key},
              {"kind", intent.kind},
              {"request", intent.request},
              {"repeatable", intent.repeatable},
              {"not_before_ms", to_unix_ms(intent.not_before)},
              {"cause", intent.cause},
              {"correlation", intent.correlation}};
}

Result<Intent> intent_from_json(const Json& json) {
  static const std::array<std::string, 7> kKeys{
      "key", "kind", "request", "repeatable", "not_before_ms", "cause", "correlation"};
  TRY_STATUS(only_keys(json, "an intent", kKeys));
  Intent intent;
  TRY(intent.key, text_at(json, "an intent", "key"));
  TRY(intent.kind, text_at(json, "an intent", "kind"));
  if (json.contains("request")) intent.request = json["request"];
  intent.repeatable = bool_or(json, "repeatable", false);
  TRY(const auto not_before_ms, count_at(json, "an intent", "not_before_ms"));
  intent.not_before = from_unix_ms(static_cast<std::int64_t>(not_before_ms));
  TRY(intent.cause, count_at(json, "an intent", "cause"));
  TRY(intent.correlation, text_at(json, "an intent", "correlation"));
  return intent;
}

const char* name_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kDone:
      return "done";
    case Outcome::Kind::kFailed:
      return "failed";
    case Outcome::Kind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Json to_json(const Outcome& outcome) {
  return Json{
      {"kind", name_of(outcome.kind)}, {"error", outcome.error}, {"detail", outcome.detail}};
}

Result<Outcome> outcome_from_json(const Json& json) {
  static const std::array<std::string, 3> kKeys{"kind", "error", "detail"};
  TRY_STATUS(only_keys(json, "an outcome", kKeys));
  Outcome outcome;
  TRY(const auto kind, text_at(json, "an outcome", "kind"));
  if (kind == "done") {
    outcome.kind = Outcome::Kind::kDone;
  } else if (kind == "failed") {
    outcome.kind = Outcome::Kind::kFailed;
  } else if (kind == "unknown") {
    outcome.kind = Outcome::Kind::kUnknown;
  } else {
    return std::unexpected(bad("an outcome", "kind", "done, failed or unknown"));
  }
  outcome.error = text_or(json, "error");
  if (json.contains("detail")) outcome.detail = json["detail"];
  return outcome;
}

}  // namespace wellrun::journal
