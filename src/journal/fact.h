#pragma once

// A fact: something that happened, why, and by whose hand. Facts are never changed and never
// deleted.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::journal {

using Sequence = std::uint64_t;  ///< position in the journal, from 1; 0 is "before the first"

/// What a domain wants recorded. The journal adds position, stream version and hash.
struct NewFact {
  std::string stream;  ///< what it is about: "incident/inc-0007", "alert/<fingerprint>",
                       ///< "resource/Team/payments"
  std::string type;    ///< "<domain>.<what happened>", past tense: "incident.opened"
  int schema = 0;      ///< version of the body's shape; 0: the newest of its type
  std::string actor;   ///< "person:ana", "token:ci", "automation:restart-checkout", "system"
  Json body;           ///< at most 16 KiB as text; larger content is stored beside it by digest
                       ///< (Journal::put_blob)
  std::string correlation;  ///< the story it belongs to, usually an incident or deployment id;
                            ///< empty: taken from the cause
};

struct Fact {
  Sequence seq = 0;
  Timestamp time;
  std::string stream;
  std::uint64_t stream_version = 0;  ///< from 1, without gaps in a stream
  std::string type;
  int schema = 1;
  std::string actor;
  Sequence cause = 0;  ///< the fact that led to this one; 0: a person or the outside world
  std::string correlation;
  Json body;
  std::string
      hash;  ///< hex SHA-256 over the hash before and the stored bytes (docs/formats/journal.md)
};

inline constexpr std::size_t kMaxBodyBytes = 16 * 1024;

/// {"seq":…, "time":"…", …}: how a fact stands in API answers, exports and the event stream.
Json to_json(const Fact& fact);
/// Strict: every field present with its type, nothing unknown, body within kMaxBodyBytes; kInvalid
/// names the field.
Result<Fact> fact_from_json(const Json& json);

/// Brings schema and body to what the newest version would have written. kUnsupported and kCorrupt
/// (facts/schemas.h) name the fact.
Status upcast(Fact& fact);

/// The hash of a fact as stored: SHA-256 in hex over `previous_hash` (empty before the first) and
/// the fields of `fact` but `hash`, with the body as the text `body`; see docs/formats/journal.md.
std::string chain_hash(std::string_view previous_hash, const Fact& fact, std::string_view body);

}  // namespace wellrun::journal
