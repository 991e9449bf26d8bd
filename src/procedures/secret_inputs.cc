#include "procedures/secret_inputs.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "catalog/kinds/automation.h"
#include "core/text.h"

namespace wellrun::procedures {
namespace {

constexpr std::string_view kFile = "file:";

bool is_reference(std::string_view value) {
  return value.starts_with("env:") || value.starts_with(kFile);
}

/// By the names alone: where links lead to is looked at when the file is opened.
bool is_below(std::string_view reference, const std::string& folder) {
  if (folder.empty() || !reference.starts_with(kFile)) return false;
  const std::filesystem::path path(reference.substr(kFile.size()));
  const auto relative = path.lexically_normal().lexically_relative(folder);
  return path.is_absolute() && !relative.empty() && relative != "." && *relative.begin() != "..";
}

bool hands_over(const catalog::TextMap& inputs, const std::string& name,
                const std::string& reference) {
  const auto found = inputs.find(name);
  return found != inputs.end() && found->second == reference;
}

/// Written out in a step or automation that starts the runbook: a template does not equal what it
/// becomes.
bool is_written_out(const catalog::Catalog& catalog, const std::string& runbook,
                    const std::string& name, const std::string& reference) {
  for (const auto* automation : catalog.all<catalog::Automation>()) {
    if (automation->runbook.name == runbook && hands_over(automation->inputs, name, reference))
      return true;
  }
  for (const auto* caller : catalog.all<catalog::Runbook>()) {
    for (const auto& step : caller->steps) {
      if (step.runbook && step.runbook->name.name == runbook &&
          hands_over(step.runbook->inputs, name, reference))
        return true;
    }
  }
  return false;
}

bool is_secret_of(const Run& run, const std::string& reference) {
  return std::ranges::any_of(run.secret_inputs, [&](const std::string& name) {
    const auto input = run.inputs.find(name);
    return input != run.inputs.end() && input->second == reference;
  });
}

bool may_be_given(const catalog::Runbook& runbook, const catalog::RunbookInput& input,
                  const std::string& reference, const SecretSources& sources) {
  return reference == input.default_value ||
         std::ranges::find(input.references, reference) != input.references.end() ||
         is_below(reference, sources.secrets_folder) ||
         (sources.parent != nullptr && is_secret_of(*sources.parent, reference)) ||
         is_written_out(sources.catalog, runbook.metadata.name, input.name, reference);
}

}  // namespace

Status check_secret_inputs(const catalog::Runbook& runbook,
                           const std::map<std::string, std::string>& inputs,
                           const SecretSources& sources) {
  for (const auto& input : runbook.inputs) {
    const auto given = inputs.find(input.name);
    if (!input.secret || given == inputs.end()) continue;
    if (!is_reference(given->second)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format(
              "input {} is a secret: give a reference (env:NAME or file:/path), not the value",
              quote(input.name)));
    }
    if (may_be_given(runbook, input, given->second, sources)) continue;
    return fail(ErrorCode::kForbidden,
                fmt::format("input {} of runbook {} may not be {}: name it in the input's "
                            "references, or give a file below the server's secrets-folder",
                            quote(input.name), runbook.metadata.name, quote(given->second)));
  }
  return {};
}

}  // namespace wellrun::procedures
