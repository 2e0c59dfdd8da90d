/* Base64 as RFC 4648 section 4 defines it, with padding. */
#ifndef CLI_BASE64_H
#define CLI_BASE64_H

#include <msp/arena.h>

/* The text for `bytes`, in `arena`. False: no memory. */
bool base64_encode(struct msp_arena *arena, struct msp_bytes bytes, struct msp_bytes *ret_text) MSP_NODISCARD;
/* The bytes for `text`, in `arena`. MSP_E_INVALID when it is not base64 in its one canonical form. */
enum msp_status base64_decode(struct msp_arena *arena, struct msp_bytes text,
                              struct msp_bytes *ret_bytes) MSP_NODISCARD;

#endif
