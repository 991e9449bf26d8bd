#include "catalog/slo_feasibility.h"

#include <gtest/gtest.h>

#include "catalog/check.h"

namespace wellrun::catalog {
namespace {

std::string slo(const char* name, const char* workload, const char* target) {
  return fmt::format(
      "---\napiVersion: wellrun.io/v1\nkind: Slo\nmetadata: {{name: {}}}\nspec:\n  service: {}\n"
      "  indicator: {{spec: {{ratioMetric: {{good: {{metricSource: {{spec: {{query: g}}}}}}, "
      "total: "
      "{{metricSource: {{spec: {{query: t}}}}}}}}}}}}\n  objectives: [{{target: {}}}]\n",
      name, workload, target);
}

std::string component(const char* name, const char* workload, const char* needs) {
  return fmt::format(
      "---\napiVersion: wellrun.io/v1\nkind: Component\nmetadata: {{name: {}}}\nspec: {{workload: "
      "{}, dependsOn: [{}]}}\n",
      name, workload, needs);
}

std::string workload(const char* name) {
  return fmt::format(
      "---\napiVersion: wellrun.io/v1\nkind: Workload\nmetadata: {{name: {}}}\nspec: "
      "{{owner: team, escalationPolicy: policy}}\n",
      name);
}

Catalog wanted(const std::string& text) {
  return check(load({{"ops.yaml", text}}), {}).wanted;
}

const std::string kWorld = workload("shop") + workload("payments") + workload("bank") +
                           component("checkout", "shop", "cart, pay, teller") +
                           component("cart", "shop", "") + component("pay", "payments", "") +
                           component("teller", "bank", "");

TEST(Feasibility, DependenciesInSeriesMultiply) {
  const auto catalog = wanted(kWorld + slo("a", "shop", "0.999") + slo("b", "payments", "0.99") +
                              slo("c", "bank", "0.995"));
  const auto found = feasibility(catalog, *catalog.find<Slo>("a"));
  EXPECT_FALSE(found.possible);
  EXPECT_NEAR(found.best, 0.98505, 1e-12);
  EXPECT_EQ(found.arithmetic, "bank 99.5% (Slo c) × payments 99% (Slo b) = 98.505%");
}

TEST(Feasibility, APromiseAsHighAsTheOneBelowCanBeKept) {
  const auto catalog = wanted(kWorld + slo("a", "shop", "0.99") + slo("b", "payments", "0.99"));
  const auto found = feasibility(catalog, *catalog.find<Slo>("a"));
  EXPECT_TRUE(found.possible);
  ASSERT_EQ(found.dependencies.size(), 2U);
  EXPECT_EQ(found.dependencies[0].slo, "") << "the bank promises nothing, and is named";
}

TEST(Feasibility, CheckWarnsAndDoesNotRefuse) {
  const auto text = kWorld + slo("a", "shop", "0.999") + slo("b", "payments", "0.99");
  const auto checked = check(load({{"ops.yaml", text}}), {});
  ASSERT_EQ(checked.notes.size(), 1U);
  EXPECT_NE(checked.notes.front().message.find("\"a\" promises 99.9% and cannot keep it"),
            std::string::npos)
      << checked.notes.front().message;
  EXPECT_GT(checked.notes.front().line, 0);
}

}  // namespace
}  // namespace wellrun::catalog
