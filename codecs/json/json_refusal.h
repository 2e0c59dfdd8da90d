/* Why a text is refused, in words of our own: jansson's quote the input. */
#ifndef JSON_REFUSAL_H
#define JSON_REFUSAL_H

#include <jansson.h>
#include <msp/bytes.h>

/* For a text that is no JSON: MSP_E_INVALID, or MSP_E_LIMIT where jansson met more levels than it goes down. `error` is
 * jansson's, or NULL for a text with a NUL in it. Bytes count from 1. */
enum msp_status json_refuse(struct msp_bytes text, const json_error_t *error, int max_depth,
                            struct msp_error *err) MSP_NODISCARD;

/* For JSON that is deeper than max_depth levels or needs more memory than it may have: MSP_E_LIMIT. */
enum msp_status json_refuse_size(struct msp_bytes text, int max_depth, struct msp_error *err) MSP_NODISCARD;

#endif
