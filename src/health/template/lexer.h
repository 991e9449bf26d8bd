#pragma once

// A template's text as tokens: what stands outside of {{ }} as one token each, what stands inside
// word by word. Trim markers and comments are gone afterwards. Pure.
//
// Source: the documented grammar of Go's text/template.

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace wellrun::health::templates {

struct Token {
  enum class Kind {
    kText,        ///< outside of actions; `text` is the text itself
    kOpen,        ///< {{
    kClose,       ///< }}
    kIdentifier,  ///< a function or keyword
    kField,       ///< ".Labels"; `text` without the dot
    kVariable,    ///< "$labels"; `text` with the dollar
    kDot,         ///< "." alone
    kString,      ///< quoted or raw; `text` is what it means
    kNumber,      ///< as written
    kCharacter,   ///< 'a'; `text` is its number
    kPipe,
    kLeftParen,
    kRightParen,
    kComma,
    kDeclare,  ///< :=
    kAssign,   ///< =
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  std::size_t line = 1;
  bool space_before = false;
};

/// Ends with one kEnd. kInvalid says the line and what is wrong there.
Result<std::vector<Token>> tokens_of(std::string_view text);

/// "}}", "a text", "\"humanize\"": for messages.
std::string described(const Token& token);

}  // namespace wellrun::health::templates
