# What `cmake --install` puts in place: the compiler, its runtime with header, pkg-config file and CMake package,
# the prelude to be read (sgdc carries its own copy), examples, documents and the man page. COMPONENT says into which of
# the packages of packages.cmake a file goes.
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

configure_file(docs/sgdc.1 ${CMAKE_CURRENT_BINARY_DIR}/sgdc.1 @ONLY)
# Where zsh looks without being told, of a prefix /usr/local; Debian's own packages have another folder.
set(SGDC_ZSH_FOLDER ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "the folder for zsh's completion, below the prefix")

set(of compiler)
install(TARGETS sgdc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${of})
install(DIRECTORY std DESTINATION ${CMAKE_INSTALL_DATADIR}/sgdc COMPONENT ${of} FILES_MATCHING PATTERN "*.sgd")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${of})
file(GLOB documents CONFIGURE_DEPENDS docs/*.md docs/*.svg)
install(FILES LICENSE ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${of})
install(DIRECTORY docs/pictures DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${of})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdc.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${of})
install(FILES src/driver/completion/sgdc.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sgdc
  COMPONENT ${of})
install(FILES src/driver/completion/sgdc.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT ${of})
install(FILES src/driver/completion/sgdc.zsh DESTINATION ${SGDC_ZSH_FOLDER} RENAME _sgdc COMPONENT ${of})

set(of development)
install(TARGETS sgdrt_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT ${of})
install(TARGETS sgdrt ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${of})
install(FILES runtime/sgdrt.h runtime/core.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sgdc COMPONENT ${of})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdrt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${of})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sgdcConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/sgdcConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT ${of})
