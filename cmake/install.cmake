# What people who write models need: the core library, its headers, a CMake package and a pkg-config file. Both find
# their files relative to themselves, so that an installed tree may be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/msp)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH MSP_PC_PREFIX /${pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" MSP_PC_PREFIX ${MSP_PC_PREFIX})

configure_package_config_file(cmake/mspConfig.cmake.in mspConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(mspConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/msp.pc.in msp.pc @ONLY)

set_target_properties(msp_core PROPERTIES EXPORT_NAME model)
install(TARGETS msp_core EXPORT mspTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT mspTargets NAMESPACE msp:: DESTINATION ${package_dir})
install(DIRECTORY core/include/msp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
	FILES
		${PROJECT_BINARY_DIR}/mspConfig.cmake
		${PROJECT_BINARY_DIR}/mspConfigVersion.cmake
		cmake/mspHardening.cmake
		cmake/mspModel.cmake
		cmake/msp_model.map
	DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/msp.pc DESTINATION ${pkgconfig_dir})
