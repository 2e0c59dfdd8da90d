/* Readers and the admin. */
#include "transport_fixture.h"
#include <msp/clock.h>
#include <pthread.h>

#define T(function)      cmocka_unit_test_setup_teardown(function, fixture_init_topics, fixture_done)
#define T_ONE(function)  cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)
#define BYTES_OF(string) msp_bytes_of(string, sizeof(string) - 1)
#define T_BARE(function) cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)

/* Reads to the end and returns the numbers seen as a sum and a count. */
static size_t read_to_end(struct fixture *fixture, const struct msp_reader_config *config, int *ret_first)
{
	struct msp_reader *reader = reader_open(fixture, config);
	struct msp_receive_limits limits = {3, 1 << 20, DEADLINE_MS};
	size_t total = 0;
	*ret_first = -1;
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err), MSP_OK);
		assert_true(count <= 3 && (count > 0 || end));
		if (total == 0 && count > 0)
			*ret_first = message_number(&messages[0]);
		total += count;
	}
	msp_reader_free(reader);
	return total;
}

static void every_start(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 10; i++) {
		char text[16];
		snprintf(text, sizeof(text), "0:%d", i);
		struct msp_message message = {.value = msp_bytes_of_string(text), .timestamp_ms = 1000 + i};
		send_message(fixture, fixture->inputs, &message);
	}
	const struct {
		enum msp_start start;
		int64_t number, end_timestamp_ms;
		size_t count;
		int first;
	} cases[] = {
	    {MSP_START_BEGINNING, 0, MSP_TIMESTAMP_NONE, 10, 0},
	    {MSP_START_END, 0, MSP_TIMESTAMP_NONE, 0, -1},
	    {MSP_START_POSITION, 7, MSP_TIMESTAMP_NONE, 3, 7},
	    {MSP_START_POSITION, 10, MSP_TIMESTAMP_NONE, 0, -1},
	    {MSP_START_TAIL, 4, MSP_TIMESTAMP_NONE, 4, 6},
	    {MSP_START_TAIL, 99, MSP_TIMESTAMP_NONE, 10, 0},
	    {MSP_START_TAIL, 0, MSP_TIMESTAMP_NONE, 0, -1},
	    {MSP_START_TIMESTAMP, 1005, MSP_TIMESTAMP_NONE, 5, 5},
	    {MSP_START_TIMESTAMP, 1, MSP_TIMESTAMP_NONE, 10, 0},
	    {MSP_START_TIMESTAMP, 2000, MSP_TIMESTAMP_NONE, 0, -1},
	    {MSP_START_BEGINNING, 0, 1004, 4, 0},
	    {MSP_START_TIMESTAMP, 1002, 1004, 2, 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool by_id = lacks(TRANSPORT_LACKS_PARTITIONS) && cases[i].start == MSP_START_POSITION;
		bool by_time = cases[i].start == MSP_START_TIMESTAMP || cases[i].end_timestamp_ms != MSP_TIMESTAMP_NONE;
		if (by_id || (by_time && lacks(TRANSPORT_LACKS_TIMESTAMPS)))
			continue;
		struct msp_reader_config config = {
		    .topic = fixture->inputs,
		    .partition = MSP_PARTITION_ANY,
		    .start = cases[i].start,
		    .number = cases[i].number,
		    .end_timestamp_ms = cases[i].end_timestamp_ms,
		    .stop_at_end = true,
		};
		int first;
		assert_int_equal(read_to_end(fixture, &config, &first), cases[i].count);
		assert_int_equal(first, cases[i].first);
	}
}

static void one_partition(void **state)
{
	struct fixture *fixture = *state;
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		skip();
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, partition * 10, partition + 1);
	struct msp_reader_config config = {
	    .topic = fixture->inputs, .partition = 2, .end_timestamp_ms = MSP_TIMESTAMP_NONE, .stop_at_end = true};
	int first;
	assert_int_equal(read_to_end(fixture, &config, &first), 3);
	assert_int_equal(first, 20);
	config.partition = PARTITIONS;
	struct msp_reader *reader;
	assert_int_equal(msp_transport_reader_open(fixture->transports[0], &config, &reader, &fixture->err),
	                 MSP_E_NOT_FOUND);
}

static void the_end_is_that_of_the_opening(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 5);
	struct msp_reader_config config = {.topic = fixture->inputs,
	                                   .partition = MSP_PARTITION_ANY,
	                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	                                   .stop_at_end = true};
	struct msp_reader *reader = reader_open(fixture, &config);
	send_numbers(fixture, fixture->inputs, 0, 5, 5);
	struct msp_receive_limits limits = {100, 1 << 20, DEADLINE_MS};
	size_t total = 0;
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err), MSP_OK);
		total += count;
	}
	assert_int_equal(total, 5);
	msp_reader_free(reader);
}

