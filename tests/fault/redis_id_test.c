/* Ids of entries are two numbers of 64 bits, and whoever adds an entry may choose them: snowflakes, nanoseconds. Every
 * script and every comparison keeps all of their digits. */
#include "entry.h"
#include "redis_fixture.h"
#include "trim.h"
#include <inttypes.h>
#include <msp/clock.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

#define ENTRIES_MAX 6
#define GROUPS_MAX  2
#define CASES       400
#define SNOWFLAKE   UINT64_C(1541815603606036480)

/* ---- ids ---- */

struct id {
	uint64_t ms, number;
};

static const struct id LAST = {UINT64_MAX, UINT64_MAX};

static uint64_t random_next(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t random_below(size_t end)
{
	return (size_t)(random_next() % end);
}

/* Near a power of two or of ten, where numbers that are not whole begin to differ. */
static uint64_t random_half(void)
{
	uint64_t half = UINT64_C(1) << random_below(64);
	if (random_below(2))
		for (half = 1; half < UINT64_MAX / 10 && random_below(30);)
			half *= 10;
	return random_below(4) ? half + random_below(5) - 2 : half ^ random_next() >> random_below(64);
}

static struct id id_after(struct id id)
{
	return id.number < UINT64_MAX ? (struct id){id.ms, id.number + 1} : (struct id){id.ms + 1, 0};
}

static int id_order(struct id a, struct id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return (a.number > b.number) - (a.number < b.number);
}

struct id_text {
	char text[REDIS_ID_SIZE];
};

static struct id_text id_text(struct id id)
{
	struct id_text text;
	snprintf(text.text, sizeof(text.text), "%" PRIu64 "-%" PRIu64, id.ms, id.number);
	return text;
}
#define ID(id) (id_text(id).text)

/* Ascending; often the very next one. */
static size_t ids_make(struct id ids[static ENTRIES_MAX])
{
	size_t count = 0;
	struct id id = {random_half(), random_below(3) ? random_half() : 0};
	for (size_t wanted = 1 + random_below(ENTRIES_MAX); count < wanted;) {
		if (id.ms || id.number)
			ids[count++] = id;
		if (id_order(id, LAST) == 0)
			break;
		if (random_below(2) || id.ms == UINT64_MAX)
			id = id_after(id);
		else
			id = (struct id){id.ms + 1, random_below(2) ? id.number : 0};
	}
	return count;
}

static void ids_are_compared_exactly(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct id a = {random_half(), random_half()}, b = {random_half(), random_half()};
		if (i % 2)
			b = i % 4 == 1 && id_order(a, LAST) ? id_after(a) : (struct id){a.ms, b.number};
		struct id_text a_text = id_text(a), b_text = id_text(b);
		assert_int_equal(redis_id_compare(a_text.text, b_text.text), id_order(a, b));
		assert_int_equal(redis_id_compare(b_text.text, a_text.text), id_order(b, a));
		assert_int_equal(redis_id_compare(a_text.text, a_text.text), 0);
	}
}

/* ---- trimming ---- */

/* Runs the script as the transport writes it; returns how many entries it deleted. */
static long long trim(const struct fixture *fixture, const struct redis_options *options)
{
	struct redis_output out;
	redis_output_init(&out);
	redis_trim_put(&out, options, fixture->inputs);
	redis_number("DEL %s.trimmed", fixture->inputs);
	redisContext *context = redisConnect("127.0.0.1", redis_fixture_server.port);
	assert_non_null(context);
	redisReply *reply = NULL;
	assert_int_equal(redisAppendFormattedCommand(context, out.bytes.data, out.bytes.size), REDIS_OK);
	assert_int_equal(redisGetReply(context, (void **)&reply), REDIS_OK);
	if (reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s", reply->str);
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	long long deleted = reply->integer;
	freeReplyObject(reply);
	redisFree(context);
	redis_output_done(&out);
	return deleted;
}

/* Makes a group that was given some of the entries and settled some of those; returns the first that it has not. */
static size_t group_make(const struct fixture *fixture, size_t number, const struct id *ids, size_t count)
{
	size_t delivered = random_below(count + 1), first = delivered;
	freeReplyObject(redis_run("XGROUP CREATE %s group%zu 0", fixture->inputs, number));
	if (delivered > 0)
		freeReplyObject(
		    redis_run("XREADGROUP GROUP group%zu c COUNT %zu STREAMS %s >", number, delivered, fixture->inputs));
	size_t left = random_below(delivered + 1);
	for (size_t i = 0; i < delivered; i++) {
		if (i == left && random_below(3))
			first = i;
		else
			assert_int_equal(redis_number("XACK %s group%zu %s", fixture->inputs, number, ID(ids[i])), 1);
	}
	return first;
}

static void trimming_deletes_what_is_settled_and_no_more(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < CASES; i++) {
		struct id ids[ENTRIES_MAX];
		size_t count = ids_make(ids), safe = count;
		redis_number("DEL %s", fixture->inputs);
		for (size_t j = 0; j < count; j++)
			freeReplyObject(redis_run("XADD %s %s value v", fixture->inputs, ID(ids[j])));
		for (size_t j = 0, groups = 1 + random_below(GROUPS_MAX); j < groups; j++) {
			size_t first = group_make(fixture, j, ids, count);
			safe = first < safe ? first : safe;
		}
		struct redis_options options = {.trim_settled = i % 2, .trim_max_messages = i % 2 ? 0 : 1};
		size_t deleted = options.trim_settled || safe < count ? safe : count - 1;
		/* No id comes after the last one. */
		if (deleted == count && id_order(ids[count - 1], LAST) == 0)
			deleted--;
		assert_int_equal(trim(fixture, &options), deleted);
		assert_int_equal(redis_number("XLEN %s", fixture->inputs), count - deleted);
		if (deleted < count) {
			redisReply *rest = redis_run("XRANGE %s - + COUNT 1", fixture->inputs);
			assert_string_equal(rest->element[0]->element[0]->str, ID(ids[deleted]));
			freeReplyObject(rest);
		}
	}
}

