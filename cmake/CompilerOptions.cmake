# One interface target carries the warnings, the optimisation flags and the sanitizers of every target of ours.
add_library(twintrack_options INTERFACE)
target_compile_options(twintrack_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                                   -Wno-missing-field-initializers -fno-math-errno -fno-trapping-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of GCC 12 inside the standard library once everything is inlined.
  target_compile_options(twintrack_options INTERFACE -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict)
endif()
if(TWINTRACK_SANITIZE)
  target_compile_options(twintrack_options INTERFACE -fsanitize=${TWINTRACK_SANITIZE} -fno-omit-frame-pointer
                                                     -fno-sanitize-recover=all)
  target_link_options(twintrack_options INTERFACE -fsanitize=${TWINTRACK_SANITIZE})
  # Function multi-versioning resolves before the sanitizers' runtime starts.
  target_compile_definitions(twintrack_options INTERFACE TWINTRACK_NO_MULTIVERSIONING)
endif()
# ThreadSanitizer cannot see into libgomp, and clang may come without libomp: our own loops then run on std::thread.
if(NOT TWINTRACK_SANITIZE MATCHES "thread")
  find_package(OpenMP COMPONENTS CXX)
endif()
if(OpenMP_CXX_FOUND)
  target_link_libraries(twintrack_options INTERFACE OpenMP::OpenMP_CXX)
else()
  target_compile_definitions(twintrack_options INTERFACE TWINTRACK_NO_OPENMP)
endif()
if(TWINTRACK_BUILD_FUZZERS)
  target_compile_options(twintrack_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TWINTRACK_COVERAGE)
  target_compile_options(twintrack_options INTERFACE --coverage -O0 -g)
  target_link_options(twintrack_options INTERFACE --coverage)
endif()