struct follower {
	struct msp_reader *reader;
	size_t wanted, seen;
	bool woken;
};

/* Reads until it has seen enough, or was woken. */
static void *follower_run(void *context)
{
	struct follower *follower = context;
	struct msp_receive_limits limits = {100, 1 << 20, DEADLINE_MS};
	struct msp_error err;
	bool end = false;
	while (follower->seen < follower->wanted && !end) {
		const struct msp_message *messages;
		size_t count;
		int64_t began_ms = msp_monotonic_ms();
		if (msp_reader_read(follower->reader, &limits, &messages, &count, &end, &err) != MSP_OK)
			return NULL;
		follower->seen += count;
		follower->woken = count == 0 && msp_monotonic_ms() - began_ms < DEADLINE_MS / 4;
		if (count == 0)
			break;
	}
	return NULL;
}

static void a_reader_follows_and_is_woken(void **state)
{
	struct fixture *fixture = *state;
	struct msp_reader_config config = {.topic = fixture->inputs,
	                                   .partition = MSP_PARTITION_ANY,
	                                   .start = MSP_START_END,
	                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE};
	struct follower follower = {.reader = reader_open(fixture, &config), .wanted = 20};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, follower_run, &follower), 0);
	for (int i = 0; i < 20; i++)
		send_numbers(fixture, fixture->inputs, i % PARTITIONS, i, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(follower.seen, 20);
	follower.wanted = 21;
	assert_int_equal(pthread_create(&thread, NULL, follower_run, &follower), 0);
	msp_reader_wake(follower.reader);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(follower.woken);
	msp_reader_free(follower.reader);
}

static void name_collect(void *context, const char *topic)
{
	char *names = context;
	size_t used = strlen(names);
	if (strncmp(topic, "contract-list", 13) == 0)
		snprintf(names + used, 256 - used, "%s ", topic);
}

