/* Record headers as one blob in the column `headers` of a log:
 *
 *     count                                    u32
 *     count times: name size, name bytes       u32, bytes
 *                  value size, value bytes     u32, bytes; size 0xffffffff and no bytes: the value is absent
 *
 * All numbers are little-endian. A message without headers has NULL instead. */
#ifndef SQLITE_HEADERS_H
#define SQLITE_HEADERS_H

#include <msp/arena.h>
#include <msp/message.h>

/* Writes the blob of `count` > 0 headers into `buffer`, whose content is replaced. */
enum msp_status sqlite_headers_encode(const struct msp_header *headers, size_t count,
                                      struct msp_buffer *buffer) MSP_NODISCARD;
/* Reads a blob; the headers point into it and their array is in `arena`. MSP_E_CORRUPT: it is not of that form. */
enum msp_status sqlite_headers_decode(struct msp_bytes blob, struct msp_arena *arena,
                                      const struct msp_header **ret_headers, size_t *ret_count) MSP_NODISCARD;

#endif
