#pragma once

// What a fact says, as one line for people: "page to ana by mail failed: connection refused". The
// same words in the incident's timeline, the journal, the drafted analysis and the terminal.

#include <string>
#include <string_view>

#include "core/json.h"

namespace wellrun::facts {

/// One line without time and actor, which its reader shows in a place of their own. Fields that
/// the body lacks are left out; a type that is not of this program is said by its name. `body` is
/// of the current version. Never fails.
std::string sentence(std::string_view type, const Json& body);

/// The words for a type, with the fields that they use in braces; empty for one that is not known.
/// In brackets is what is said only when each of its fields has something in it.
std::string_view sentence_pattern(std::string_view type);

}  // namespace wellrun::facts
