# cpack -G DEB: a Debian package for each component that is installed.
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/twintrack COMPONENT program)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME twintrack)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # or it would become every package's synopsis
set(CPACK_PACKAGE_CONTACT "TwinTrack maintainers <maintainers@twintrack.invalid>" CACHE STRING
                          "Name and address of who makes Debian packages of this")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/stage.cmake)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(summary "calibrated segmentation of pancreatic cancer on CT")
set(description
    "TwinTrack finds pancreatic ductal adenocarcinoma on contrast-enhanced CT with\n\
networks of nnU-Net's kind and says, for every voxel, which share of experts\n\
would mark it as tumour (mean human response).\n\
.\n\
Research use only. Not a medical device and not for diagnosis.")

# The package `name` of a component: its section, the end of its synopsis, and what it depends on besides shared
# libraries.
function(debian_package component name section part)
  string(TOUPPER ${component} upper)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}${part}\n${description}" PARENT_SCOPE)
  list(JOIN ARGN ", " depends)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
endfunction()

set(CPACK_COMPONENTS_ALL)
set(this_version "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
debian_package(program twintrack science "")
debian_package(development libtwintrack-dev libdevel " - C++ library"
               libdcmtk-dev libdnnl-dev libfmt-dev libinsighttoolkit5-dev libisal-dev libspdlog-dev libssl-dev
               nlohmann-json3-dev ocl-icd-opencl-dev zlib1g-dev)
if(TARGET twintrack_torch)
  debian_package(training twintrack-torch science " - training and GPUs" "twintrack ${this_version}")
endif()
if(TARGET twintrack_python)  # serves the one minor version of Python that it was compiled for
  find_package(Python QUIET COMPONENTS Interpreter)
  math(EXPR next_minor "${Python_VERSION_MINOR} + 1")
  debian_package(python python3-twintrack python " - Python module" python3-numpy
                 "python3 (>= ${Python_VERSION_MAJOR}.${Python_VERSION_MINOR})"
                 "python3 (<< ${Python_VERSION_MAJOR}.${next_minor})")
endif()
include(CPack)
