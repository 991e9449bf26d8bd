#pragma once

// The program: every part built, joined and started, then stopped in the reverse order. Composition
// and nothing else; what the parts decide stands in their folders.

#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "platform/http/router.h"
#include "server/options.h"

namespace wellrun::server {

class Application {
 public:
  /// Opens the data folder, replays the journal, listens. Errors name the setting or file and what
  /// to do.
  static Result<std::unique_ptr<Application>> start(Options options);
  ~Application();

  /// Where page and API are, with the port that was bound.
  std::string url() const;

  /// The one-time admin token, on the first start only.
  std::optional<std::string> first_token() const;

  /// What is served on all listeners, for the test that holds it against api/openapi.yaml.
  std::vector<const http::Route*> routes() const;

  /// Until SIGINT or SIGTERM; then takes no more requests, finishes what is under way, and makes
  /// everything durable. The error when the journal could not be written any more and the program
  /// gave up by itself.
  Status run_until_signal();

 private:
  struct State;
  explicit Application(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wellrun::server
