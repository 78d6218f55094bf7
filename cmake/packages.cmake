# What `cpack` makes: Debian packages, one for each component of install.cmake. The `package` presets build them as they are
# to be handed on: for /usr, where Debian's folders for libraries are (lib/x86_64-linux-gnu).
#
#   sgdc           the compiler, its prelude, documents and examples
#   libsgdrt0      the shared library of the runtime, which has its soname in its name
#   libsgdrt-dev   what applications are compiled and linked with
#
# debian/files.cmake makes what Debian wants beside these files. Dependencies on libraries are found by dpkg-shlibdeps.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sgdc)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The sgdc authors <sgdc@example.org>" CACHE STRING "who is named as the packages' maintainer")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL compiler library development)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/files.cmake)
set(CPACK_SGDC_SOURCE ${PROJECT_SOURCE_DIR})        # for files.cmake

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(exact "(= ${PROJECT_VERSION}-1)")

set(CPACK_DEBIAN_COMPILER_PACKAGE_NAME sgdc)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPILER_PACKAGE_RECOMMENDS "libsgdrt-dev ${exact}, binutils | lld")
set(CPACK_DEBIAN_COMPILER_PACKAGE_SUGGESTS "gcc | c-compiler, gnuplot-nox | gnuplot")
set(CPACK_COMPONENT_COMPILER_DESCRIPTION
"training compiler for models in a small language
sgdc compiles what is computed for one example, what is minimised and how
examples are scheduled into steps to vectorised machine code that trains:
at once, or as an object file with a C header for applications. The same
bits come out on any number of threads and on any processor.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libsgdrt0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
"runtime of programs that train with sgdc (shared library)
Reads data sets (csv, IDX, .npy) and saved parameters (safetensors), and
has the loop around the training steps that sgdc compiles.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libsgdrt-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libsgdrt0 ${exact}, libcjson-dev, zlib1g-dev, libc6-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "sgdc ${exact}, cmake, pkgconf | pkg-config")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"runtime of programs that train with sgdc (development files)
The headers, the static library, and the files by which CMake and
pkg-config find the runtime of objects that sgdc compiles.")
include(CPack)
