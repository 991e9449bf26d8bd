#include "facts/schemas.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>

namespace wellrun::facts {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = fs::path(WELLRUN_SOURCE_DIR) / "tests/corpora/journal";

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Every value that a body has, told apart: a field that is left out or mixed up is noticed.
Json filled(Json body) {
  int count = 0;
  for (const auto& [key, value] : body.items()) {
    ++count;
    if (value.is_string()) body[key] = "a " + key;
    if (value.is_number_integer()) body[key] = count;
    if (value.is_number_float()) body[key] = count + 0.5;
    if (value.is_boolean()) body[key] = true;
    if (value.is_null()) body[key] = Json{{key, {count, "x"}}};
    if (value.is_object() && value.empty()) body[key] = Json{{"name", "a value"}};
  }
  return body;
}

/// Golden bodies of one version, as they were stored: "run.started.1.1.json", "….1.2.json" once a
/// field had been added, and so on.
std::vector<fs::path> golden_files(const Schema& schema, int version) {
  std::vector<fs::path> files;
  for (int number = 1;; ++number) {
    const auto path = kCorpus / fmt::format("{}.{}.{}.json", schema.type, version, number);
    if (!fs::exists(path)) return files;
    files.push_back(path);
  }
}

bool growing() {
  return std::getenv("WELLRUN_GROW_CORPUS") != nullptr;
}

void write(const fs::path& path, const Json& body) {
  fs::create_directories(kCorpus);
  std::ofstream(path) << body.dump(2) << "\n";
}

/// WELLRUN_GROW_CORPUS=1 adds a golden body of what is written now, and never changes one.
void grow(const Schema& schema) {
  const auto known = golden_files(schema, schema.current());
  write(kCorpus / fmt::format("{}.{}.{}.json", schema.type, schema.current(), known.size() + 1),
        filled(schema.blank()));
}

/// Whether some golden body has every field that is written now.
bool is_covered(const Schema& schema) {
  return std::ranges::any_of(golden_files(schema, schema.current()), [&](const fs::path& path) {
    const auto golden = *parse_json(text_of(path));
    return std::ranges::all_of(schema.blank().items(),
                               [&](const auto& field) { return golden.contains(field.key()); });
  });
}

TEST(Schemas, EveryFieldThatIsWrittenStandsInAGoldenBody) {
  for (const auto& schema : schemas()) {
    if (growing() && !is_covered(schema)) grow(schema);
    EXPECT_TRUE(is_covered(schema))
        << schema.type << ": run this test with WELLRUN_GROW_CORPUS=1 and commit the new file";
  }
}

/// What a golden body is now read as stands beside it: "….as-2.json"; of the current version it is
/// itself.
Json read_today(const Schema& schema, int version, const fs::path& stored, const Json& body) {
  if (version == schema.current()) return *parse_json(text_of(stored));
  auto path = stored;
  path.replace_extension(fmt::format("as-{}.json", schema.current()));
  if (growing() && !fs::exists(path)) write(path, body);
  return parse_json(text_of(path)).value_or("no " + path.string());
}

TEST(Schemas, EveryVersionOfEveryFactIsReadAsItWasWritten) {
  for (const auto& schema : schemas()) {
    for (int version = 1; version <= schema.current(); ++version) {
      for (const auto& file : golden_files(schema, version)) {
        auto body = *parse_json(text_of(file));
        ASSERT_TRUE(upcast(schema, version, body)) << file;
        EXPECT_EQ(body, read_today(schema, version, file, body)) << file;
        const auto again = schema.reread(body);
        for (const auto& [key, value] : body.items()) {
          ASSERT_TRUE(again.contains(key))
              << file << ": " << key << " was renamed or removed; what is stored stays: give the "
              << "type a new version and an upcast (docs/formats/facts.md)";
          EXPECT_EQ(again[key], value) << file << ": " << key;
        }
      }
    }
  }
}

TEST(Schemas, KnowsEveryTypeThatTheHeadersDeclare) {
  const std::regex declared(R"re(kType = "([a-z_.]+)")re");
  std::size_t count = 0;
  for (const auto& file : fs::directory_iterator(fs::path(WELLRUN_SOURCE_DIR) / "src/facts")) {
    const auto text = text_of(file.path());
    for (std::sregex_iterator at(text.begin(), text.end(), declared), end; at != end; ++at) {
      EXPECT_NE(schema_of((*at)[1].str()), nullptr)
          << (*at)[1] << " of " << file.path() << " stands in no line of src/facts/schemas.cc";
      ++count;
    }
  }
  EXPECT_EQ(count, schemas().size());
}

TEST(Schemas, AnOldBodyPassesThroughEachVersionInTurn) {
  const Schema schema{
      .type = "thing.happened",
      .upcasts = {
          [](Json& body) { body["severity"] = body.at("level").get<int>() + 1; },
          [](Json& body) { body["severity"] = std::to_string(body["severity"].get<int>()); }}};
  Json first{{"level", 1}};
  ASSERT_TRUE(upcast(schema, 1, first));
  EXPECT_EQ(first["severity"], "2");
  Json second{{"severity", 7}};
  ASSERT_TRUE(upcast(schema, 2, second));
  EXPECT_EQ(second["severity"], "7");
  Json third{{"severity", "9"}};
  ASSERT_TRUE(upcast(schema, 3, third));
  EXPECT_EQ(third["severity"], "9");
  EXPECT_EQ(upcast(schema, 4, third).error().code, ErrorCode::kUnsupported);
  Json broken{{"level", "one"}};
  const auto status = upcast(schema, 1, broken);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(status.error().message.starts_with("thing.happened of version 1 cannot be read"));
}

}  // namespace
}  // namespace wellrun::facts
