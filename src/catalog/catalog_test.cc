#include "catalog/catalog.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "catalog/catalog_cli.h"
#include "catalog/catalog_domain.h"
#include "catalog/kinds.h"
#include "catalog/on_call.h"
#include "catalog/plan.h"
#include "catalog/registry.h"
#include "catalog/schema.h"

namespace wellrun::catalog {
namespace {

namespace fs = std::filesystem;
const fs::path kSource = WELLRUN_SOURCE_DIR;

Timestamp time(std::string_view text) {
  return parse_rfc3339(text).value();
}

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// WELLRUN_UPDATE=1 writes what should stand there, for a person to read in the diff.
void expect_file(const fs::path& path, const std::string& text) {
  if (std::getenv("WELLRUN_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(read(path), text) << path;
}

Status balanced(std::string_view promql) {
  if (std::ranges::count(promql, '(') == std::ranges::count(promql, ')')) return {};
  return fail(ErrorCode::kInvalid, "unclosed left parenthesis");
}

Status closed(std::string_view text) {
  const auto open = text.rfind("{{");
  if (open == std::string_view::npos || text.find("}}", open) != std::string_view::npos) return {};
  return fail(ErrorCode::kInvalid, "unclosed action");
}

const Languages kLanguages = {.check_query = balanced, .check_template = closed};

/// The domain with a journal that is a counter.
struct World {
  CatalogDomain domain;
  journal::Sequence seq = 0;

  Checked check_files(const Files& files, bool prune = false) const {
    return check(load(files),
                 {.languages = kLanguages, .current = &domain.catalog(), .prune = prune});
  }
  std::vector<std::string> apply(const Files& files, Timestamp now, bool prune = false) {
    return apply(files, now, ApplyInfo{.commit = "c0ffee", .author = "ana", .prune = prune});
  }
  std::vector<std::string> apply(const Files& files, Timestamp now, const ApplyInfo& info) {
    const Checked checked = check_files(files, info.prune);
    const auto decision = domain.decide_apply(checked, info);
    EXPECT_TRUE(decision) << (decision ? "" : to_string(decision.error()));
    std::vector<std::string> types;
    if (!decision) return types;
    for (const journal::NewFact& fact : decision->facts) {
      EXPECT_LT(to_text(fact.body).size(), 16U << 10);
      types.push_back(fact.type);
      domain.apply({.seq = ++seq,
                    .time = now,
                    .stream = fact.stream,
                    .type = fact.type,
                    .actor = "person:ana",
                    .body = fact.body});
    }
    return types;
  }
};

const Timestamp kNow = parse_rfc3339("2026-11-24T12:00:00Z").value();

TEST(Catalog, EveryWrongFileOfTheCorpusIsRefusedInTheseWords) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "tests/corpora/catalog")) {
    if (entry.path().extension() != ".yaml") continue;
    const Checked checked =
        check(load({{entry.path().filename(), read(entry.path())}}), {.languages = kLanguages});
    EXPECT_FALSE(checked.ok()) << entry.path();
    std::string text;
    for (const Problem& problem : checked.problems) text += to_string(problem) + "\n";
    fs::path expected = entry.path();
    expect_file(expected.replace_extension(".errors"), text);
    ++count;
  }
  EXPECT_GE(count, 10);
}

TEST(Catalog, TheExampleRepositoryPassesCheckAndIsNeverOverwritten) {
  const fs::path directory = fs::path(testing::TempDir()) / "wellrun_init_test";
  fs::remove_all(directory);
  ASSERT_TRUE(init(directory));
  const auto checked = check_directory(directory, kLanguages);
  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->checked.ok()) << render_check(*checked, false);
  EXPECT_EQ(render_check(*checked, false), "19 resources in 6 files: all well\n");
  EXPECT_EQ(init(directory).error().code, ErrorCode::kConflict);
  fs::remove_all(directory);
}

