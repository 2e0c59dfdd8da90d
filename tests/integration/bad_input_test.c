/* Values from strangers, from tests/data/bad_input, through a real `msp run` on a real broker.
 * usage: bad_input_test BROKER CODEC */
#include "brokers.h"
#include "check.h"
#include "invocation.h"

#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAX_CASES     128
#define LIMIT_BYTES   200000
#define LIMIT_SETTING "message.max.bytes=200000" /* of the run only: the topics take more */
#define TIMEOUT_MS    60000
#define CROWDS        2
#define CROWD         2000
#define CROWD_TEXT    "2000"

/* Every message carries a key and headers that are no text. */
static struct msp_header headers[] = {
    {{"trace", 5}, {"\x00\xff\x80 \n", 5}}, {{"\xc3\x28\x00", 3}, {"", 0}}, {{"trace", 5}, {NULL, 0}}};
#define HEADERS (sizeof(headers) / sizeof(headers[0]))

struct bad_case {
	char name[64], topic[16], code[32], path[64];
	char key[80]; /* the name, then bytes that are no text */
	size_t key_size;
	char *value; /* owned; NULL: absent */
	size_t value_size;
};

static struct {
	const struct test_broker *broker;
	char url[256];
	const char *codec;
	struct msp_transport *transport;
	char prefix[64]; /* of this run's topics: the broker may have been there before */
	int64_t timestamp_ms;
	struct bad_case cases[MAX_CASES];
	size_t count;
} bad;

/* ---- the cases ---- */

static void case_load_file(struct bad_case *bad_case)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s/%s", TEST_DATA, bad.codec, bad_case->name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	bad_case->value = malloc(LIMIT_BYTES * 2);
	assert_non_null(bad_case->value);
	bad_case->value_size = fread(bad_case->value, 1, (size_t)LIMIT_BYTES * 2, file);
	fclose(file);
}

static struct msp_message case_message(const struct bad_case *bad_case)
{
	return (struct msp_message){.key = {bad_case->key, bad_case->key_size},
	                            .value = {bad_case->value, bad_case->value_size},
	                            .headers = headers,
	                            .header_count = HEADERS,
	                            .timestamp_ms = bad.timestamp_ms,
	                            .partition = 0};
}

/* A valid value made longer by white space, until the message has just that many bytes. */
static void case_pad(struct bad_case *bad_case, size_t message_size)
{
	struct bad_case valid = {.name = "valid"};
	case_load_file(&valid);
	bad_case->value = valid.value;
	bad_case->value_size = valid.value_size;
	struct msp_message message = case_message(bad_case);
	size_t padding = message_size - msp_message_size(&message);
	memset(bad_case->value + bad_case->value_size, ' ', padding);
	bad_case->value_size += padding;
}

static void case_load(struct bad_case *bad_case, const char *line)
{
	char source[16];
	assert_int_equal(sscanf(line, "%63s %15s %15s %31s %63s", bad_case->name, source, bad_case->topic, bad_case->code,
	                        bad_case->path),
	                 5);
	size_t name_size = strlen(bad_case->name);
	memcpy(bad_case->key, bad_case->name, name_size);
	memcpy(bad_case->key + name_size, "\x00\xff\n", 3);
	bad_case->key_size = name_size + 3;
	if (strcmp(source, "file") == 0)
		case_load_file(bad_case);
	else if (strcmp(source, "limit") == 0)
		case_pad(bad_case, LIMIT_BYTES);
	else if (strcmp(source, "limit+1") == 0)
		case_pad(bad_case, LIMIT_BYTES + 1);
	else
		assert_string_equal(source, "absent");
}

static void cases_load(void)
{
	char path[512], line[512];
	snprintf(path, sizeof(path), "%s/%s/cases.tsv", TEST_DATA, bad.codec);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		assert_true(bad.count < MAX_CASES);
		case_load(&bad.cases[bad.count++], line);
	}
	fclose(file);
	assert_true(bad.count > 20);
}

static void cases_free(void)
{
	for (size_t i = 0; i < bad.count; i++)
		free(bad.cases[i].value);
	bad.count = 0;
}

/* ---- the run ---- */

static const char *topic_name(const char *kind)
{
	static char name[128];
	snprintf(name, sizeof(name), "%s.iris_model.0.1.%s", bad.prefix, kind);
	return name;
}

