# The one way targets are made. All sources are given relative to the caller's folder.
#
#   relais_library(NAME SRCS a.cc ... DEPS x y ...)   static library, include root = repository root
#   relais_binary(NAME SRCS ... DEPS ...)             executable in build/<preset>/bin
#   relais_test(NAME SRCS ... DEPS ... [LABELS l] [TIMEOUT s] [LONG a.cc ...])
#                                                     GoogleTest binary, registered with CTest; LONG: those of its sources
#                                                     that run long enough to be optimised
#   relais_fuzzer(NAME SRCS ... DEPS ...)             libFuzzer binary in build/asan/bin; only where the preset is asan

add_custom_target(all_tests)
add_custom_target(all_fuzzers)

# GCC 12 sees an overlap in std::string concatenation that is not there (GCC bug 105651).
set(RELAIS_WARNINGS -Wall -Wextra -Werror "$<$<CONFIG:Release>:-Wno-restrict>")


function(relais_options target)
  target_compile_options(${target} PRIVATE ${RELAIS_WARNINGS})
endfunction()

function(relais_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  relais_options(${name})
endfunction()

function(relais_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  # Calls allocate on one thread and free on another, which glibc's allocator does slowly and with waste (ADR 5).
  # Sanitizers bring their own.
  if(RELAIS_SANITIZE STREQUAL "")
    target_link_libraries(${name} PRIVATE PkgConfig::JEMALLOC)
  endif()
  relais_options(${name})
endfunction()

function(relais_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS;LONG" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  relais_options(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  # What is tested is as it is shipped; the tests themselves run once, and are half of what is to be compiled: 12 s
  # instead of 18 for one of the vault's, 12 instead of 31 with sanitizers. But for the simulation, which is long.
  if(NOT "sim" IN_LIST ARG_LABELS)
    target_compile_options(${name} PRIVATE -O0 ${RELAIS_TEST_OPTIONS})
    set_source_files_properties(${ARG_LONG} PROPERTIES COMPILE_OPTIONS "$<IF:$<CONFIG:Release>,-O2,-O1>")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT RELAIS_SANITIZE STREQUAL "")
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 6")  # what sanitizers cost, on a machine that does other things too
  endif()
  add_dependencies(all_tests ${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

function(relais_fuzzer name)
  relais_binary(${name} ${ARGN})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(all_fuzzers ${name})
endfunction()
