#pragma once

// The journal's Store on SQLite: one file, one process, one writer thread with group commit. The
// file's tables and the hash chain: docs/formats/journal.md.

#include <memory>
#include <string>

#include "core/result.h"
#include "journal/store.h"

namespace wellrun::journal {

/// Opens or creates the journal at `path`; its folder must exist. The newest thousand facts are
/// verified (all of them: verify.h).
///
/// kConflict: another process has it open. kCorrupt: the file is no journal, or a fact is not what
/// was written; the message names it. kUnsupported: written by a newer version. kIo, kNoSpace.
///
/// A commit that fails with anything but kNoSpace or kConflict is the last one tried: what the disk
/// holds is not known then, so every later append fails too, until the file is opened again.
/// Destroying the store commits what was appended. Calls `committed` on the writer thread.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace wellrun::journal
