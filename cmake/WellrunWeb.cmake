# The web page: built by Vite from web/ and api/openapi.yaml, put into the library wellrun_web_assets
# (src/server/web_assets.h). `-DWELLRUN_WEB=OFF` leaves the page out, for builds that only run C++ tests.

option(WELLRUN_WEB "build the web page and put it into the binary (needs Node.js 20)" ON)

set(web_dir ${CMAKE_SOURCE_DIR}/web)
set(web_dist ${CMAKE_BINARY_DIR}/web)
set(web_assets ${CMAKE_BINARY_DIR}/web_assets.cc)
set(web_embed ${CMAKE_SOURCE_DIR}/cmake/embed_web.py)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

if(WELLRUN_WEB)
  # scripts/setup puts a Node.js that will do into .tools/ where the system's is too old.
  set(web_path "${CMAKE_SOURCE_DIR}/.tools/node/bin:$ENV{PATH}")
  set(web_env ${CMAKE_COMMAND} -E env "PATH=${web_path}" npm_config_update_notifier=false npm_config_loglevel=error)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env "PATH=${web_path}" node --version
    OUTPUT_VARIABLE web_node ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE web_node_failed)
  if(web_node_failed OR web_node VERSION_LESS "v20.19")
    message(WARNING "the web page needs Node.js 20.19 or newer, found \"${web_node}\": run scripts/setup, "
      "or configure with -DWELLRUN_WEB=OFF")
  endif()

  # Build folders share web/node_modules: one at a time.
  set(web_lock flock ${web_dir}/package.json)
  set(web_installed ${web_dir}/node_modules/.package-lock.json)  # npm writes it last
  add_custom_command(OUTPUT ${web_installed}
    COMMAND ${web_lock} ${web_env} npm ci --no-audit --no-fund
    COMMAND ${CMAKE_COMMAND} -E touch ${web_installed}
    DEPENDS ${web_dir}/package-lock.json ${web_dir}/package.json
    WORKING_DIRECTORY ${web_dir}
    COMMENT "web: installing packages"
    VERBATIM)

  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS
    ${web_dir}/src/*.ts ${web_dir}/src/*.tsx ${web_dir}/src/*.css ${web_dir}/public/*)
  list(FILTER web_sources EXCLUDE REGEX "(\\.test\\.tsx?|api_types\\.d\\.ts|test_setup\\.ts)$")
  add_custom_command(OUTPUT ${web_assets}
    COMMAND ${web_lock} ${web_env} npm run --silent build -- --outDir ${web_dist} --emptyOutDir --logLevel warn
    COMMAND Python3::Interpreter ${web_embed} ${web_dist} ${web_assets}
    DEPENDS ${web_sources} ${web_installed} ${web_embed} ${CMAKE_SOURCE_DIR}/api/openapi.yaml
      ${web_dir}/index.html ${web_dir}/vite.config.ts ${web_dir}/tsconfig.json
    WORKING_DIRECTORY ${web_dir}
    COMMENT "web: building the page"
    VERBATIM)
else()
  add_custom_command(OUTPUT ${web_assets}
    COMMAND Python3::Interpreter ${web_embed} - ${web_assets}
    DEPENDS ${web_embed}
    VERBATIM)
endif()

add_library(wellrun_web_assets STATIC ${web_assets})
target_link_libraries(wellrun_web_assets PUBLIC wellrun_options)
