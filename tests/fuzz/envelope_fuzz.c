/* Any bytes as an envelope of -J: what is taken is written and read back as the same message. */
#include "builtin.h"
#include "fuzz.h"
#include "message/envelope.h"

#include <msp_codec_json.h>

/* The program finds its codec in a list; here there is one. */
enum msp_status builtin_json(const struct msp_codec_ops **ret_ops, struct msp_error *err)
{
	(void)err;
	*ret_ops = &msp_codec_json;
	return MSP_OK;
}

static bool headers_equal(const struct msp_message *a, const struct msp_message *b)
{
	bool equal = a->header_count == b->header_count;
	for (size_t i = 0; equal && i < a->header_count; i++)
		equal = msp_bytes_equal(a->headers[i].name, b->headers[i].name) &&
		        msp_bytes_equal(a->headers[i].value, b->headers[i].value);
	return equal;
}

static void round_trip(struct envelope *writer, const struct msp_message *message)
{
	struct envelope reader;
	struct msp_buffer line;
	struct msp_message again;
	struct msp_error err;
	msp_buffer_init(&line, SIZE_MAX);
	must(envelope_init(&reader, &err) == MSP_OK, "an envelope opens");
	must(envelope_encode(writer, message, &line, &err) == MSP_OK, "what was read is written");
	must(envelope_decode(&reader, msp_bytes_of(line.data, line.size - 1), &again, &err) == MSP_OK, "and read again");
	must(msp_bytes_equal(again.key, message->key), "with its key");
	must(msp_bytes_equal(again.value, message->value), "with its value");
	must(again.timestamp_ms == message->timestamp_ms && again.partition == message->partition, "where it stood");
	must(headers_equal(&again, message), "with its headers");
	envelope_done(&reader);
	msp_buffer_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope reader, writer;
	struct msp_message message;
	struct msp_error err;
	must(envelope_init(&reader, &err) == MSP_OK && envelope_init(&writer, &err) == MSP_OK, "an envelope opens");
	if (envelope_decode(&reader, msp_bytes_of(size ? (const void *)data : "", size), &message, &err) == MSP_OK)
		round_trip(&writer, &message);
	envelope_done(&reader);
	envelope_done(&writer);
	return 0;
}
