/* Results: the one outgoing message that each item of a batch ends as. */
#ifndef MSP_RESULTS_H
#define MSP_RESULTS_H

#include <msp/pipeline.h>
#include <msp/transport.h>

struct msp_results_context {
	struct msp_error_context error;
	/* Added to outputs, in the place of the input's of the same names; empty unless output.headers is on. */
	struct msp_header output_headers[2];
	size_t output_header_count;
};

/* Makes an output of every item without a failure and an error record of every other, in work->records. NULL: no
 * memory. */
struct msp_outgoing *msp_results_new(struct msp_work *work, const struct msp_results_context *context);

/* Replaces what the broker has refused for good: an output by an error record, an error record by one that does without
 * more of its input: the timestamp where that is what it refuses; else the value, then also the headers, the key, the
 * timestamp. MSP_E_NO_MEMORY: call again later.
 * MSP_E_LIMIT: the broker refuses even an error record with nothing of its input; err says which and why. */
enum msp_status msp_results_replace_rejected(struct msp_work *work, const struct msp_results_context *context,
                                             struct msp_outgoing *outgoing, struct msp_error *err) MSP_NODISCARD;

#endif
