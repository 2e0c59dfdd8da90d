#include "headers.h"

#define SIZE_ABSENT UINT32_MAX
/* A header takes at least its two sizes. */
#define HEADER_SIZE_MIN 8u

static enum msp_status u32_append(struct msp_buffer *buffer, uint32_t number)
{
	unsigned char bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	return msp_buffer_append(buffer, bytes, sizeof(bytes));
}

static enum msp_status bytes_append(struct msp_buffer *buffer, struct msp_bytes bytes)
{
	if (bytes.size >= SIZE_ABSENT)
		return MSP_E_LIMIT;
	enum msp_status status = u32_append(buffer, bytes.data ? (uint32_t)bytes.size : SIZE_ABSENT);
	if (status == MSP_OK && bytes.size > 0)
		status = msp_buffer_append(buffer, bytes.data, bytes.size);
	return status;
}

enum msp_status sqlite_headers_encode(const struct msp_header *headers, size_t count, struct msp_buffer *buffer)
{
	msp_buffer_clear(buffer);
	if (count > SIZE_ABSENT)
		return MSP_E_LIMIT;
	enum msp_status status = u32_append(buffer, (uint32_t)count);
	for (size_t i = 0; i < count && status == MSP_OK; i++) {
		struct msp_bytes name = headers[i].name;
		status = bytes_append(buffer, name.data ? name : msp_bytes_of("", 0));
		if (status == MSP_OK)
			status = bytes_append(buffer, headers[i].value);
	}
	return status;
}

static bool u32_take(struct msp_bytes *rest, uint32_t *ret_number)
{
	if (rest->size < 4)
		return false;
	const unsigned char *bytes = rest->data;
	*ret_number = 0;
	for (int i = 0; i < 4; i++)
		*ret_number |= (uint32_t)bytes[i] << (8 * i);
	*rest = msp_bytes_of(bytes + 4, rest->size - 4);
	return true;
}

static bool bytes_take(struct msp_bytes *rest, struct msp_bytes *ret_bytes)
{
	uint32_t size;
	if (!u32_take(rest, &size))
		return false;
	if (size == SIZE_ABSENT) {
		*ret_bytes = MSP_BYTES_ABSENT;
		return true;
	}
	if (rest->size < size)
		return false;
	*ret_bytes = msp_bytes_of(rest->data, size);
	*rest = msp_bytes_of((const char *)rest->data + size, rest->size - size);
	return true;
}

enum msp_status sqlite_headers_decode(struct msp_bytes blob, struct msp_arena *arena,
                                      const struct msp_header **ret_headers, size_t *ret_count)
{
	struct msp_bytes rest = blob;
	uint32_t count;
	if (!u32_take(&rest, &count) || count > rest.size / HEADER_SIZE_MIN)
		return MSP_E_CORRUPT;
	struct msp_header *headers = msp_arena_alloc_array(arena, count, sizeof(*headers));
	if (!headers)
		return msp_arena_status(arena);
	for (uint32_t i = 0; i < count; i++) {
		if (!bytes_take(&rest, &headers[i].name) || !headers[i].name.data || !bytes_take(&rest, &headers[i].value))
			return MSP_E_CORRUPT;
	}
	if (rest.size > 0)
		return MSP_E_CORRUPT;
	*ret_headers = headers;
	*ret_count = count;
	return MSP_OK;
}
