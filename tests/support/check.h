/* What a cmocka program needs, in the order in which cmocka wants it, and a few assertions. */
#ifndef MSP_TEST_CHECK_H
#define MSP_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <msp/bytes.h>

/* `bytes` are those of the NUL-terminated `expected`. */
#define assert_bytes_equal(bytes, expected) check_bytes((bytes), (expected), __FILE__, __LINE__)

static inline void check_bytes(struct msp_bytes bytes, const char *expected, const char *file, int line)
{
	if (msp_bytes_equal(bytes, msp_bytes_of_string(expected)))
		return;
	print_error("\"%.*s\" is not \"%s\"\n", bytes.data ? (int)bytes.size : 6,
	            bytes.data ? (const char *)bytes.data : "absent", expected);
	_fail(file, line);
}

#endif
