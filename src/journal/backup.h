#pragma once

// A copy of the journal while it is written: `wellrun backup`.

#include <string>

#include "core/result.h"

namespace wellrun::journal {

/// Writes one moment of the journal at `path` to the new file `to`, compact and durable; the
/// journal may be in use. kConflict: `to` exists; kNoSpace, kIo: what was made of it is left there.
Status backup_journal(const std::string& path, const std::string& to);

}  // namespace wellrun::journal
