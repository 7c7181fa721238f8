# RELAIS_SANITIZE: empty, "address" (address + undefined) or "thread".
set(RELAIS_SANITIZE "" CACHE STRING "sanitizers to build with")
# What generated code is compiled with instead of what stands below: the very flags of the release build, so that the
# compiler cache serves it. It is not ours, and is not instrumented any more than the libraries it belongs to (ADR 13).
set(RELAIS_GENERATED_OPTIONS "")
if(RELAIS_SANITIZE STREQUAL "address")
  add_compile_options(-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(RELAIS_SANITIZE STREQUAL "thread")
  add_compile_options(-O1 -g1 -fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NOT RELAIS_SANITIZE STREQUAL "")
  message(FATAL_ERROR "RELAIS_SANITIZE must be empty, address or thread")
endif()
if(RELAIS_SANITIZE)
  set(RELAIS_GENERATED_OPTIONS -O2 -g1 -DNDEBUG)
endif()
