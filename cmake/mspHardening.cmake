# One INTERFACE target carries what makes an error in memory an end instead of an entrance: as far as compiler and
# linker have it. Here and in the installed package, where msp_add_model uses it.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

if(NOT TARGET msp_hardening)
	add_library(msp_hardening INTERFACE)
	foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
		string(MAKE_C_IDENTIFIER "MSP_HAS${flag}" has_flag)
		check_c_compiler_flag(${flag} ${has_flag})
		if(${has_flag})
			target_compile_options(msp_hardening INTERFACE ${flag})
		endif()
	endforeach()
	check_linker_flag(C -Wl,-z,relro,-z,now MSP_HAS_RELRO)
	if(MSP_HAS_RELRO)
		target_link_options(msp_hardening INTERFACE -Wl,-z,relro,-z,now)
	endif()
	# It checks nothing without optimisation, and the sanitizers check more.
	if(NOT CMAKE_C_FLAGS MATCHES -fsanitize)
		target_compile_options(msp_hardening INTERFACE
			$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>
			$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=3>)
	endif()
endif()
