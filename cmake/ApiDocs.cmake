# The pages of the public C++ interface: target api_docs writes them to TWINTRACK_API_DOCS. Tests: twintrack.hpp is
# documented wholly, and the pages with the headers that it shows come without a warning.
set(TWINTRACK_API_DOCS ${PROJECT_BINARY_DIR}/api-docs)
find_program(DOXYGEN_EXECUTABLE doxygen)

function(configure_doxyfile name output_folder show_undocumented)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/src/twintrack/" OUTPUT_VARIABLE headers)
  list(JOIN headers "\" \"" headers)
  configure_file(cmake/Doxyfile.in ${name} @ONLY)
endfunction()
configure_doxyfile(Doxyfile ${TWINTRACK_API_DOCS} YES twintrack.hpp calibration/calibrator.hpp core/error.hpp
                   core/research_use.hpp evaluation/bootstrap.hpp volume/io.hpp volume/volume.hpp volume/volume_view.hpp)
configure_doxyfile(Doxyfile.complete ${PROJECT_BINARY_DIR}/api-docs-complete NO twintrack.hpp)

if(DOXYGEN_EXECUTABLE)
  add_custom_target(api_docs COMMAND ${DOXYGEN_EXECUTABLE} ${PROJECT_BINARY_DIR}/Doxyfile
                    COMMENT "Writing ${TWINTRACK_API_DOCS}/index.html" VERBATIM)
endif()
if(TWINTRACK_BUILD_TESTS)
  foreach(file Doxyfile Doxyfile.complete)
    if(DOXYGEN_EXECUTABLE)
      add_test(NAME api_docs.${file} COMMAND ${DOXYGEN_EXECUTABLE} ${PROJECT_BINARY_DIR}/${file})
    else()
      add_test(NAME api_docs.${file} COMMAND ${CMAKE_COMMAND} -E echo "skipped: doxygen is not installed")
    endif()
    set_tests_properties(api_docs.${file} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: " TIMEOUT 120)
  endforeach()
endif()
