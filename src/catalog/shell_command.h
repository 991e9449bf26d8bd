#pragma once

// How values get into a shell command: never as text of it. Each template becomes a variable of the
// shell, which sh puts in after it has read the command; so a value cannot be read as shell
// whatever it holds. Quotes around the template only decide how the variable is written, so that
// its value is one word, or part of the text it stands in. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace wellrun::catalog {

struct ShellCommand {
  std::string text;  ///< the command, with "${WELLRUN_VALUE_1}" for the first template
  std::vector<std::string> names;  ///< what stood between {{ and }} for WELLRUN_VALUE_1, _2, …
  /// Where a value cannot be put in, for people; empty when all is well. `text` is safe all the
  /// same: what stands there is the variable's name, or its value as it is.
  std::vector<std::string> problems;
};

/// Source of the quoting rules: POSIX.1-2017, Shell Command Language, 2.2 to 2.7.
ShellCommand shell_command(std::string_view command);

/// "WELLRUN_VALUE_1" for index 0.
std::string shell_variable(std::size_t index);

}  // namespace wellrun::catalog
