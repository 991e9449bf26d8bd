#pragma once

// What a program can be told, declared once for all the ways of telling it. A setting called
// "otlp-http-listen" is the flag --otlp-http-listen, the environment variable
// WELLRUN_OTLP_HTTP_LISTEN and the key otlp_http_listen of the file.
//
// Precedence, highest first: flag, environment, file, default. Filled before anything else runs, on
// one thread; targets outlive it. No I/O: whoever reads flags, environment and file hands them in.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace wellrun::config {

/// In rising precedence.
enum class Source { kDefault, kFile, kEnvironment, kFlag };

struct Setting {
  std::string name;  ///< lower case, words joined by '-'
  std::string kind;  ///< what a value looks like, for help: "address", "duration", "true or false"
  std::string help;  ///< one line
  bool is_flag = false;  ///< true or false; the flag alone says true
  bool secret = false;   ///< never shown
  /// kInvalid when the text is not such a value.
  std::function<Status(std::string_view)> set;
  std::function<std::string()> show;  ///< the value as text that `set` takes

  Source source = Source::kDefault;
  std::string origin;  ///< "--listen", "WELLRUN_LISTEN", "wellrun.yaml:3:1"; empty: the default

  std::string flag() const;         ///< "--otlp-http-listen"
  std::string environment() const;  ///< "WELLRUN_OTLP_HTTP_LISTEN"
  std::string key() const;          ///< "otlp_http_listen"
  /// For people: the value, or "(set)" of a secret.
  std::string shown() const;
};

/// One key of a file, as written.
struct FileEntry {
  std::string key;
  std::string value;
  std::string where;  ///< "wellrun.yaml:3:1"
};

class Settings {
 public:
  /// The present value of `target` is the default.
  void text(std::string name, std::string kind, std::string& target, std::string help);
  void secret(std::string name, std::string& target, std::string help);
  void duration(std::string name, Duration& target, std::string help);
  /// A whole number, at least `least`.
  void count(std::string name, std::size_t& target, std::string help, std::size_t least = 1);
  /// Sets `target` to `meaning` when said to be true, to its opposite when false.
  void flag(std::string name, bool& target, std::string help, bool meaning = true);
  /// One of `words`.
  void choice(std::string name, std::string& target, std::vector<std::string> words,
              std::string help);

  /// Every entry of the file that cannot be used: an unknown key with the nearest valid one, a
  /// value of the wrong form. What is right is taken all the same.
  std::vector<Error> apply_file(const std::vector<FileEntry>& entries);
  /// `variable` gives the value of an environment variable; an empty one counts as absent.
  Status apply_environment(
      const std::function<std::optional<std::string>(const std::string&)>& variable);
  Status apply_flag(std::string_view name, std::string_view value);

  const std::vector<Setting>& all() const { return settings_; }
  /// Null when there is none.
  const Setting* find(std::string_view name) const;

 private:
  Setting& add(Setting setting);
  Status assign(Setting& setting, std::string_view value, Source source, std::string origin);

  std::vector<Setting> settings_;
};

/// "default", "file", "environment", "flag".
const char* name_of(Source source);

/// A file with every setting, its help and its value; what stands at its default is commented out.
std::string example_file(const Settings& settings);

}  // namespace wellrun::config