/* Another member has settled half of them, and nothing is pending. */
static void snowflakes_are_processed_before_they_are_trimmed(void **state)
{
	struct fixture *fixture = *state;
	const int half = 500;
	const struct msp_option *option = msp_option_find(transport_contract->ops->options, "trim.settled");
	assert_int_equal(msp_option_set(option, fixture->options, "true", NULL), MSP_OK);
	for (int i = 0; i < 2 * half; i++) {
		uint64_t ms = SNOWFLAKE + (uint64_t)i;
		freeReplyObject(redis_run("XADD %s %" PRIu64 "-0 value 0:%d", fixture->inputs, ms, i % half));
		if (i >= half)
			continue;
		freeReplyObject(redis_run("XREADGROUP GROUP %s other STREAMS %s >", fixture->group, fixture->inputs));
		assert_int_equal(redis_number("XACK %s %s %" PRIu64, fixture->inputs, fixture->group, ms), 1);
	}
	struct msp_consumer *consumer = consumer_open(fixture, 1, NULL, 0);
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (redis_number("XLEN %s", fixture->inputs) == 2LL * half)
		assert_true(msp_monotonic_ms() < deadline_ms);
	echo(consumer, (size_t)half);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, half);
	assert_int_equal(topic_count(fixture, fixture->errors, NULL), 0);
}

/* ---- everything else that names ids ---- */

static const struct id EXTREMES[] = {
    {0, 1},
    {1, UINT64_MAX},
    {(UINT64_C(1) << 53) - 1, 0},
    {UINT64_C(1) << 53, 0},
    {(UINT64_C(1) << 53) + 1, 0},
    {(UINT64_C(1) << 53) + 1, (UINT64_C(1) << 53) + 1},
    {SNOWFLAKE, 0},
    {SNOWFLAKE + 1, 0},
    {SNOWFLAKE + 1, SNOWFLAKE},
    {SNOWFLAKE + 1, SNOWFLAKE + 1},
    {INT64_MAX, 0},
    {UINT64_C(1) << 63, 0},
    {(UINT64_C(1) << 63) + 1, 0},
    {UINT64_MAX - 1, UINT64_MAX},
    {UINT64_MAX, 0},
    {UINT64_MAX, UINT64_MAX - 1},
    {UINT64_MAX, UINT64_MAX},
};
#define EXTREMES_COUNT (sizeof(EXTREMES) / sizeof(EXTREMES[0]))

static void extremes_add(struct fixture *fixture)
{
	for (size_t i = 0; i < EXTREMES_COUNT; i++)
		freeReplyObject(redis_run("XADD %s %s value 0:%zu", fixture->inputs, ID(EXTREMES[i]), i));
}

static void every_id_comes_again_and_is_settled(void **state)
{
	struct fixture *fixture = *state;
	extremes_add(fixture);
	struct msp_consumer *consumer = consumer_open(fixture, 0, "one", 0);
	struct msp_batch *batch = receive(consumer, EXTREMES_COUNT);
	assert_int_equal(batch->count, EXTREMES_COUNT);
	batch_free(consumer, batch);
	consumer_close(consumer);
	consumer = consumer_open(fixture, 0, "one", 0);
	for (size_t i = 0; i < EXTREMES_COUNT; i++) {
		assert_int_equal(group_lag(fixture), EXTREMES_COUNT - i);
		batch = receive(consumer, EXTREMES_COUNT);
		assert_int_equal(batch->count, 1);
		assert_string_equal(batch->messages[0].id, ID(EXTREMES[i]));
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 0);
	topic_expect(fixture, fixture->outputs, 1, (int)EXTREMES_COUNT);
}

static void reading_begins_at_any_id(void **state)
{
	struct fixture *fixture = *state;
	extremes_add(fixture);
	for (size_t i = 0; i < EXTREMES_COUNT; i++) {
		struct id_text id = id_text(EXTREMES[i]);
		struct msp_reader_config config = {.topic = fixture->inputs,
		                                   .start = MSP_START_POSITION,
		                                   .id = id.text,
		                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE,
		                                   .stop_at_end = true};
		struct msp_receive_limits limits = {EXTREMES_COUNT, 1 << 20, DEADLINE_MS};
		struct msp_reader *reader = reader_open(fixture, &config);
		const struct msp_message *messages = NULL;
		size_t count = 0;
		bool end = false;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err), MSP_OK);
		assert_int_equal(count, EXTREMES_COUNT - i);
		assert_string_equal(messages[0].id, id.text);
		assert_true(end);
		msp_reader_free(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_compared_exactly),
	    T(trimming_deletes_what_is_settled_and_no_more),
	    T(snowflakes_are_processed_before_they_are_trimmed),
	    T(every_id_comes_again_and_is_settled),
	    T(reading_begins_at_any_id),
	};
	static const char *const flags[] = {"--loglevel", "warning", NULL};
	return redis_fixture_run("redis_id", tests, sizeof(tests) / sizeof(tests[0]), flags);
}
