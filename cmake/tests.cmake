# msp_add_test(NAME [LABELS label…] [SOURCES file…] [LIBRARIES target…] [TIMEOUT seconds])
# A cmocka program of NAME.c and SOURCES. tests/README.md lists the labels.
function(msp_add_test name)
	cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "LABELS;SOURCES;LIBRARIES")
	if(test_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "msp_add_test(${name}): what is ${test_UNPARSED_ARGUMENTS}?")
	endif()
	add_executable(${name} ${name}.c ${test_SOURCES})
	target_link_libraries(${name} PRIVATE msp_warnings msp::core ${test_LIBRARIES} PkgConfig::CMOCKA)
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES LABELS "${test_LABELS}")
	if(test_TIMEOUT)
		set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT})
	endif()
endfunction()

# The brokers of the tests, as far as this build has a transport for them. A new one is a name here and a line in
# tests/support/brokers.c.
set(MSP_TEST_BROKERS)
foreach(broker sqlite redis kafka)
	if(TARGET msp_transport_${broker})
		list(APPEND MSP_TEST_BROKERS ${broker})
	endif()
endforeach()
# What ctest does for every test on a broker. All on Kafka share one, which ctest starts, and its one disk.
set(MSP_TEST_NEEDS_kafka FIXTURES_REQUIRED kafka SKIP_RETURN_CODE 77 RUN_SERIAL TRUE)

# msp_add_broker_test(NAME BROKER LABEL COMMAND word… [PROPERTIES name value…]): a test on one of MSP_TEST_BROKERS.
function(msp_add_broker_test name broker label)
	cmake_parse_arguments(PARSE_ARGV 3 test "" "" "COMMAND;PROPERTIES")
	add_test(NAME ${name} COMMAND ${test_COMMAND})
	set_tests_properties(${name} PROPERTIES LABELS "${label};${broker}" ${MSP_TEST_NEEDS_${broker}} ${test_PROPERTIES})
endfunction()

# msp_add_bench(NAME [LIBRARIES target…]): a program of NAME.c for ./dev bench, see tests/bench/README.md.
function(msp_add_bench name)
	cmake_parse_arguments(PARSE_ARGV 1 bench "" "" "LIBRARIES")
	add_executable(${name} ${name}.c)
	target_link_libraries(${name} PRIVATE msp_warnings msp_bench_support msp::core ${bench_LIBRARIES})
endfunction()