static void topics_are_made_listed_and_deleted(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	struct msp_topic_spec spec = {.name = "contract-list.b", .partitions = 3};
	assert_int_equal(msp_admin_topic_create(admin, &spec, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(msp_admin_topic_create(admin, &spec, DEADLINE_MS, &fixture->err), MSP_E_EXISTS);
	spec.name = "contract-list.a";
	assert_int_equal(msp_admin_topic_create(admin, &spec, DEADLINE_MS, &fixture->err), MSP_OK);
	char names[256] = "";
	assert_int_equal(msp_admin_topic_list(admin, name_collect, names, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_string_equal(names, "contract-list.a contract-list.b ");
	struct msp_topic_info *info = NULL;
	assert_int_equal(msp_admin_topic_describe(admin, spec.name, &info, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(info->partition_count, lacks(TRANSPORT_LACKS_PARTITIONS) ? 1 : 3);
	free(info);
	assert_int_equal(msp_admin_topic_delete(admin, "contract-list.b", DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(msp_admin_topic_delete(admin, "contract-list.b", DEADLINE_MS, &fixture->err), MSP_E_NOT_FOUND);
	assert_int_equal(msp_admin_topic_describe(admin, "contract-list.b", &info, DEADLINE_MS, &fixture->err),
	                 MSP_E_NOT_FOUND);
	assert_int_equal(msp_admin_topic_delete(admin, "contract-list.a", DEADLINE_MS, &fixture->err), MSP_OK);
}

static void unknown_settings_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	const struct msp_property property = {"no.such.setting", "1"};
	struct msp_topic_spec spec = {
	    .name = fixture->inputs, .partitions = 1, .properties = &property, .property_count = 1};
	assert_int_equal(msp_admin_topic_create(admin, &spec, DEADLINE_MS, &fixture->err), MSP_E_INVALID);
	assert_non_null(strstr(fixture->err.text, "no.such.setting"));
}

static void describe_counts(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	send_numbers(fixture, fixture->inputs, 0, 0, 7);
	struct msp_topic_info *info = NULL;
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &info, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_true(info->partitions[0].count == 7 || info->partitions[0].count == -1);
	if (!lacks(TRANSPORT_LACKS_PARTITIONS)) {
		assert_int_equal(info->partitions[0].oldest, 0);
		assert_int_equal(info->partitions[0].newest, 7);
	}
	free(info);
}

static void remaining_counts_down(void **state)
{
	struct fixture *fixture = *state;
	struct msp_admin *admin = fixture->admin;
	for (int partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, 0, 5);
	struct msp_topic_info *until = NULL;
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &until, DEADLINE_MS, &fixture->err), MSP_OK);
	assert_int_equal(group_lag(fixture), PARTITIONS * 5);
	send_numbers(fixture, fixture->inputs, 0, 5, 5);
	assert_int_equal(group_lag(fixture), PARTITIONS * 5 + 5);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, (size_t)PARTITIONS * 5 + 5);
	consumer_close(consumer);
	assert_int_equal(group_lag_until(fixture, fixture->group, until), 0);
	assert_int_equal(group_lag_until(fixture, "nobody", until), PARTITIONS * 5);
	free(until);
}

/* `count` messages to one partition, the first at a time, the others at the milliseconds after it. */
static void send_at(struct fixture *fixture, int32_t partition, int64_t timestamp_ms, int count)
{
	for (int i = 0; i < count; i++) {
		struct msp_message message = {
		    .value = BYTES_OF("0:0"), .partition = partition, .timestamp_ms = timestamp_ms + i};
		send_message(fixture, fixture->inputs, &message);
	}
}

/* What a group has left in one partition. Without partitions: in all of them, and times are those of the broker. */
static void lag_expect(struct fixture *fixture, const char *group, int32_t partition, int messages,
                       int64_t oldest_timestamp_ms)
{
	struct msp_group_lag *lag = group_lag_ask(fixture, group, fixture->inputs, NULL);
	size_t index = lacks(TRANSPORT_LACKS_PARTITIONS) ? 0 : (size_t)partition;
	assert_int_equal(lag->partition_count, lacks(TRANSPORT_LACKS_PARTITIONS) ? 1 : PARTITIONS);
	if (!lacks(TRANSPORT_LACKS_PARTITIONS))
		assert_int_equal(lag->partitions[index].partition, partition);
	assert_int_equal(lag->partitions[index].messages, messages);
	bool has_oldest = lag->partitions[index].oldest_timestamp_ms != MSP_TIMESTAMP_NONE;
	if (lacks(TRANSPORT_LACKS_TIMESTAMPS))
		assert_int_equal(has_oldest, messages > 0);
	else
		assert_int_equal(lag->partitions[index].oldest_timestamp_ms, oldest_timestamp_ms);
	free(lag);
}

/* Under MSP_AT_LEAST_ONCE what is settled is committed a little later. */
static void lag_await(struct fixture *fixture, struct msp_consumer *consumer, int64_t messages)
{
	int64_t deadline_ms = msp_deadline_in(DEADLINE_MS);
	while (group_lag(fixture) != messages) {
		assert_true(msp_deadline_left_ms(deadline_ms) > 0);
		assert_int_equal(msp_consumer_serve(consumer, 10, &fixture->err), MSP_OK);
	}
}

/* One admin asks for two groups in turn. */
static void lag_is_told_by_partition(void **state)
{
	struct fixture *fixture = *state;
	bool together = lacks(TRANSPORT_LACKS_PARTITIONS);
	send_at(fixture, 1, 1000, 3);
	lag_expect(fixture, fixture->group, 1, 3, 1000);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 1);
	lag_expect(fixture, "nobody", 1, 3, 1000);
	/* What was received and is not settled counts. */
	struct msp_batch *held = receive(consumer, 1);
	lag_await(fixture, consumer, 2);
	send_at(fixture, 2, 2000, 4);
	for (int i = 0; i < 2; i++) {
		lag_expect(fixture, fixture->group, 1, together ? 6 : 2, 1001);
		lag_expect(fixture, "nobody", 1, together ? 7 : 3, 1000);
		lag_expect(fixture, fixture->group, 2, together ? 6 : 4, 2000);
		if (!together)
			lag_expect(fixture, fixture->group, 0, 0, MSP_TIMESTAMP_NONE);
	}
	settle_echo(consumer, held);
	echo(consumer, 5);
	consumer_close(consumer);
	for (int32_t partition = 0; partition < PARTITIONS; partition++)
		lag_expect(fixture, fixture->group, partition, 0, MSP_TIMESTAMP_NONE);
	lag_expect(fixture, "nobody", 2, together ? 7 : 4, 2000);
}

static void bad_urls_are_refused(void **state)
{
	struct fixture *fixture = *state;
	char url[64];
	snprintf(url, sizeof(url), "%s:", transport_contract->ops->schemes[0]);
	struct msp_transport_config config = {.url = url, .options = fixture->options};
	struct msp_transport *transport;
	assert_int_equal(transport_contract->ops->open(&config, &transport, &fixture->err), MSP_E_INVALID);
	assert_true(strlen(fixture->err.text) > 0);
}

const struct CMUnitTest transport_browse_tests[] = {
    T_ONE(every_start),
    T(one_partition),
    T_ONE(the_end_is_that_of_the_opening),
    T(a_reader_follows_and_is_woken),
    T_BARE(topics_are_made_listed_and_deleted),
    T_BARE(unknown_settings_are_refused),
    T_ONE(describe_counts),
    T(remaining_counts_down),
    T(lag_is_told_by_partition),
    T_BARE(bad_urls_are_refused),
};
const size_t transport_browse_test_count = sizeof(transport_browse_tests) / sizeof(transport_browse_tests[0]);
