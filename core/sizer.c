#include "sizer.h"

#include <assert.h>

void msp_sizer_init(struct msp_sizer *sizer, size_t max_messages, int64_t max_ns, size_t max_memory)
{
	assert(max_messages > 0 && max_ns > 0 && max_memory > 0);
	*sizer = (struct msp_sizer){.max_messages = max_messages, .max_ns = max_ns, .max_memory = max_memory, .next = 1};
}

/* Rises at once and falls slowly: a batch that is too long costs a lease, one that is too short only some overhead. */
static double pessimistic_average(double average, double observed)
{
	return observed > average ? observed : 0.8 * average + 0.2 * observed;
}

static size_t fits(double limit, double per_message, size_t most)
{
	if (per_message <= 0 || limit / per_message >= (double)most)
		return most;
	size_t count = (size_t)(limit / per_message);
	return count > 0 ? count : 1;
}

void msp_sizer_observe(struct msp_sizer *sizer, size_t count, int64_t predict_ns, size_t memory)
{
	assert(count > 0);
	sizer->ns_per_message = pessimistic_average(sizer->ns_per_message, (double)predict_ns / (double)count);
	sizer->memory_per_message = pessimistic_average(sizer->memory_per_message, (double)memory / (double)count);

	size_t next = count < sizer->next ? sizer->next : sizer->next * 2;
	if (next > sizer->max_messages)
		next = sizer->max_messages;
	next = fits((double)sizer->max_ns, sizer->ns_per_message, next);
	sizer->next = fits((double)sizer->max_memory, sizer->memory_per_message, next);
}
