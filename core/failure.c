#include <msp/failure.h>

#include "text.h"
#include <msp/clock.h>

#define LITERAL(text)                                                                                                  \
	{                                                                                                                  \
		text, sizeof(text) - 1                                                                                         \
	}

enum record_header {
	RECORD_ERROR_STAGE,
	RECORD_ERROR_CODE,
	RECORD_ERROR_MESSAGE,
	RECORD_ERROR_PATH,
	RECORD_MODEL,
	RECORD_SOURCE_TOPIC,
	RECORD_SOURCE_PARTITION,
	RECORD_SOURCE_OFFSET,
	RECORD_SOURCE_ID,
	RECORD_CONSUMER_GROUP,
	RECORD_ATTEMPTS,
	RECORD_FAILED_AT,
	RECORD_VALUE_OMITTED,
	RECORD_HEADERS_OMITTED,
	RECORD_KEY_OMITTED,
	RECORD_TIMESTAMP_OMITTED,
	RECORD_HEADERS, /* how many there are */
};

static const struct msp_bytes header_names[RECORD_HEADERS] = {
    [RECORD_ERROR_STAGE] = LITERAL("msp-error-stage"),
    [RECORD_ERROR_CODE] = LITERAL("msp-error-code"),
    [RECORD_ERROR_MESSAGE] = LITERAL("msp-error-message"),
    [RECORD_ERROR_PATH] = LITERAL("msp-error-path"),
    [RECORD_MODEL] = LITERAL("msp-model"),
    [RECORD_SOURCE_TOPIC] = LITERAL("msp-source-topic"),
    [RECORD_SOURCE_PARTITION] = LITERAL("msp-source-partition"),
    [RECORD_SOURCE_OFFSET] = LITERAL("msp-source-offset"),
    [RECORD_SOURCE_ID] = LITERAL("msp-source-id"),
    [RECORD_CONSUMER_GROUP] = LITERAL("msp-consumer-group"),
    [RECORD_ATTEMPTS] = LITERAL("msp-attempts"),
    [RECORD_FAILED_AT] = LITERAL("msp-failed-at"),
    [RECORD_VALUE_OMITTED] = LITERAL("msp-value-omitted"),
    [RECORD_HEADERS_OMITTED] = LITERAL("msp-headers-omitted"),
    [RECORD_KEY_OMITTED] = LITERAL("msp-key-omitted"),
    [RECORD_TIMESTAMP_OMITTED] = LITERAL("msp-timestamp-omitted"),
};

static const struct {
	enum msp_stage stage;
	const char *name;
} codes[MSP_FAILURE_CODES] = {
    [MSP_FAILURE_MISSING_VALUE] = {MSP_STAGE_RECEIVE, "missing_value"},
    [MSP_FAILURE_TOO_LARGE] = {MSP_STAGE_RECEIVE, "too_large"},
    [MSP_FAILURE_DELIVERY_LIMIT] = {MSP_STAGE_RECEIVE, "delivery_limit"},
    [MSP_FAILURE_EXPIRED] = {MSP_STAGE_RECEIVE, "expired"},
    [MSP_FAILURE_MALFORMED] = {MSP_STAGE_DECODE, "malformed"},
    [MSP_FAILURE_SCHEMA_VIOLATION] = {MSP_STAGE_VALIDATE, "schema_violation"},
    [MSP_FAILURE_MODEL_ERROR] = {MSP_STAGE_PREDICT, "model_error"},
    [MSP_FAILURE_INVALID_OUTPUT] = {MSP_STAGE_PREDICT, "invalid_output"},
    [MSP_FAILURE_MODEL_CRASHED] = {MSP_STAGE_PREDICT, "model_crashed"},
    [MSP_FAILURE_MODEL_TIMEOUT] = {MSP_STAGE_PREDICT, "model_timeout"},
    [MSP_FAILURE_UNENCODABLE] = {MSP_STAGE_ENCODE, "unencodable"},
    [MSP_FAILURE_OUTPUT_REJECTED] = {MSP_STAGE_PUBLISH, "output_rejected"},
};

static const char *const stage_names[] = {
    [MSP_STAGE_RECEIVE] = "receive", [MSP_STAGE_DECODE] = "decode", [MSP_STAGE_VALIDATE] = "validate",
    [MSP_STAGE_PREDICT] = "predict", [MSP_STAGE_ENCODE] = "encode", [MSP_STAGE_PUBLISH] = "publish",
};

const char *msp_failure_code_name(enum msp_failure_code code)
{
	return codes[code].name;
}

enum msp_stage msp_failure_stage(enum msp_failure_code code)
{
	return codes[code].stage;
}

const char *msp_stage_name(enum msp_stage stage)
{
	return stage_names[stage];
}

const struct msp_failure *msp_failure_new(struct msp_arena *arena, enum msp_failure_code code, const char *message,
                                          const char *path)
{
	size_t message_size = strlen(message) + 1;
	size_t path_size = path ? strlen(path) + 1 : 0;
	struct msp_failure *failure = msp_arena_alloc(arena, sizeof(*failure) + message_size + path_size);
	if (!failure)
		return NULL;
	char *texts = (char *)(failure + 1);
	memcpy(texts, message, message_size);
	if (path)
		memcpy(texts + message_size, path, path_size);
	*failure = (struct msp_failure){code, texts, path ? texts + message_size : NULL};
	return failure;
}

