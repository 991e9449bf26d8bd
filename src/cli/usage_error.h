#pragma once

// What a person reads who mistyped a command line: what was wrong, the word that was probably
// meant, and where help is.

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace wellrun::cli {

/// For standard error, after `app` has refused to parse with `error`. Where only the command itself
/// is missing (`wellrun`, `wellrun incident`) it is the help, which lists them.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace wellrun::cli
