# Finds LLVM 19 to 22 by its llvm-config: the newest installed, or the one SGDC_LLVM asks for.
# Sets SGDC_LLVM_VERSION (major), SGDC_LLVM_INCLUDE, and defines what is linked: llvm_shared, for tests, and llvm_archives,
# for sgdc itself (the shared library as well, where the archives are not all there).
set(candidates 22 21 20 19)
if(SGDC_LLVM)
  set(candidates ${SGDC_LLVM})
endif()
unset(config)
foreach(version IN LISTS candidates)
  unset(config CACHE)
  find_program(config NAMES llvm-config-${version} PATHS /usr/lib/llvm-${version}/bin)
  if(config)
    set(SGDC_LLVM_VERSION ${version})
    break()
  endif()
endforeach()
if(NOT config)
  message(FATAL_ERROR "sgdc needs LLVM 19 to 22 (llvm-19-dev); no llvm-config-{${candidates}} was found")
endif()
execute_process(COMMAND ${config} --includedir OUTPUT_VARIABLE SGDC_LLVM_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${config} --libdir OUTPUT_VARIABLE llvm_libdir OUTPUT_STRIP_TRAILING_WHITESPACE)
unset(SGDC_LLVM_LIBRARY CACHE)
find_library(SGDC_LLVM_LIBRARY NAMES LLVM-${SGDC_LLVM_VERSION} LLVM PATHS ${llvm_libdir} NO_DEFAULT_PATH REQUIRED)
message(STATUS "LLVM ${SGDC_LLVM_VERSION}: ${SGDC_LLVM_LIBRARY}")

add_library(llvm_shared INTERFACE)
target_link_libraries(llvm_shared INTERFACE ${SGDC_LLVM_LIBRARY})

# A shared libLLVM takes most of 10 ms to be loaded, with its libraries: all the targets it knows, tables full of
# addresses, a theorem prover. From the archives sgdc takes what it calls, at fixed addresses.
add_library(llvm_archives INTERFACE)
execute_process(COMMAND ${config} --link-static --libfiles x86 aarch64 orcjit passes bitreader linker
  OUTPUT_VARIABLE archives OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
separate_arguments(archives)
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE standard_library
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_library(SGDC_ZSTD NAMES zstd libzstd.so.1)     # with which LLVM could compress sections of objects
set(missing ${failed})
foreach(archive IN LISTS archives)
  if(NOT EXISTS ${archive})
    set(missing ${archive})
  endif()
endforeach()
if(NOT SGDC_SANITIZE AND NOT missing AND IS_ABSOLUTE "${standard_library}" AND SGDC_ZSTD)
  target_link_libraries(llvm_archives INTERFACE ${archives} ${standard_library} ${SGDC_ZSTD} ZLIB::ZLIB
    Threads::Threads ${CMAKE_DL_LIBS} m)
  target_link_options(llvm_archives INTERFACE -no-pie LINKER:--gc-sections)
  message(STATUS "LLVM ${SGDC_LLVM_VERSION} for sgdc itself: its archives")
else()
  target_link_libraries(llvm_archives INTERFACE llvm_shared)
endif()
