# tidewire_library(NAME SOURCES... [PUBLIC libs...] [PRIVATE libs...])
# One compiled library for each module and edge, exported as tidewire::NAME.
function(tidewire_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target tidewire_${name})
  add_library(${target} ${ARG_SOURCES})
  add_library(tidewire::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:tidewire_warnings> ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY TIDEWIRE_LIBRARIES ${target})
endfunction()

# Warnings and sanitizers: for our own code only, never exported to users.
add_library(tidewire_warnings INTERFACE)
target_compile_options(tidewire_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 inside coroutine frames and std::string.
  target_compile_options(tidewire_warnings INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
endif()

if(TIDEWIRE_SANITIZE)
  add_compile_options(-fsanitize=${TIDEWIRE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TIDEWIRE_SANITIZE})
endif()

if(TIDEWIRE_FUZZ)
  # The fuzzers steer by what the library's code does, so all of it is instrumented.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# tidewire_test(NAME SOURCES... LIBS... [LABELS...] [TIMEOUT seconds]): one GoogleTest binary.
function(tidewire_test name)
  if(NOT TIDEWIRE_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  find_package(GTest REQUIRED)
  add_executable(tidewire_${name}_test ${ARG_SOURCES})
  target_link_libraries(tidewire_${name}_test
    PRIVATE ${ARG_LIBS} tidewire_warnings GTest::gtest GTest::gtest_main)
  target_include_directories(tidewire_${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/src)
  add_test(NAME ${name} COMMAND tidewire_${name}_test)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# The unit tests of a module: every x_test.cpp beside its sources, in one binary.
function(tidewire_module_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(sources)
    tidewire_test(${name} SOURCES ${sources} LIBS tidewire::${name} ${ARGN} LABELS unit)
  endif()
endfunction()
