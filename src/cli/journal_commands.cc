#include "cli/journal_commands.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

#include "cli/settings.h"
#include "core/text.h"
#include "journal/transfer.h"
#include "journal/verify.h"

namespace wellrun::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string journal_in(const std::string& data) {
  return data + "/journal.sqlite";
}

Json to_json(const journal::VerifyReport& found) {
  Json json{{"ok", !found.problem},
            {"facts", found.facts_checked},
            {"blobs", found.blobs_checked},
            {"last_seq", found.last_seq},
            {"last_hash", found.last_hash}};
  if (!found.problem) return json;
  json["problem"] = to_string(*found.problem);
  json["broken_fact"] = found.broken_fact;
  return json;
}

/// Before it is opened: what SQLite says of a missing file helps nobody.
Status journal_exists(const std::string& data) {
  std::error_code error;
  if (fs::exists(journal_in(data), error)) return {};
  return fail(ErrorCode::kNotFound,
              "there is no journal in that folder; name the server's data folder with --data or "
              "WELLRUN_DATA",
              data);
}

int run_verify(Context& context, const std::string& data) {
  if (const auto there = journal_exists(data); !there) return report(context, there.error());
  const auto found = journal::verify_journal(journal_in(data));
  if (!found) return report(context, found.error());
  if (context.json) {
    context.out(to_json(*found).dump(2) + "\n");
  } else if (!found->problem) {
    context.out(fmt::format("sound: {} facts, {} pieces of content, last hash {}\n",
                            found->facts_checked, found->blobs_checked, found->last_hash));
  } else if (found->broken_fact != 0) {
    context.out(
        fmt::format("BROKEN at fact {}: {}\n", found->broken_fact, to_string(*found->problem)));
  } else {
    context.out(fmt::format("BROKEN: {}\n", to_string(*found->problem)));
  }
  return found->problem ? 1 : 0;
}

std::string summary(const journal::TransferReport& done) {
  return fmt::format("{} facts, {} intents, {} pieces of content, last hash {}", done.facts,
                     done.intents, done.blobs, done.last_hash.empty() ? "none" : done.last_hash);
}

/// Lines go to `file`, or to standard output when that is "-".
int run_export(Context& context, const std::string& data, const std::string& file) {
  if (const auto there = journal_exists(data); !there) return report(context, there.error());
  std::ofstream out;
  if (file != "-") {
    out.open(file, std::ios::binary | std::ios::trunc);
    if (!out)
      return report(context, {ErrorCode::kIo, "the file to export to cannot be written", file});
  }
  const auto written =
      journal::export_lines(journal_in(data), [&](std::string_view line) -> Status {
        if (file == "-") {
          if (context.out(std::string(line) + "\n")) return {};
          return fail(ErrorCode::kNoSpace,
                      "the export is not complete: standard output takes no more");
        }
        out << line << '\n';
        if (out) return {};
        return fail(ErrorCode::kNoSpace, "the file to export to could not be written on", file);
      });
  if (!written) return report(context, written.error());
  out.close();
  if (file != "-" && !out)
    return report(context, {ErrorCode::kNoSpace, "the file to export to could not be ended", file});
  context.err("exported " + summary(*written) + "\n");
  return 0;
}

int run_import(Context& context, const std::string& data, const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened)
      return report(context, {ErrorCode::kNotFound, "the file to import cannot be read", file});
  }
  std::error_code error;
  fs::create_directories(data, error);
  if (error)
    return report(context,
                  {ErrorCode::kIo, "the data folder cannot be made: " + error.message(), data});
  fs::permissions(data, fs::perms::owner_all, error);
  const auto read = journal::import_lines(journal_in(data), file == "-" ? std::cin : opened);
  if (!read) return report(context, read.error());
  if (context.json) {
    context.out(Json{{"facts", read->facts},
                     {"intents", read->intents},
                     {"blobs", read->blobs},
                     {"last_hash", read->last_hash}}
                    .dump(2) +
                "\n");
  } else {
    context.out("imported " + summary(*read) + "\n");
  }
  return 0;
}

struct Tail {
  std::string stream, type, correlation;
  std::uint64_t count = 20;
  bool follow = false;
};

std::string with_filters(std::string path, const Tail& tail) {
  for (const auto& [name, value] : {std::pair{"stream", tail.stream}, std::pair{"type", tail.type},
                                    std::pair{"correlation", tail.correlation}}) {
    if (!value.empty()) path += fmt::format("&{}={}", name, url_encode(value));
  }
  return path;
}

