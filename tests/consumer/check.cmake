# Installs the build folder BUILD below a temporary prefix and meets it as others do: the consumer beside this file and
# examples/cpp are built against it, and both run, as does the program; where PYTHON is given, it imports the module.
# They must name VERSION.
set(folder ${BUILD}/package-test)
set(source ${CMAKE_CURRENT_LIST_DIR}/../..)
file(REMOVE_RECURSE ${folder})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${status}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(require_output what pattern)
  if(NOT output MATCHES "${pattern}")
    message(FATAL_ERROR "${what} does not say ${pattern}: ${output}")
  endif()
endfunction()

function(build project folder)
  run(${CMAKE_COMMAND} -G Ninja -S ${project} -B ${folder} -D CMAKE_PREFIX_PATH=${prefix})
  run(${CMAKE_COMMAND} --build ${folder})
endfunction()

set(prefix ${folder}/prefix)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
run(${prefix}/bin/twintrack --version)
require_output("the installed program" "${VERSION}\n")

build(${CMAKE_CURRENT_LIST_DIR} ${folder}/consumer)
run(${folder}/consumer/consumer)
require_output("the consumer" "${VERSION}\n")

build(${source}/examples/cpp ${folder}/example)
run(${prefix}/bin/twintrack phantom -o ${folder}/cohort --cases 1 --first 7 --seed 400 --size 40,40,24
    --spacing-mm 4.5,4.5,6 --quiet)
run(${folder}/example/predict_ct ${source}/models/phantom ${folder}/cohort/phantom_0007/image.nii.gz ${folder}/map.nii.gz)
require_output("the example" "bundle phantom")
require_output("the example" "at least 5 of 5 experts: [0-9.]+ ml\nResearch use only")
if(NOT EXISTS ${folder}/map.nii.gz)
  message(FATAL_ERROR "the example wrote no map")
endif()

if(PYTHON)
  run(${CMAKE_COMMAND} -E env PYTHONPATH=${prefix}/${PYTHON_FOLDER} ${PYTHON} -c
      "from twintrack import __file__, __version__\nprint(__file__, __version__)")
  require_output("the installed Python module" "${prefix}/.*/twintrack/__init__.py ${VERSION}\n")
endif()
file(REMOVE_RECURSE ${folder})
