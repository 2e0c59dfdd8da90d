/* The scratch memory that jansson parses in.
 *
 * jansson 2.14 does not survive a failed malloc in its lexer: the token buffer then silently lacks bytes, and the scan
 * of a string runs past its end. So while json_scratch_load runs, the calling thread's jansson allocates from the
 * scratch, and an allocation that fails leaves jansson by longjmp; nothing is lost by that, because all that jansson
 * holds lies in the scratch. Freeing a tree is free as well.
 *
 * json_set_alloc_funcs is process-wide, so the hooks pass everything else on to the functions that were there before:
 * a model that uses jansson itself sees no difference. */
#ifndef JSON_SCRATCH_H
#define JSON_SCRATCH_H

#include <jansson.h>
#include <msp/arena.h>
#include <setjmp.h>

/* Caller storage. [owner thread] */
struct json_scratch {
	struct msp_arena arena;
	json_t *tree;      /* loaded and not cleared, or NULL */
	jmp_buf exhausted; /* where a failed allocation goes */
};

/* Allocates nothing yet. */
void json_scratch_init(struct json_scratch *scratch);
void json_scratch_done(struct json_scratch *scratch);

/* json_loadb in at most `max_size` bytes of scratch, or 64 KiB if that is more. The scratch owns *ret_tree until
 * json_scratch_clear, which must come before the next load, also after a failure.
 * MSP_E_INVALID: jansson refuses, *ret_error tells why; MSP_E_LIMIT, MSP_E_NO_MEMORY: of the scratch. */
enum msp_status json_scratch_load(struct json_scratch *scratch, struct msp_bytes bytes, size_t flags, size_t max_size,
                                  json_t **ret_tree, json_error_t *ret_error) MSP_NODISCARD;
/* Ends the tree that was loaded, if any; keeps some memory for the next one. */
void json_scratch_clear(struct json_scratch *scratch);

#endif
