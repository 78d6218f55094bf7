# What `cmake --install` puts in place: the compiler, its runtime with header, pkg-config file and CMake package,
# the prelude to be read (sgdc carries its own copy), examples, documents and the man page.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sgdc)
# The .pc file finds its prefix from where it lies, so that an installation can be moved.
file(RELATIVE_PATH up_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" up_to_prefix ${up_to_prefix})
configure_file(cmake/sgdrt.pc.in ${CMAKE_CURRENT_BINARY_DIR}/sgdrt.pc @ONLY)
configure_package_config_file(cmake/sgdcConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/sgdcConfig.cmake
  INSTALL_DESTINATION ${package_folder}
  PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/sgdcConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS sgdc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS sgdrt ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS sgdrt_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES runtime/sgdrt.h runtime/core.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sgdc)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdrt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdcConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/sgdcConfigVersion.cmake
  DESTINATION ${package_folder})
install(DIRECTORY std DESTINATION ${CMAKE_INSTALL_DATADIR}/sgdc FILES_MATCHING PATTERN "*.sgd")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE docs/language.md docs/embedding.md docs/numerics.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
configure_file(docs/sgdc.1 ${CMAKE_CURRENT_BINARY_DIR}/sgdc.1 @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdc.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