TEST(Catalog, ExportAppliedToAnEmptyCatalogExportsTheSameBytes) {
  World first, second;
  first.apply(example_repository(), kNow);
  const std::string exported = export_yaml(first.domain.catalog());
  second.apply({{"all.yaml", exported}}, kNow);
  EXPECT_EQ(export_yaml(second.domain.catalog()), exported);
  EXPECT_EQ(second.domain.catalog().size(), first.domain.catalog().size());
  // And what is the same leaves no facts but that of the apply.
  EXPECT_EQ(first.apply({{"all.yaml", exported}}, kNow),
            std::vector<std::string>{"catalog.applied"});
}

TEST(Catalog, ApplyingAgainFromACleanCommitVouchesForWhatIsTheSame) {
  const auto commit = [](const World& world) {
    return world.domain.catalog().resource("Team", "shop")->provenance.commit;
  };
  for (const ApplyInfo& unclean : {ApplyInfo{}, ApplyInfo{.commit = "c0ffee", .dirty = true}}) {
    World world;
    world.apply(example_repository(), kNow, unclean);
    EXPECT_EQ(world.apply(example_repository(), kNow, unclean).size(), 1U) << "nothing to say";
    EXPECT_EQ(world.apply(example_repository(), kNow, ApplyInfo{.commit = "beef"}).size(),
              world.domain.catalog().size() + 1);
    EXPECT_EQ(commit(world), "beef");
    EXPECT_FALSE(world.domain.catalog().resource("Team", "shop")->provenance.dirty);
    EXPECT_EQ(world.domain.applies().back().fact.changed, 0) << "nothing differs";
    EXPECT_EQ(world.apply(example_repository(), kNow, ApplyInfo{.commit = "f00d"}).size(), 1U);
    EXPECT_EQ(commit(world), "beef") << "where it came from stays where it came from";
  }
}

TEST(Catalog, WhoWasOnCallStaysRightAfterLaterEdits) {
  World world;
  Files files = example_repository();
  world.apply(files, time("2026-06-01T00:00:00Z"));
  const Timestamp asked = time("2026-06-10T12:00:00Z");
  const auto answer = [&](const Catalog& catalog) {
    return who_is_on_call(*catalog.find<Schedule>("shop"), asked)->person;
  };
  const std::string then = answer(world.domain.catalog());
  std::string& on_call = files["on-call.yaml"];
  on_call.replace(on_call.find("[ana, ben]"), 10, "[ben, ana]");
  world.apply(files, time("2026-07-01T00:00:00Z"));
  EXPECT_NE(answer(world.domain.catalog()), then);
  EXPECT_EQ(answer(world.domain.catalog().at(asked)), then);
  EXPECT_EQ(world.domain.catalog().at(time("2026-05-31T00:00:00Z")).size(), 0U);
}

TEST(Catalog, AHistorySurvivesASnapshot) {
  World world;
  Files files = example_repository();
  world.apply(files, kNow);
  files.erase("health.yaml");
  world.apply(files, kNow + Duration{1000}, true);
  CatalogDomain restored;
  ASSERT_TRUE(restored.restore(world.domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), world.domain.snapshot());
  EXPECT_EQ(restored.catalog().find<Kpi>("orders-per-minute"), nullptr);
  EXPECT_NE(restored.catalog().at(kNow).find<Kpi>("orders-per-minute"), nullptr);
}