static void cases_send(void)
{
	static struct msp_outgoing outgoing[MAX_CASES];
	struct msp_error err = {.text = ""};
	struct msp_producer *producer;
	assert_int_equal(msp_transport_producer_open(bad.transport, &producer, &err), MSP_OK);
	for (size_t i = 0; i < bad.count; i++)
		outgoing[i] = (struct msp_outgoing){.message = case_message(&bad.cases[i])};
	if (msp_producer_send(producer, topic_name("inputs"), outgoing, bad.count, TIMEOUT_MS, &err) != MSP_OK)
		fail_msg("sending: %s", err.text);
	for (size_t i = 0; i < bad.count; i++)
		assert_int_equal(outgoing[i].state, MSP_OUTGOING_PUBLISHED);
	msp_producer_free(producer);
}

/* ---- the verdicts ---- */

static const struct msp_header *header_find(const struct msp_message *message, const char *name)
{
	for (size_t i = 0; i < message->header_count; i++)
		if (msp_bytes_equal(message->headers[i].name, msp_bytes_of_string(name)))
			return &message->headers[i];
	return NULL;
}

static void header_check(const struct bad_case *bad_case, const struct msp_message *message, const char *name,
                         const char *expected)
{
	const struct msp_header *header = header_find(message, name);
	if (strcmp(expected, "-") == 0) {
		if (header)
			fail_msg("%s: %s is %.*s", bad_case->name, name, (int)header->value.size, (const char *)header->value.data);
	} else if (!header || !msp_bytes_equal(header->value, msp_bytes_of_string(expected))) {
		fail_msg("%s: %s is %.*s, not %s", bad_case->name, name, header ? (int)header->value.size : 4,
		         header ? (const char *)header->value.data : "none", expected);
	}
}

static void record_check(const struct bad_case *bad_case, const char *topic, const struct msp_message *message)
{
	struct msp_message sent = case_message(bad_case);
	if (!msp_bytes_equal(message->key, sent.key))
		fail_msg("%s: %.*s is in its place on %s", bad_case->name, (int)message->key.size,
		         (const char *)message->key.data, topic);
	if (!(bad.broker->lacks & TRANSPORT_LACKS_TIMESTAMPS))
		assert_int_equal(message->timestamp_ms, sent.timestamp_ms);
	assert_true(message->header_count >= HEADERS);
	for (size_t i = 0; i < HEADERS; i++) {
		assert_true(msp_bytes_equal(message->headers[i].name, headers[i].name));
		assert_true(msp_bytes_equal(message->headers[i].value, headers[i].value));
	}
	header_check(bad_case, message, "msp-error-code", bad_case->code);
	header_check(bad_case, message, "msp-error-path", bad_case->path);
	if (strcmp(topic, "errors") == 0) {
		if (!msp_bytes_equal(message->value, sent.value))
			fail_msg("%s: the value on errors is not the one that was sent", bad_case->name);
		assert_non_null(header_find(message, "msp-error-message"));
	} else {
		assert_int_equal(message->header_count, HEADERS);
	}
}

static const struct bad_case *case_next(const char *topic, size_t *at)
{
	while (*at < bad.count && strcmp(bad.cases[*at].topic, topic) != 0)
		(*at)++;
	return *at < bad.count ? &bad.cases[(*at)++] : NULL;
}

/* Every record of the topic in order is that of the next case that belongs there, and none is missing. */
static void topic_check(const char *kind)
{
	struct msp_reader_config config = {
	    .topic = topic_name(kind), .partition = 0, .end_timestamp_ms = MSP_TIMESTAMP_NONE, .stop_at_end = true};
	struct msp_receive_limits limits = {.max_messages = 16, .max_bytes = 1 << 20, .timeout_ms = TIMEOUT_MS};
	struct msp_reader *reader;
	assert_int_equal(msp_transport_reader_open(bad.transport, &config, &reader, NULL), MSP_OK);
	size_t at = 0;
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, NULL), MSP_OK);
		for (size_t i = 0; i < count; i++) {
			const struct bad_case *bad_case = case_next(kind, &at);
			assert_non_null(bad_case);
			record_check(bad_case, kind, &messages[i]);
		}
	}
	const struct bad_case *missing = case_next(kind, &at);
	if (missing)
		fail_msg("%s: never came to %s", missing->name, kind);
	msp_reader_free(reader);
}

