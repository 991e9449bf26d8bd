// Any bytes as the lines of an export: a journal or an error, and nothing left behind.

#include <filesystem>
#include <sstream>
#include <unistd.h>

#include "journal/transfer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto path = (std::filesystem::temp_directory_path() /
                            ("wellrun_transfer_fuzz_" + std::to_string(getpid()) + ".sqlite"))
                               .string();
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  (void)wellrun::journal::import_lines(path, lines);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  return 0;
}
