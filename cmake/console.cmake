# tidewire_embed_console(TARGET): compiles the console page into TARGET. With TIDEWIRE_CONSOLE=OFF the
# demo works without its page, and says so.
function(tidewire_embed_console target)
  if(NOT TIDEWIRE_CONSOLE)
    target_sources(${target} PRIVATE demo/no_console_assets.cpp)
    return()
  endif()
  find_program(TIDEWIRE_NODE node)
  find_program(TIDEWIRE_NPM npm)
  if(NOT TIDEWIRE_NODE OR NOT TIDEWIRE_NPM)
    message(FATAL_ERROR
      "The page of `tidewire demo` is built with Node.js 18 or later and npm, and they are not here.\n"
      "On Debian: script/bootstrap --console (packages nodejs and npm). "
      "Or build without the page: cmake -DTIDEWIRE_CONSOLE=OFF …")
  endif()
  find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
  set(console ${PROJECT_SOURCE_DIR}/console)
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${console}/src/* ${console}/public/*)
  file(GLOB more CONFIGURE_DEPENDS ${console}/*.html ${console}/*.json ${console}/*.ts)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/console_assets.cpp)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/console.stamp)
  # The source keeps its time when the page did not change; the stamp says that it was looked at.
  add_custom_command(OUTPUT ${stamp} BYPRODUCTS ${made}
    COMMAND ${PROJECT_SOURCE_DIR}/script/console
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/embed_console.py
            ${PROJECT_SOURCE_DIR}/build/console ${made}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${inputs} ${more} ${PROJECT_SOURCE_DIR}/script/console
            ${PROJECT_SOURCE_DIR}/cmake/embed_console.py
    COMMENT "The console" VERBATIM)
  add_custom_target(${target}_console DEPENDS ${stamp})
  add_dependencies(${target} ${target}_console)
  target_sources(${target} PRIVATE ${made})
  set_source_files_properties(${made} PROPERTIES
    GENERATED ON COMPILE_OPTIONS "-Wno-overlength-strings")
endfunction()