static void run_begin(void)
{
	struct msp_transport_config config = {.url = bad.url};
	assert_int_equal(bad.broker->ops->open(&config, &bad.transport, NULL), MSP_OK);
	bad.timestamp_ms = msp_wall_ms() - 1000;
	snprintf(bad.prefix, sizeof(bad.prefix), "bad_input_%lld_%d", (long long)bad.timestamp_ms, (int)getpid());
	setenv("MSP_TOPIC_PREFIX", bad.prefix, 1);
	setenv("MSP_BROKER", bad.url, 1);
	setenv("MSP_CODEC", bad.codec, 1);
	struct result result = expect(0, "topics", "create", "-m", "iris", NULL);
	result_free(&result);
}

static void run_end(void)
{
	struct result result = expect(0, "topics", "delete", "-m", "iris", NULL);
	result_free(&result);
	msp_transport_free(bad.transport);
}

static void each_value_ends_where_it_must(void **state)
{
	(void)state;
	run_begin();
	if (bad.broker->lacks & TRANSPORT_LACKS_HEADER_ZEROS)
		headers[1].name.size = 2;
	cases_load();
	cases_send();
	struct result result = expect(0, "run", "-e", "-X", LIMIT_SETTING, "iris", NULL);
	result_free(&result);
	topic_check("outputs");
	topic_check("errors");
	cases_free();
	run_end();
}

/* ---- as many headers as a message can have on any broker ---- */

static void crowds_send(void)
{
	static struct msp_header crowd[CROWD];
	struct msp_outgoing outgoing[] = {{.message = {.key = {"of junk", 7}, .value = {"\xc1", 1}}},
	                                  {.message = {.key = {"of nothing", 10}}}};
	struct msp_producer *producer;
	for (size_t i = 0; i < CROWD; i++)
		crowd[i] = (struct msp_header){{"h", 1}, {"1", 1}};
	for (size_t i = 0; i < CROWDS; i++) {
		outgoing[i].message.headers = crowd;
		outgoing[i].message.header_count = CROWD;
		outgoing[i].message.timestamp_ms = bad.timestamp_ms;
	}
	assert_int_equal(msp_transport_producer_open(bad.transport, &producer, NULL), MSP_OK);
	assert_int_equal(msp_producer_send(producer, topic_name("inputs"), outgoing, CROWDS, TIMEOUT_MS, NULL), MSP_OK);
	msp_producer_free(producer);
}

/* Either the broker takes the headers of the failure too, or the record is without those of the input. */
static void crowd_check(const struct msp_message *message, const char *key, const char *code)
{
	const struct msp_header *omitted = header_find(message, "msp-headers-omitted");
	assert_bytes_equal(message->key, key);
	assert_bytes_equal(header_find(message, "msp-error-code")->value, code);
	if (omitted)
		assert_bytes_equal(omitted->value, CROWD_TEXT);
	assert_int_equal(message->header_count > CROWD, !omitted);
}

static void crowds_check(void)
{
	struct msp_reader_config config = {
	    .topic = topic_name("errors"), .partition = 0, .end_timestamp_ms = MSP_TIMESTAMP_NONE, .stop_at_end = true};
	struct msp_receive_limits limits = {.max_messages = 16, .max_bytes = 1 << 20, .timeout_ms = TIMEOUT_MS};
	struct msp_reader *reader;
	size_t seen = 0;
	assert_int_equal(msp_transport_reader_open(bad.transport, &config, &reader, NULL), MSP_OK);
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, NULL), MSP_OK);
		for (size_t i = 0; i < count; i++, seen++)
			crowd_check(&messages[i], seen ? "of nothing" : "of junk", seen ? "missing_value" : "malformed");
	}
	assert_int_equal(seen, CROWDS);
	msp_reader_free(reader);
}

static void no_number_of_headers_ends_a_worker(void **state)
{
	static const char *const guarantees[] = {"processing.guarantee=exactly_once", "processing.guarantee=at_least_once"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		run_begin();
		crowds_send();
		struct result result = expect(0, "run", "-e", "-X", guarantees[i], "iris", NULL);
		result_free(&result);
		crowds_check();
		run_end();
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_value_ends_where_it_must, enter_directory, leave_directory),
	    cmocka_unit_test_setup_teardown(no_number_of_headers_ends_a_worker, enter_directory, leave_directory)};
	if (argc != 3 || !(bad.broker = test_broker_find(argv[1]))) {
		fprintf(stderr, "usage: bad_input_test BROKER CODEC\n");
		return 2;
	}
	bad.codec = argv[2];
	if (!bad.broker->url(".", bad.url, sizeof(bad.url)))
		return 77; /* ctest: skipped */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
