# One INTERFACE target carries the warnings, and the hardening with them; every target of ours links it privately.
include(${CMAKE_CURRENT_LIST_DIR}/mspHardening.cmake)
add_library(msp_warnings INTERFACE)
target_link_libraries(msp_warnings INTERFACE msp_hardening)
target_compile_options(msp_warnings INTERFACE
	-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
	-Wformat=2 -Wcast-qual -Wwrite-strings -Werror)
# POSIX and GNU interfaces (pipe2, eventfd, accept4) are used on purpose; the language stays C11.
target_compile_definitions(msp_warnings INTERFACE _GNU_SOURCE)
