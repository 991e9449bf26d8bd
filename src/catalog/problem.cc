#include "catalog/problem.h"

#include "core/text.h"

namespace wellrun::catalog {

std::string to_string(const Problem& problem) {
  std::string text;
  if (!problem.file.empty()) text += problem.file + ':';
  if (problem.line > 0) text += fmt::format("{}:{}:", problem.line, problem.column);
  if (!text.empty()) text += ' ';
  text += problem.message;
  if (!problem.hint.empty()) text += " (did you mean " + quote(problem.hint) + "?)";
  return text;
}

Json to_json(const Problem& problem) {
  return {{"file", problem.file},
          {"line", problem.line},
          {"column", problem.column},
          {"message", problem.message},
          {"hint", problem.hint}};
}

}  // namespace wellrun::catalog
