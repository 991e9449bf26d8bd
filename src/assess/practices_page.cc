// docs/practices.md, printed from the catalog of practices and the table of rules.

#include <fmt/format.h>

#include "assess/evidence.h"

namespace wellrun::assess {
namespace {

constexpr std::string_view kIntroduction =
    R"(# Practices

Printed from `src/assess/practices.cc` and `src/assess/rules.cc`; `WELLRUN_UPDATE=1 build/dev/src/assess/wellrun_assess_test` writes it.

Every practice of operational excellence that Wellrun assesses, with the command and the page that show it and the test that holds it true.
*no rule yet*: nobody has written how to score it from evidence, so it scores 0. *BP*: ids in the Well-Architected operational excellence pillar,
edition )";

constexpr std::string_view kWeights =
    ". *Weight*: 3, 2 or 1 for high, medium or low risk when the practice is missing.\n";

std::string row(const Practice& practice) {
  const auto seen = witness(practice.id);
  const auto where = seen ? fmt::format("`wellrun {}` | `{}` | [{}](../{})", seen->command,
                                        seen->page, seen->test, seen->test)
                          : std::string("*no rule yet* | | ");
  return fmt::format("| {} | {} | {} | {} | {} |\n", practice.id, practice.title, practice.aliases,
                     practice.weight, where);
}

}  // namespace

std::string practices_page() {
  std::string page = fmt::format("{}{}{}", kIntroduction, kEdition, kWeights);
  std::size_t with_rule = 0;
  for (const auto& area : areas()) {
    page += fmt::format(
        "\n## {}\n\n| id | practice | BP | weight | command | page | test |\n"
        "|---|---|---|---|---|---|---|\n",
        area);
    for (const auto& practice : practices()) {
      if (practice.area != area) continue;
      page += row(practice);
      if (witness(practice.id)) ++with_rule;
    }
  }
  return page + fmt::format("\n{} of {} practices have an evidence rule.\n", with_rule,
                            practices().size());
}

}  // namespace wellrun::assess