bool print_fact(const Context& context, const Json& fact) {
  if (context.json) return context.out(to_text(fact) + "\n");
  return context.out(fmt::format("{:>7}  {}  {:<26} {:<16} {}\n",
                                 static_cast<std::uint64_t>(number_or(fact, "seq", 0)),
                                 text_or(fact, "time"), text_or(fact, "type"),
                                 text_or(fact, "actor"), text_or(fact, "sentence")));
}

/// The newest facts, oldest first; with --follow then each as it happens, until interrupted or
/// until nobody reads them any more.
int run_tail(Context& context, const Tail& tail) {
  Api api(context.api);
  auto newest =
      api.get(with_filters(fmt::format("/api/v1/journal?order=desc&limit={}", tail.count), tail));
  if (!newest) return report(context, newest.error());
  const auto items = newest->value("items", Json::array());
  for (auto fact = items.rbegin(); fact != items.rend(); ++fact) print_fact(context, *fact);
  auto after = static_cast<std::uint64_t>(number_or(*newest, "last_seq", 0));
  while (tail.follow) {
    api.pause(500ms);
    const auto more =
        api.get(with_filters(fmt::format("/api/v1/journal?after={}&limit=500", after), tail));
    if (!more) return report(context, more.error());
    const auto found = more->value("items", Json::array());
    for (const auto& fact : found) {
      if (!print_fact(context, fact)) return 0;
    }
    // A full page may have left some out; otherwise everything up to the last has been looked at.
    after = static_cast<std::uint64_t>(more->contains("next") ? number_or(found.back(), "seq", 0)
                                                              : number_or(*more, "last_seq", 0));
  }
  return 0;
}

CLI::App& journal_group(CLI::App& app) {
  return *app.get_subcommand("journal");
}

}  // namespace

void add_journal_commands(CLI::App& app, Context& context, int& exit_code) {
  auto& journal = journal_group(app);
  auto data =
      std::make_shared<std::string>(environment_variable("WELLRUN_DATA").value_or("wellrun-data"));
  auto file = std::make_shared<std::string>("-");
  const auto with_data = [&](const char* name, const char* about) {
    auto* command = journal.add_subcommand(name, about);
    command->add_option("--data", *data, "the server's data folder (WELLRUN_DATA)")
        ->capture_default_str();
    return command;
  };

  auto* verify = with_data("verify", "Check the hash chain: is everything as it was written?");
  verify->footer(
      "The server may be running. Exit status 1 names the first fact that is not what was "
      "written.\n\nExample:\n  wellrun journal verify --data /var/lib/wellrun");
  verify->callback([&context, &exit_code, data] { exit_code = run_verify(context, *data); });

  auto* exported = with_data("export", "Write the whole journal as JSON lines");
  exported->add_option("file", *file, "where to; - is standard output")->capture_default_str();
  exported->footer(
      "Facts with their hashes, then intents, then stored content: one moment of a journal that "
      "may "
      "be in use.\n\nExamples:\n  wellrun journal export journal.jsonl --data /var/lib/wellrun\n"
      "  wellrun journal export | zstd > journal.jsonl.zst\n"
      "  wellrun journal export | jq -r 'select(.fact.type == \"incident.opened\") | "
      ".fact.body.title'");
  exported->callback(
      [&context, &exit_code, data, file] { exit_code = run_export(context, *data, *file); });

  auto* imported = with_data("import", "Make a new journal of what export wrote");
  imported->add_option("file", *file, "where from; - is standard input")->capture_default_str();
  imported->footer(
      "The chain of hashes must hold to its end, and the data folder must have no journal yet: all "
      "of it or nothing.\n\nExamples:\n  wellrun journal import journal.jsonl --data new-data\n"
      "  zstd -dc journal.jsonl.zst | wellrun journal import --data new-data");
  imported->callback(
      [&context, &exit_code, data, file] { exit_code = run_import(context, *data, *file); });

  auto tail = std::make_shared<Tail>();
  auto* tailed =
      journal.add_subcommand("tail", "The newest facts of the server, and those to come");
  tailed->add_option("--count,-n", tail->count, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  tailed->add_flag("--follow,-f", tail->follow, "go on as facts come, until interrupted");
  tailed->add_option("--stream", tail->stream, "only this stream; ending in /: all that begin so");
  tailed->add_option("--type", tail->type, "only this type; ending in .: all that begin so");
  tailed->add_option("--correlation", tail->correlation, "only this story, such as inc-0001");
  tailed->footer(
      "Examples:\n  wellrun journal tail -f\n  wellrun journal tail -n 100 --correlation inc-0001\n"
      "  wellrun journal tail -f --type incident. -o json");
  tailed->callback([&context, &exit_code, tail] { exit_code = run_tail(context, *tail); });
}

}  // namespace wellrun::cli
