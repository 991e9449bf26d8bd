# wellrun_library(NAME [DEPS target…] [LINK library…])
#
# A folder as a static library: every *.cc below the calling folder, except
#   *_test.cc  -> executable NAME_test, one entry in ctest
#   *_fuzz.cc  -> one libFuzzer executable each, where WELLRUN_FUZZ is on
#   *_bench.cc -> executable NAME_bench (Google Benchmark), not part of the tests
# A new file needs no edit anywhere. DEPS name lower floors; LINK outside libraries.
function(wellrun_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LINK" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")

  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC wellrun_options ${ARG_DEPS} ${ARG_LINK})
    wellrun_precompile(${name})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE wellrun_options ${ARG_DEPS} ${ARG_LINK})
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} wellrun_test_main)
    target_compile_definitions(${name}_test PRIVATE WELLRUN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    wellrun_precompile(${name}_test)
    add_test(NAME ${name}_test COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()

  if(benches)
    add_executable(${name}_bench EXCLUDE_FROM_ALL ${benches})
    target_link_libraries(${name}_bench PRIVATE ${name} benchmark::benchmark_main)
  endif()

  if(WELLRUN_FUZZ)
    foreach(source ${fuzzers})
      get_filename_component(fuzzer ${source} NAME_WE)
      add_executable(${fuzzer} ${source})
      target_link_libraries(${fuzzer} PRIVATE ${name})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      add_dependencies(wellrun_fuzzers ${fuzzer})
    endforeach()
  endif()
endfunction()
