// Any bytes: an answer within the limits, and what is read can be written and read again.

#include "catalog/check.h"
#include "catalog/yaml.h"
#include "core/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::catalog;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const YamlDocuments read = read_yaml(text);
  for (const Node& document : read.documents) {
    const YamlDocuments again = read_yaml(write_yaml(document));
    WELLRUN_ASSERT(again.errors.empty(), "written YAML must be readable");
  }
  (void)check(load({{"fuzz.yaml", text}}));
  return 0;
}
