# RELAIS_SANITIZE: empty, "address" (clang: address + undefined, and coverage for libFuzzer), or "thread".
set(RELAIS_SANITIZE "" CACHE STRING "sanitizers to build with")
# What generated code is compiled with instead of what stands below: it is not ours, and is not instrumented any more than
# the libraries it belongs to (ADR 13).
set(RELAIS_GENERATED_OPTIONS "")
# What tests are compiled with besides: libFuzzer is told of the code that is tested, not of the tests.
set(RELAIS_TEST_OPTIONS "")
if(RELAIS_SANITIZE STREQUAL "address")
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "RELAIS_SANITIZE=address needs clang")
  endif()
  # Not "function": clang up to 16 cannot emit what that check needs for a coroutine.
  add_compile_options(-O1 -gline-tables-only -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=fuzzer-no-link,address,undefined)
  set(RELAIS_TEST_OPTIONS -fno-sanitize=fuzzer-no-link)
  # Clang 14 finds std::coroutine_traits, yet leaves the macro unset that libstdc++ asks for.
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
    add_compile_definitions(__cpp_impl_coroutine=201902L)
  endif()
elseif(RELAIS_SANITIZE STREQUAL "thread")
  # Protobuf's maps have other members where this macro is set: the library and the generated code have it not.
  add_compile_options(-O1 -g1 -fsanitize=thread -fno-omit-frame-pointer -U__SANITIZE_THREAD__)
  add_link_options(-fsanitize=thread)
elseif(NOT RELAIS_SANITIZE STREQUAL "")
  message(FATAL_ERROR "RELAIS_SANITIZE must be empty, address or thread")
endif()
if(RELAIS_SANITIZE)
  set(RELAIS_GENERATED_OPTIONS -O2 -g1 -DNDEBUG)
endif()
