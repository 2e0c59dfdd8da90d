#include "results.h"

#include <stdio.h>
#include <string.h>

/* The headers that an output has besides its input's: those of output.headers, and what its codec says. */
struct added_headers {
	struct msp_headers ours, codec;
};

static bool headers_name(const struct msp_headers *headers, struct msp_bytes name)
{
	for (size_t i = 0; i < headers->count; i++)
		if (msp_bytes_equal(name, headers->items[i].name))
			return true;
	return false;
}

/* Error headers of an earlier life (a redriven message) would make a reader take an output for an error record, and
 * what the input said of its own encoding would contradict what we say of the output's. */
static bool header_is_kept(const struct added_headers *added, const struct msp_header *header)
{
	static const char prefix[] = "msp-error-";
	if (header->name.size >= sizeof(prefix) - 1 && memcmp(header->name.data, prefix, sizeof(prefix) - 1) == 0)
		return false;
	return !headers_name(&added->ours, header->name) && !headers_name(&added->codec, header->name);
}

static struct msp_header *headers_append(struct msp_header *end, const struct msp_headers *headers)
{
	if (headers->count)
		memcpy(end, headers->items, headers->count * sizeof(*end));
	return end + headers->count;
}

/* The headers of an output: those of the input that are kept, then ours. Shares the input's array where it can. */
static bool output_headers(struct msp_arena *arena, const struct added_headers *added, const struct msp_message *input,
                           struct msp_message *output)
{
	size_t kept = 0, more = added->ours.count + added->codec.count;
	for (size_t i = 0; i < input->header_count; i++)
		kept += header_is_kept(added, &input->headers[i]);
	output->header_count = kept + more;
	output->headers = kept ? input->headers : added->ours.count ? added->ours.items : added->codec.items;
	if (kept ? kept == input->header_count && more == 0 : !added->ours.count || !added->codec.count)
		return true;

	struct msp_header *headers = msp_arena_alloc_array(arena, output->header_count, sizeof(*headers));
	if (!headers)
		return false;
	output->headers = headers;
	for (size_t i = 0; i < input->header_count; i++)
		if (header_is_kept(added, &input->headers[i]))
			*headers++ = input->headers[i];
	headers = headers_append(headers, &added->ours);
	headers_append(headers, &added->codec);
	return true;
}

static bool result_init(struct msp_work *work, const struct msp_results_context *context, const struct msp_item *item,
                        struct msp_outgoing *outgoing)
{
	const struct msp_message *input = item->message;
	outgoing->state = MSP_OUTGOING_PENDING;
	outgoing->reason = NULL;
	outgoing->timestamp_refused = false;
	if (item->failure) {
		outgoing->route = MSP_ROUTE_ERRORS;
		return msp_error_record(&work->records, &context->error, input, item->failure, MSP_OMIT_NOTHING,
		                        &outgoing->message);
	}
	outgoing->route = MSP_ROUTE_OUTPUTS;
	outgoing->message = (struct msp_message){
	    .key = input->key,
	    .value = msp_work_output(work, item),
	    .timestamp_ms = input->timestamp_ms,
	    .partition = input->partition,
	};
	if (input->header_count == 0 && context->output_header_count == 0 && !item->headers)
		return true;
	struct added_headers added = {.ours = {context->output_headers, context->output_header_count}};
	if (item->headers)
		added.codec = *item->headers;
	return output_headers(&work->records, &added, input, &outgoing->message);
}

struct msp_outgoing *msp_results_new(struct msp_work *work, const struct msp_results_context *context)
{
	struct msp_outgoing *outgoing = msp_arena_alloc_array(&work->records, work->count, sizeof(*outgoing));
	for (size_t i = 0; outgoing && i < work->count; i++)
		if (!result_init(work, context, &work->items[i], &outgoing[i]))
			return NULL;
	return outgoing;
}

/* Nothing is left to send in its place. */
static enum msp_status result_give_up(const struct msp_message *input, const char *reason, struct msp_error *err)
{
	static const char refused[] = "the broker refuses even an error record with nothing of its input";
	if (input->id)
		return msp_error_set(err, MSP_E_LIMIT, "%s (inputs id %s): %s", refused, input->id, reason);
	return msp_error_set(err, MSP_E_LIMIT, "%s (inputs partition %d offset %lld): %s", refused, (int)input->partition,
	                     (long long)input->offset, reason);
}

/* What the next try does without: what the broker says it refuses, else one thing more. */
static unsigned more_omissions(unsigned omissions, const struct msp_outgoing *outgoing)
{
	static const unsigned order[] = {MSP_OMIT_VALUE, MSP_OMIT_HEADERS, MSP_OMIT_KEY, MSP_OMIT_TIMESTAMP};
	if (outgoing->timestamp_refused && !(omissions & MSP_OMIT_TIMESTAMP))
		return omissions | MSP_OMIT_TIMESTAMP;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (!(omissions & order[i]))
			return omissions | order[i];
	return omissions;
}

static enum msp_status result_replace(struct msp_work *work, const struct msp_results_context *context,
                                      struct msp_item *item, struct msp_outgoing *outgoing, struct msp_error *err)
{
	const char *reason = outgoing->reason ? outgoing->reason : "the broker gave no reason";
	bool was_error = outgoing->route == MSP_ROUTE_ERRORS;
	unsigned omissions = was_error ? more_omissions(item->omissions, outgoing) : MSP_OMIT_NOTHING;
	if (was_error && omissions == item->omissions)
		return result_give_up(item->message, reason, err);
	if (!was_error) {
		const struct msp_failure *failure = msp_failure_new(&work->records, MSP_FAILURE_OUTPUT_REJECTED, reason, NULL);
		if (!failure)
			return MSP_E_NO_MEMORY;
		item->failure = failure;
	}
	if (!msp_error_record(&work->records, &context->error, item->message, item->failure, omissions, &outgoing->message))
		return MSP_E_NO_MEMORY;
	item->omissions = omissions;
	outgoing->route = MSP_ROUTE_ERRORS;
	outgoing->state = MSP_OUTGOING_PENDING;
	outgoing->timestamp_refused = false;
	return MSP_OK;
}

enum msp_status msp_results_replace_rejected(struct msp_work *work, const struct msp_results_context *context,
                                             struct msp_outgoing *outgoing, struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	for (size_t i = 0; i < work->count && status == MSP_OK; i++)
		if (outgoing[i].state == MSP_OUTGOING_REJECTED)
			status = result_replace(work, context, &work->items[i], &outgoing[i], err);
	return status;
}
