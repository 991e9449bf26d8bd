# One precompiled header for everything: the standard library, fmt and JSON, which nearly every file reads.
#
# CMake's own precompiled headers name it by its whole path and ccache takes its bytes into account, which hold that path
# too: no checkout would ever share an object with another. So clang's is made here, is named relative to the build folder,
# and stands for ccache by the checksum of its text.

set(precompiled_header ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_library(wellrun_precompiled OBJECT ${precompiled_header})
  set_source_files_properties(${precompiled_header} PROPERTIES LANGUAGE CXX HEADER_FILE_ONLY OFF COMPILE_OPTIONS "-xc++-header")
  set_target_properties(wellrun_precompiled PROPERTIES CXX_COMPILER_LAUNCHER "")
  target_link_libraries(wellrun_precompiled PRIVATE wellrun_options fmt::fmt nlohmann_json::nlohmann_json)

  # Ninja compiles in the build folder, so that this is where the object above lies seen from there.
  set(precompiled CMakeFiles/wellrun_precompiled.dir/cmake/precompiled.h.o)
  set(precompiled_sum ${CMAKE_BINARY_DIR}/${precompiled}.sum)
  add_custom_command(OUTPUT ${precompiled_sum}
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++2b -xc++ -Wno-pragma-once-outside-header -E -P ${precompiled_header} | sha256sum > ${precompiled_sum}
    DEPENDS wellrun_precompiled ${CMAKE_BINARY_DIR}/${precompiled}
    COMMENT "Checksum of the precompiled header")
  add_custom_target(wellrun_precompiled_sum DEPENDS ${precompiled_sum})
else()
  add_library(wellrun_precompiled STATIC ${CMAKE_SOURCE_DIR}/cmake/precompiled.cc)
  target_link_libraries(wellrun_precompiled PUBLIC wellrun_options fmt::fmt nlohmann_json::nlohmann_json)
  target_precompile_headers(wellrun_precompiled PRIVATE ${precompiled_header})
endif()

function(wellrun_precompile target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_precompile_headers(${target} REUSE_FROM wellrun_precompiled)
    return()
  endif()
  target_compile_options(${target} PRIVATE "SHELL:-include-pch ${precompiled}")
  add_dependencies(${target} wellrun_precompiled_sum)
  get_target_property(sources ${target} SOURCES)
  set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${precompiled_sum})
endfunction()
