# Language, warnings, build types and sanitizers: the same for every target.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

set(WELLRUN_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
option(WELLRUN_FUZZ "build the libFuzzer targets (clang only)" OFF)

# Same objects in every checkout and build folder: ccache must not look at where the sources stand.
if(CMAKE_CXX_COMPILER_LAUNCHER STREQUAL "ccache")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_PCH_EXTSUM=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ccache)
endif()

# Dev: quick to compile, quick enough to run a simulation; asserts are always on in every build type.
set(CMAKE_CXX_FLAGS_DEV "-O1 -gline-tables-only" CACHE STRING "" FORCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(CMAKE_CXX_FLAGS_DEV "-O1 -g1" CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only" CACHE STRING "" FORCE)

add_library(wellrun_options INTERFACE)
target_compile_options(wellrun_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-omit-frame-pointer
  -Wno-missing-field-initializers)  # fields left out of a designated initialiser have their stated default
target_include_directories(wellrun_options INTERFACE ${CMAKE_SOURCE_DIR}/src)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 itself calls what it deprecates (stable_sort), and clang reports it at our call.
  target_compile_options(wellrun_options INTERFACE -Wno-deprecated-declarations)
  # A precompiled header's time stamp would make every ccache look-up a miss.
  target_compile_options(wellrun_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  add_link_options(-fuse-ld=lld-19)
else()
  # g++ 12 reports these inside the standard library and Boost, where nothing is wrong, and a dangling else in
  # GoogleTest's macros, which see to it themselves.
  target_compile_options(wellrun_options INTERFACE
    -Wno-error=maybe-uninitialized -Wno-error=stringop-overflow -Wno-error=array-bounds
    -Wno-error=restrict -Wno-error=free-nonheap-object -Wno-dangling-else)
endif()

if(WELLRUN_FUZZ)
  add_custom_target(wellrun_fuzzers)
  add_compile_options(-fsanitize=fuzzer-no-link)  # what libFuzzer is led by: the branches that an input takes
endif()

if(WELLRUN_SANITIZE)
  add_compile_options(-fsanitize=${WELLRUN_SANITIZE})
  add_link_options(-fsanitize=${WELLRUN_SANITIZE})
  if(WELLRUN_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
