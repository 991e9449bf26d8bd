#include "catalog/catalog_cli.h"

#include <filesystem>
#include <fstream>

#include "core/text.h"

namespace wellrun::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRed = "\x1b[31m", kGreen = "\x1b[32m", kYellow = "\x1b[33m";
constexpr std::string_view kBold = "\x1b[1m", kPlain = "\x1b[0m";

std::string painted(std::string_view text, std::string_view escape, bool colour) {
  if (!colour) return std::string(text);
  return fmt::format("{}{}{}", escape, text, kPlain);
}

std::string_view colour_of(char mark) {
  return mark == '-' ? kRed : mark == '+' ? kGreen : kPlain;
}

std::string render_problem(const Problem& problem, std::string_view word, std::string_view escape,
                           bool colour) {
  Problem bare = problem;
  bare.file.clear();
  bare.line = 0;
  const std::string where =
      problem.line > 0 ? fmt::format("{}:{}:{}: ", problem.file, problem.line, problem.column)
                       : problem.file + ": ";
  return painted(where, kBold, colour) + painted(word, escape, colour) + to_string(bare) + "\n";
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string render_change(const Change& change, bool colour) {
  const char mark = change.action == "create" ? '+' : change.action == "delete" ? '-' : '~';
  const std::string_view escape = mark == '~' ? kYellow : colour_of(mark);
  std::string text = painted(
      fmt::format("{} {} {} {}", mark, change.action, change.kind, change.name), escape, colour);
  text += '\n';
  std::string_view diff = change.diff;
  if (diff.ends_with('\n')) diff.remove_suffix(1);
  if (diff.empty()) return text;
  for (const std::string_view line : split(diff, '\n')) {
    text += "    " + painted(line, colour_of(line.empty() ? ' ' : line.front()), colour) + "\n";
  }
  return text;
}

std::string or_nobody(const std::string& person) {
  return person.empty() ? "nobody" : person;
}

std::string trimmed_line(const Result<std::string>& output) {
  return output ? std::string(trimmed(*output)) : std::string{};
}

}  // namespace

Result<std::vector<std::string>> init(const std::string& directory) {
  const Files files = example_repository();
  std::error_code error;
  for (const auto& [file, text] : files) {
    if (fs::exists(fs::path(directory) / file, error)) {
      return fail(ErrorCode::kConflict,
                  "writing the example: " + file + " exists already; choose an empty directory",
                  directory);
    }
  }
  fs::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::kIo, "making the directory: " + error.message(), directory);
  }
  std::vector<std::string> written;
  for (const auto& [file, text] : files) {
    std::ofstream stream(fs::path(directory) / file, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) return fail(ErrorCode::kIo, "writing " + file + " failed", directory);
    written.push_back(file);
  }
  return written;
}

Result<DirectoryCheck> check_directory(const std::string& directory, Languages languages) {
  TRY(const Files files, read_directory(directory));
  Declarations declarations = load(files);
  DirectoryCheck result;
  result.file_count = files.size();
  result.resource_count = declarations.items.size();
  result.checked = check(std::move(declarations), {.languages = std::move(languages)});
  return result;
}

std::string render_check(const DirectoryCheck& check, bool colour) {
  std::string text;
  for (const Problem& problem : check.checked.problems) {
    text += render_problem(problem, "", kRed, colour);
  }
  for (const Problem& note : check.checked.notes) {
    text += render_problem(note, "note: ", kYellow, colour);
  }
  const std::string looked_at = fmt::format("{} in {}", plural(check.resource_count, "resource"),
                                            plural(check.file_count, "file"));
  const std::size_t count = check.checked.problems.size();
  text += count == 0 ? painted(looked_at + ": all well", kGreen, colour)
                     : painted(looked_at + ": " + plural(count, "problem"), kRed, colour);
  return text + "\n";
}

Json check_json(const DirectoryCheck& check) {
  Json problems = Json::array(), notes = Json::array();
  for (const Problem& problem : check.checked.problems) problems.push_back(to_json(problem));
  for (const Problem& note : check.checked.notes) notes.push_back(to_json(note));
  return {{"ok", check.checked.ok()},
          {"files", check.file_count},
          {"resources", check.resource_count},
          {"problems", std::move(problems)},
          {"notes", std::move(notes)}};
}

std::string render_plan(const Plan& plan, bool colour) {
  if (plan.changes.empty()) return "Nothing changes.\n";
  std::string text;
  for (const Change& change : plan.changes) text += render_change(change, colour);
  const auto count = [&](std::string_view action) {
    return std::ranges::count_if(plan.changes,
                                 [&](const Change& change) { return change.action == action; });
  };
  text += painted(fmt::format("\n{} to create, {} to change, {} to delete.", count("create"),
                              count("change"), count("delete")),
                  kBold, colour) +
          "\n";
  if (plan.paging_changes.empty()) {
    text += "Nobody is paged differently over the next two weeks.\n";
  } else {
    text += painted("Paged differently over the next two weeks:", kBold, colour) + "\n";
  }
  for (const PagingChange& each : plan.paging_changes) {
    text += fmt::format("  {} level {}, from {}: {} instead of {}\n", each.workload, each.level,
                        format_rfc3339(std::chrono::floor<std::chrono::minutes>(each.at)),
                        or_nobody(each.to_person), or_nobody(each.from_person));
  }
  return text;
}

Result<Plan> plan_from_json(const Json& json) {
  Plan plan;
  if (!json.is_object() || !json.contains("changes") || !json["changes"].is_array()) {
    return fail(ErrorCode::kInvalid, "reading a plan: it has no list of changes");
  }
  for (const Json& each : json["changes"]) {
    plan.changes.push_back({text_or(each, "action"), text_or(each, "kind"), text_or(each, "name"),
                            text_or(each, "diff")});
  }
  for (const Json& each : json.value("paging_changes", Json::array())) {
    TRY(const Timestamp at, parse_rfc3339(text_or(each, "at")));
    plan.paging_changes.push_back({text_or(each, "workload"),
                                   static_cast<int>(number_or(each, "level", 1)),
                                   text_or(each, "from_person"), text_or(each, "to_person"), at});
  }
  return plan;
}

ApplyInfo read_provenance(const RunGit& git) {
  ApplyInfo info;
  info.commit = trimmed_line(git({"rev-parse", "HEAD"}));
  if (info.commit.empty()) {
    info.dirty = true;  // in no commit at all
    return info;
  }
  info.author = trimmed_line(git({"log", "-1", "--format=%an <%ae>"}));
  const auto status = git({"status", "--porcelain", "--", "."});
  info.dirty = !status || !trimmed(*status).empty();
  return info;
}

}  // namespace wellrun::catalog
