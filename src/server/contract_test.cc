// api/openapi.yaml is the contract: what the program serves and what the file says are the same
// operations, with the same method, path and role.

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "catalog/yaml.h"
#include "server/application.h"

namespace wellrun::server {
namespace {

/// "GET /api/v1/workloads" and what the other side says of it.
using Operations = std::map<std::string, std::string>;

std::string described(std::string_view id, std::string_view role) {
  return fmt::format("{} for {}", id, role);
}

std::string text_at(const catalog::Node& map, std::string_view key) {
  const auto* node = map.find(key);
  return node == nullptr ? std::string() : node->text;
}

Operations operations_of_file() {
  std::ifstream file(std::string(WELLRUN_SOURCE_DIR) + "/api/openapi.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto read = catalog::read_yaml(text.str());
  EXPECT_TRUE(read.errors.empty());
  Operations operations;
  const auto* paths = read.documents.at(0).find("paths");
  for (std::size_t i = 0; i < paths->keys.size(); ++i) {
    for (const auto* method : {"get", "post", "put", "patch", "delete"}) {
      const auto* operation = paths->items[i].find(method);
      if (operation == nullptr) continue;
      std::string name = method;
      for (auto& c : name) c = static_cast<char>(c - 'a' + 'A');
      operations[name + " " + paths->keys[i].text] =
          described(text_at(*operation, "operationId"), text_at(*operation, "x-role"));
    }
  }
  return operations;
}

Operations operations_of_program(const Application& application) {
  Operations operations;
  for (const auto* route : application.routes()) {
    if (route->operation_id.empty()) continue;
    const auto [at, is_new] =
        operations.emplace(route->method + " " + route->pattern,
                           described(route->operation_id, http::name_of(route->role)));
    EXPECT_TRUE(is_new) << at->first << " is served twice";
  }
  return operations;
}

TEST(Contract, TheProgramServesWhatTheFileSaysToWhomItSays) {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("wellrun_contract_{}", getpid());
  Options options;
  options.data = folder.string();
  options.listen = "127.0.0.1:0";
  {
    const auto application = Application::start(options);
    ASSERT_TRUE(application) << to_string(application.error());
    const auto in_file = operations_of_file();
    const auto in_program = operations_of_program(**application);
    EXPECT_GT(in_file.size(), 80u);
    for (const auto& [name, what] : in_file) {
      const auto served = in_program.find(name);
      EXPECT_EQ(served == in_program.end() ? "nothing serves it" : served->second, what) << name;
    }
    for (const auto& [name, what] : in_program)
      EXPECT_TRUE(in_file.contains(name))
          << name << " (" << what << ") is served, but not in api/openapi.yaml";
  }
  std::filesystem::remove_all(folder);
}

TEST(Contract, AnOperationHasItsOwnNameAndAChangeIsNeverPublic) {
  std::map<std::string, std::string> by_id;
  for (const auto& [name, what] : operations_of_file()) {
    const auto [at, is_new] = by_id.emplace(what.substr(0, what.find(' ')), name);
    EXPECT_TRUE(is_new) << at->first << " names both " << at->second << " and " << name;
  }
  // Doors that people without a session use on purpose.
  const std::set<std::string> open{"POST /api/v1/session", "DELETE /api/v1/session",
                                   "POST /ack/{token}",    "POST /v1/metrics",
                                   "POST /v1/logs",        "POST /v1/traces"};
  for (const auto& [name, what] : operations_of_file()) {
    if (name.starts_with("GET ") || !what.ends_with("public")) continue;
    EXPECT_TRUE(open.contains(name)) << name << " changes something and is public";
  }
}

}  // namespace
}  // namespace wellrun::server