TEST(Catalog, DeletingATeamThatOwnsThingsIsRefusedWithExactlyThose) {
  World world;
  Files files = example_repository();
  world.apply(files, kNow);
  std::string& people = files["people.yaml"];
  people.resize(people.rfind("---\n"));
  const Checked checked = world.check_files(files, true);
  ASSERT_EQ(checked.problems.size(), 1U);
  EXPECT_EQ(to_string(checked.problems[0]),
            "workload.yaml:9:10: Team \"shop\" cannot be deleted: it is named by Workload \"shop\" "
            "(owner, workload.yaml:9); change or delete those first");
  EXPECT_EQ(world.domain.decide_apply(checked, {.prune = true}).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(world.check_files(files, false).ok());
}

TEST(Catalog, TheRefusalToDeleteATeamNamesEverythingThatItOwnsAndNothingElse) {
  World world;
  Files files = example_repository();
  const std::string head = "apiVersion: wellrun.io/v1\nkind: ";
  files["z-teams.yaml"] = head + "Team\nmetadata: {name: depot}\nspec: {members: [ana]}\n";
  files["z-owned.yaml"] =
      head +
      "Runbook\nmetadata: {name: tidy}\nspec: {owner: depot, steps: [{name: a, wait: {duration: "
      "1s}}]}\n---\n" +
      head + "Component\nmetadata: {name: shelves}\nspec: {workload: shop, owner: depot}\n---\n" +
      head + "Component\nmetadata: {name: tills}\nspec: {workload: shop}\n";
  ASSERT_TRUE(world.check_files(files).ok()) << to_string(world.check_files(files).problems[0]);
  world.apply(files, kNow);
  files.erase("z-teams.yaml");
  const Checked checked = world.check_files(files, true);
  ASSERT_EQ(checked.problems.size(), 1U);
  EXPECT_EQ(checked.problems[0].message,
            "Team \"depot\" cannot be deleted: it is named by Component \"shelves\" (owner, "
            "z-owned.yaml:9) and Runbook \"tidy\" (owner, z-owned.yaml:4); change or delete those "
            "first");
}

TEST(Catalog, APlanSaysWhoWouldBePagedDifferently) {
  World world;
  Files files = example_repository();
  world.apply(files, kNow);
  std::string& on_call = files["on-call.yaml"];
  on_call.replace(on_call.find("[ana, ben]"), 10, "[ben, ana]");
  const Plan found = plan(world.domain.catalog(), world.check_files(files).wanted, kNow);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].action, "change");
  EXPECT_NE(found.changes[0].diff.find("-     - ana\n"), std::string::npos)
      << found.changes[0].diff;
  ASSERT_EQ(found.paging_changes.size(), 2U + 1U);
  EXPECT_EQ(found.paging_changes[0].at, kNow);
  EXPECT_EQ(found.paging_changes[1].at, time("2026-11-30T09:00:00+01:00"));
  EXPECT_EQ(found.paging_changes[0].from_person, found.paging_changes[1].to_person);
  EXPECT_EQ(to_json(plan_from_json(to_json(found)).value()), to_json(found));
}

TEST(Catalog, AResourceTooLargeForOneFactIsAppliedInParts) {
  std::string rules =
      "apiVersion: wellrun.io/v1\nkind: RuleGroup\nmetadata: {name: many}\nspec:\n  rules:\n";
  for (int i = 0; i < 300; ++i) {
    rules += fmt::format("    - record: series_{}\n      expr: \"sum(x{{q=\\\"ü\\\"}})\"\n", i);
  }
  World world;
  const auto types = world.apply({{"rules.yaml", rules}}, kNow);
  EXPECT_GT(std::ranges::count(types, "resource.part"), 2);
  EXPECT_EQ(world.domain.catalog().find<RuleGroup>("many")->rules.size(), 300U);
}

TEST(Catalog, FiveHundredComponentsThatDependOnEachOtherAreANoteAndNotAProblem) {
  Files files = example_repository();
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += fmt::format(
        "---\napiVersion: wellrun.io/v1\nkind: Component\nmetadata: {{name: c{}}}\n"
        "spec: {{workload: shop, dependsOn: [c{}]}}\n",
        i, (i + 1) % 500);
  }
  files["many.yaml"] = text;
  const Checked checked = check(load(files));
  EXPECT_TRUE(checked.ok());
  EXPECT_EQ(checked.notes.size(), 1U);
}

TEST(Catalog, TheReferencePagesSayWhatTheCodeSays) {
  const fs::path directory = kSource / "docs/reference";
  expect_file(directory / "README.md", reference_index());
  for (const Kind& kind : kinds()) {
    std::string name = kind.name;
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    expect_file(directory / (name + ".md"), reference_page(kind));
    EXPECT_EQ(json_schema(kind)["properties"]["kind"]["const"], kind.name);
  }
}

}  // namespace
}  // namespace wellrun::catalog
