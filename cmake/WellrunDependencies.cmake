# Outside libraries: all from Debian 12. Each target below is named by the folder that uses it.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
target_compile_options(wellrun_options INTERFACE -pthread)  # one precompiled header serves all, also those that get -pthread from gRPC
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(absl REQUIRED)
find_package(Boost 1.81 REQUIRED)

find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)  # its CMake package looks for static zstd
find_package(Snappy CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
pkg_check_modules(cmark REQUIRED IMPORTED_TARGET libcmark)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
find_library(ROARING_LIBRARY roaring REQUIRED)  # its CMake package does not load

pkg_check_modules(grpcpp REQUIRED IMPORTED_TARGET grpc++)
