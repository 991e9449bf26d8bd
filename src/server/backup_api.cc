#include "server/backup_api.h"

#include <filesystem>

#include "journal/backup.h"

namespace wellrun::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAuthFile = "auth.json";

Status copy_tokens(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from / kAuthFile, error)) return {};  // nobody has a token yet
  fs::copy_file(from / kAuthFile, to / kAuthFile, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, "copying the tokens failed: " + error.message(),
              (to / kAuthFile).string());
}

/// Their log only grows at its end; a record that is half there is none.
Status copy_exemplars(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  fs::create_directory(to, error);
  for (const auto& segment : fs::directory_iterator(from, error)) {
    const auto copy = to / segment.path().filename();
    fs::copy_file(segment.path(), copy, error);
    if (error == std::errc::no_such_file_or_directory)
      error.clear();  // dropped meanwhile, as too old
    if (error) break;
  }
  if (!error) return {};
  return fail(error == std::errc::no_space_on_device ? ErrorCode::kNoSpace : ErrorCode::kIo,
              "copying the exemplars failed: " + error.message(), to.string());
}

Status fill(const fs::path& data, telemetry::EmbeddedStore& telemetry, const fs::path& to) {
  TRY_STATUS(journal::backup_journal((data / "journal.sqlite").string(),
                                     (to / "journal.sqlite").string()));
  TRY_STATUS(copy_tokens(data, to));
  TRY_STATUS(telemetry.backup(to / "telemetry"));
  return copy_exemplars(data / "telemetry" / "exemplars", to / "telemetry" / "exemplars");
}

std::uintmax_t size_of(const fs::path& folder) {
  std::error_code error;
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  return bytes;
}

http::Response answer(const http::Request& request, const std::string& data,
                      telemetry::EmbeddedStore& telemetry) {
  const auto body = http::json_body(request);
  if (!body) return http::problem_response(body.error());
  const auto directory = text_or(*body, "directory");
  if (auto made = back_up(data, telemetry, directory); !made)
    return http::problem_response(made.error());
  return http::json_response({{"directory", directory}, {"size_bytes", size_of(directory)}}, 201);
}

}  // namespace

Status back_up(const std::string& data, telemetry::EmbeddedStore& telemetry,
               const std::string& to) {
  if (!fs::path(to).is_absolute())
    return fail(ErrorCode::kInvalid, "a backup needs the absolute path of a folder to make",
                "directory");
  std::error_code error;
  if (fs::exists(to, error))
    return fail(ErrorCode::kConflict, "a backup goes to a folder that does not exist yet", to);
  if (!fs::create_directory(to, error))
    return fail(ErrorCode::kIo, "making the backup's folder failed: " + error.message(), to);
  fs::permissions(to, fs::perms::owner_all, error);  // as the data folder: tokens lie in it
  auto made = fill(data, telemetry, to);
  if (!made) fs::remove_all(to, error);
  return made;
}

std::vector<http::Route> backup_routes(Runtime runtime, std::string data,
                                       telemetry::EmbeddedStore& telemetry) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/backups";
  route.role = http::Role::kAdmin;
  route.operation_id = "makeBackup";
  route.handler = [runtime, data = std::move(data), &telemetry](http::Request request,
                                                                http::Reply reply) {
    runtime.workers.run(
        [&telemetry, data, request = std::move(request), reply = std::move(reply)]() mutable {
          reply(answer(request, data, telemetry));
        });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::server
