# msp_add_model(<name> [NO_INSTALL] <source>...)
#
# A model plugin <name>.so: a module that exports the symbol msp_model_plugin and nothing else, that has no undefined
# symbol, and that `cmake --install` puts where the program looks for plugins. Link what else the model needs with
# target_link_libraries(<name> PRIVATE ...).
include(${CMAKE_CURRENT_LIST_DIR}/mspHardening.cmake)
set(MSP_MODEL_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/msp_model.map)

function(msp_add_model name)
	cmake_parse_arguments(PARSE_ARGV 1 MODEL "NO_INSTALL" "" "")
	add_library(${name} MODULE ${MODEL_UNPARSED_ARGUMENTS})
	target_link_libraries(${name} PRIVATE msp::model msp_hardening)
	target_link_options(${name} PRIVATE -Wl,--version-script=${MSP_MODEL_VERSION_SCRIPT})
	# With clang the runtime of a sanitizer is in the program alone.
	if(NOT (CMAKE_C_COMPILER_ID MATCHES Clang AND CMAKE_C_FLAGS MATCHES -fsanitize))
		target_link_options(${name} PRIVATE -Wl,-z,defs)
	endif()
	set_target_properties(${name} PROPERTIES
		PREFIX ""
		SUFFIX .so
		C_VISIBILITY_PRESET hidden
		POSITION_INDEPENDENT_CODE ON
		LINK_DEPENDS ${MSP_MODEL_VERSION_SCRIPT})
	if(NOT MODEL_NO_INSTALL)
		install(TARGETS ${name} LIBRARY DESTINATION ${MSP_MODEL_INSTALL_DIR})
	endif()
endfunction()
