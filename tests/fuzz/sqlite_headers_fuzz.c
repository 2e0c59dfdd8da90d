/* Any bytes: what reads as record headers is written back as the same bytes, and everything else is refused. */
#include "fuzz.h"
#include "headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msp_arena arena;
	struct msp_buffer buffer;
	const struct msp_header *headers;
	size_t count;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	struct msp_bytes blob = msp_bytes_of(data ? (const void *)data : "", size);
	enum msp_status status = sqlite_headers_decode(blob, &arena, &headers, &count);
	must(status == MSP_OK || status == MSP_E_CORRUPT, "headers are well-formed or damaged");
	if (status == MSP_OK) {
		must(sqlite_headers_encode(headers, count, &buffer) == MSP_OK, "headers are written");
		must(msp_bytes_equal(msp_buffer_bytes(&buffer), blob), "headers are written as they were read");
	}
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
	return 0;
}
