# Run by cpack between staging and packing: what Debian wants of a package besides the files that are installed
# anywhere.
find_program(GZIP gzip REQUIRED)

# `from` as the compressed file `to`, the same bytes on every run.
function(add_compressed from to)
  get_filename_component(folder ${to} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${GZIP} --best --no-name --stdout ${from} OUTPUT_FILE ${to} COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD ${to} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(staged ${CPACK_TEMPORARY_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX})
  set(documents ${staged}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  file(MAKE_DIRECTORY ${documents})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright ${documents}/copyright COPYONLY)
  add_compressed(${CMAKE_CURRENT_LIST_DIR}/changelog ${documents}/changelog.Debian.gz)
  add_compressed(${CMAKE_CURRENT_LIST_DIR}/../../CHANGELOG.md ${documents}/changelog.gz)

  file(GLOB pages ${staged}/share/man/man*/*.[0-9])
  foreach(page ${pages})
    add_compressed(${page} ${page}.gz)
    file(REMOVE ${page})
  endforeach()
  if(EXISTS ${staged}/share/zsh/site-functions)
    file(RENAME ${staged}/share/zsh/site-functions ${staged}/share/zsh/vendor-completions)
  endif()
endforeach()
