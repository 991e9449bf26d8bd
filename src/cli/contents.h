#pragma once

// The table of contents that `wellrun --help` is, and the examples each command's --help ends with.

namespace CLI {
class App;
}

namespace wellrun::cli {

/// Sorts the commands under headings, and gives each that has none its examples. After every
/// command was added.
void add_contents(CLI::App& app);

}  // namespace wellrun::cli
