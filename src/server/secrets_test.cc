#include "server/secrets.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace wellrun::server {
namespace {

namespace fs = std::filesystem;

struct SecretsTest : ::testing::Test {
  SecretsTest() {
    char name[] = "/tmp/wellrun-secrets-XXXXXX";
    folder = fs::canonical(::mkdtemp(name));
    fs::create_directory(folder / "own");
    std::ofstream(folder / "own/auth.json") << "key";
    std::ofstream(folder / "password") << "hush\r\n";
    fs::create_symlink(folder / "own/auth.json", folder / "innocent");
  }
  ~SecretsTest() override { fs::remove_all(folder); }
  Result<std::string> read(const std::string& name) const {
    return read_secret_outside("file:" + (folder / name).string(), folder / "own");
  }
  fs::path folder;
};

TEST_F(SecretsTest, AFileIsReadWithoutItsEndOfLine) {
  EXPECT_EQ(read("password"), "hush");
  EXPECT_EQ(read("absent").error().code, ErrorCode::kNotFound);
}

TEST_F(SecretsTest, WhatIsNoReferenceIsRefusedAndNotRepeated) {
  const auto refused = read_secret("hush");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(to_string(refused.error()).find("hush"), std::string::npos);
}

TEST_F(SecretsTest, WhatIsNoRegularFileIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read("pipe").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read(".").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_secret("file:/dev/null").error().code, ErrorCode::kInvalid);
  if (fs::exists("/dev/ptmx")) EXPECT_FALSE(read_secret("file:/dev/ptmx"));
}

TEST_F(SecretsTest, OurOwnFilesAreRefusedByWhateverName) {
  for (const auto* name : {"own/auth.json", "own/../own/auth.json", "innocent"})
    EXPECT_EQ(read(name).error().code, ErrorCode::kForbidden) << name;
  EXPECT_EQ(read_secret("file:" + (folder / "own/auth.json").string()), "key") << "no own folder";
}

TEST_F(SecretsTest, FilesThatResourcesNameAreFoundWhereverTheyStand) {
  catalog::Catalog catalog;
  catalog::Resource resource;
  resource.kind = "Channel";
  resource.name = "chat";
  const auto password = (folder / "password").string();
  resource.document = {{"spec",
                        {{"urlRef", "file:" + password},
                         {"more", Json::array({"file:/usr", "file:/not/there", "env:HOME", 5})}}}};
  resource.value = std::make_shared<int>();
  catalog.put(std::make_shared<catalog::Resource>(resource));
  EXPECT_EQ(secret_files(catalog), std::vector{password});
}

}  // namespace
}  // namespace wellrun::server
