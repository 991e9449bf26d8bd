#pragma once

// A journal as JSON lines and back: `wellrun journal export` and `import`, for moving, reading with
// other tools, and repairing SQLite's part of a file whose facts are sound. The lines:
// docs/formats/journal.md.

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "core/result.h"
#include "journal/fact.h"

namespace wellrun::journal {

struct TransferReport {
  std::uint64_t facts = 0;
  std::uint64_t intents = 0;
  std::uint64_t blobs = 0;
  std::string last_hash;
};

/// Takes one line, without its line feed; what it refuses ends the export with its error.
using LineSink = std::function<Status(std::string_view line)>;

/// Every fact as stored, then the outbox with outcomes, then blobs: one moment of the file, which
/// may be in use. Facts are verified on the way: kCorrupt, after the lines of those before.
Result<TransferReport> export_lines(const std::string& path, const LineSink& sink);

/// Makes a new journal at `path` of what export_lines() wrote. The hash chain must hold to its end.
/// kConflict: there is a journal with facts already, or it is in use. kInvalid, kCorrupt, kTooLarge
/// with the line's number: `path` then holds nothing.
Result<TransferReport> import_lines(const std::string& path, std::istream& lines);

}  // namespace wellrun::journal