/* Storage of one record: its headers, and the texts of those that are numbers or times. */
struct record {
	char partition[MSP_TEXT_INTEGER_SIZE];
	char offset[MSP_TEXT_INTEGER_SIZE];
	char attempts[MSP_TEXT_INTEGER_SIZE];
	char value_omitted[MSP_TEXT_INTEGER_SIZE];
	char headers_omitted[MSP_TEXT_INTEGER_SIZE];
	char key_omitted[MSP_TEXT_INTEGER_SIZE];
	char timestamp_omitted[MSP_TEXT_INTEGER_SIZE];
	char failed_at[MSP_TEXT_TIME_LENGTH + 1];
	size_t count;
	struct msp_header headers[];
};

static void record_add(struct record *record, enum record_header header, struct msp_bytes value)
{
	record->headers[record->count++] = (struct msp_header){header_names[header], value};
}

static void record_add_string(struct record *record, enum record_header header, const char *value)
{
	if (value)
		record_add(record, header, msp_bytes_of_string(value));
}

static void record_add_integer(struct record *record, enum record_header header, int64_t integer,
                               char text[MSP_TEXT_INTEGER_SIZE])
{
	record_add(record, header, msp_bytes_of(text, msp_text_integer(text, integer)));
}

static bool is_record_header(struct msp_bytes name)
{
	/* What most headers are told by. */
	if (name.size < 4 || memcmp(name.data, "msp-", 4) != 0)
		return false;
	for (size_t i = 0; i < RECORD_HEADERS; i++) {
		if (msp_bytes_equal(name, header_names[i]))
			return true;
	}
	return false;
}

/* How many headers the input has that are its own. */
static size_t input_headers(const struct msp_message *input)
{
	size_t count = 0;
	for (size_t i = 0; i < input->header_count; i++)
		count += !is_record_header(input->headers[i].name);
	return count;
}

static void record_add_input(struct record *record, const struct msp_message *input)
{
	for (size_t i = 0; i < input->header_count; i++) {
		if (!is_record_header(input->headers[i].name))
			record->headers[record->count++] = input->headers[i];
	}
}

static void record_add_failure(struct record *record, const struct msp_failure *failure)
{
	record_add_string(record, RECORD_ERROR_STAGE, msp_stage_name(msp_failure_stage(failure->code)));
	record_add_string(record, RECORD_ERROR_CODE, msp_failure_code_name(failure->code));
	record_add_string(record, RECORD_ERROR_MESSAGE, failure->message);
	record_add_string(record, RECORD_ERROR_PATH, failure->path);
}

static void record_add_source(struct record *record, const struct msp_message *input)
{
	record_add_string(record, RECORD_SOURCE_TOPIC, input->topic);
	if (input->offset != MSP_OFFSET_NONE) {
		record_add_integer(record, RECORD_SOURCE_PARTITION, input->partition, record->partition);
		record_add_integer(record, RECORD_SOURCE_OFFSET, input->offset, record->offset);
	} else {
		record_add_string(record, RECORD_SOURCE_ID, input->id);
	}
}

/* Says what the record lacks, and takes it from `message`, the copy of the input that it is made of. */
static void record_omit(struct record *record, unsigned omissions, struct msp_message *message)
{
	size_t headers = omissions & MSP_OMIT_HEADERS ? input_headers(message) : 0;
	if (omissions & MSP_OMIT_VALUE && message->value.data) {
		record_add_integer(record, RECORD_VALUE_OMITTED, (int64_t)message->value.size, record->value_omitted);
		message->value = MSP_BYTES_ABSENT;
	}
	if (headers > 0)
		record_add_integer(record, RECORD_HEADERS_OMITTED, (int64_t)headers, record->headers_omitted);
	if (omissions & MSP_OMIT_KEY && message->key.data) {
		record_add_integer(record, RECORD_KEY_OMITTED, (int64_t)message->key.size, record->key_omitted);
		message->key = MSP_BYTES_ABSENT;
	}
	if (omissions & MSP_OMIT_TIMESTAMP && message->timestamp_ms != MSP_TIMESTAMP_NONE) {
		record_add_integer(record, RECORD_TIMESTAMP_OMITTED, message->timestamp_ms, record->timestamp_omitted);
		message->timestamp_ms = MSP_TIMESTAMP_NONE;
	}
}

bool msp_error_record(struct msp_arena *arena, const struct msp_error_context *context, const struct msp_message *input,
                      const struct msp_failure *failure, unsigned omissions, struct msp_message *ret_record)
{
	size_t most_headers = input->header_count + RECORD_HEADERS;
	struct record *record = msp_arena_alloc(arena, sizeof(*record) + most_headers * sizeof(record->headers[0]));
	if (!record)
		return false;
	record->count = 0;
	if (!(omissions & MSP_OMIT_HEADERS))
		record_add_input(record, input);
	record_add_failure(record, failure);
	record_add_string(record, RECORD_MODEL, context->model);
	record_add_source(record, input);
	record_add_string(record, RECORD_CONSUMER_GROUP, context->group);
	if (input->attempts > 0)
		record_add_integer(record, RECORD_ATTEMPTS, input->attempts, record->attempts);
	msp_text_time(record->failed_at, msp_wall_ms());
	record_add(record, RECORD_FAILED_AT, msp_bytes_of(record->failed_at, MSP_TEXT_TIME_LENGTH));

	*ret_record = *input;
	record_omit(record, omissions, ret_record);
	ret_record->headers = record->headers;
	ret_record->header_count = record->count;
	return true;
}
