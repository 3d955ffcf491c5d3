# What `cmake --install` and CPack give to users: libraries, headers, the package for find_package,
# and the command-line tool. Installs whatever tidewire_library() has built, so that a module need
# not be named here.
option(TIDEWIRE_INSTALL "Generate install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT TIDEWIRE_INSTALL)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY TIDEWIRE_LIBRARIES)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tidewire)

install(TARGETS ${libraries} EXPORT tidewireTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tidewire DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.hpp")
install(EXPORT tidewireTargets NAMESPACE tidewire:: DESTINATION ${package_folder}
  COMPONENT development)

configure_package_config_file(packaging/tidewireConfig.cmake.in tidewireConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
# Before 1.0 every minor version may change the interface.
write_basic_package_version_file(tidewireConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/tidewireConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/tidewireConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT development)

if(TARGET tidewire_cli)
  install(TARGETS tidewire_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)
  include(packaging/manual.cmake)
endif()

# cpack -G DEB: `tidewire` is the tool, `tidewire-dev` the libraries.
set(CPACK_PACKAGE_CONTACT "the Tidewire project <tidewire@localhost>")
set(CPACK_PACKAGE_VENDOR "Tidewire")
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_TOOL_PACKAGE_NAME tidewire)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION net)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME tidewire-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libboost1.81-dev, libboost-json1.81-dev, libboost-system1.81-dev, libcurl4-openssl-dev, libssl-dev, libsqlite3-dev, libpq-dev, libgmime-3.0-dev, pkg-config")
# Reads the tool's dependencies from the binary; part of dpkg-dev.
find_program(TIDEWIRE_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(TIDEWIRE_SHLIBDEPS)
if(TIDEWIRE_SHLIBDEPS)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
