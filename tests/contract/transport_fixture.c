#include "transport_fixture.h"
#include <dirent.h>
#include <msp/clock.h>
#include <unistd.h>

const struct test_broker *transport_contract;
enum msp_guarantee transport_guarantee = MSP_EXACTLY_ONCE;

static const char *const guarantees[] = {[MSP_AT_LEAST_ONCE] = "at_least_once", [MSP_EXACTLY_ONCE] = "exactly_once"};

bool lacks(enum transport_lack lack)
{
	return (transport_contract->lacks & (unsigned)lack) != 0;
}

/* ---- the broker ---- */

void *contract_options_new(void)
{
	const struct test_broker *contract = transport_contract;
	const struct msp_option_table *table = contract->ops->options;
	if (!table)
		return NULL;
	void *options = calloc(1, table->struct_size);
	struct msp_error err;
	if (!options || msp_options_init(table, options, &err) != MSP_OK)
		abort();
	for (const struct msp_property *setting = contract->settings; setting && setting->name; setting++) {
		const struct msp_option *option = msp_option_find(table, setting->name);
		if (!option || msp_option_set(option, options, setting->value, &err) != MSP_OK)
			abort();
	}
	return options;
}

void contract_options_free(void *options)
{
	if (options)
		msp_options_done(transport_contract->ops->options, options);
	free(options);
}

void fixture_option_set(struct fixture *fixture, const char *name, int value)
{
	const struct msp_option *option = msp_option_find(transport_contract->ops->options, name);
	char text[16];
	snprintf(text, sizeof(text), "%d", value);
	if (option)
		assert_int_equal(msp_option_set(option, fixture->options, text, &fixture->err), MSP_OK);
}

struct msp_transport *transport_open(struct fixture *fixture)
{
	struct msp_transport_config config = {.url = fixture->url, .options = fixture->options};
	struct msp_transport *transport = NULL;
	if (transport_contract->ops->open(&config, &transport, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return transport;
}

struct msp_transport *transport_get(struct fixture *fixture, size_t index)
{
	if (!fixture->transports[index])
		fixture->transports[index] = transport_open(fixture);
	return fixture->transports[index];
}

bool fixture_use_guarantee(const char *name)
{
	for (size_t i = 0; i < sizeof(guarantees) / sizeof(guarantees[0]); i++) {
		if (strcmp(guarantees[i], name) != 0)
			continue;
		transport_guarantee = (enum msp_guarantee)i;
		return true;
	}
	return false;
}

bool fixture_use(const struct test_broker *broker)
{
	char url[256];
	transport_contract = broker;
	bool there = broker->url("", url, sizeof(url));
	if (!there)
		fprintf(stderr, "there is no %s\n", broker->ops->name);
	return there;
}

int fixture_init(void **state)
{
	static unsigned serial;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->directory, sizeof(fixture->directory), "%s", "/tmp/msp-contract-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	assert_true(transport_contract->url(fixture->directory, fixture->url, sizeof(fixture->url)));
	fixture->options = contract_options_new();
	serial++;
	snprintf(fixture->inputs, sizeof(fixture->inputs), "contract-%ld-%u.inputs", (long)getpid(), serial);
	snprintf(fixture->outputs, sizeof(fixture->outputs), "contract-%ld-%u.outputs", (long)getpid(), serial);
	snprintf(fixture->errors, sizeof(fixture->errors), "contract-%ld-%u.errors", (long)getpid(), serial);
	snprintf(fixture->group, sizeof(fixture->group), "contract-%ld-%u", (long)getpid(), serial);
	struct msp_transport *transport = transport_get(fixture, 0);
	assert_int_equal(msp_transport_admin_open(transport, &fixture->admin, &fixture->err), MSP_OK);
	assert_int_equal(msp_transport_producer_open(transport, &fixture->producer, &fixture->err), MSP_OK);
	*state = fixture;
	return 0;
}

static int init_topics(void **state, int32_t partitions)
{
	fixture_init(state);
	struct fixture *fixture = *state;
	topic_create(fixture, fixture->inputs, partitions, 0);
	topic_create(fixture, fixture->outputs, partitions, 0);
	topic_create(fixture, fixture->errors, partitions, 0);
	return 0;
}

int fixture_init_topics(void **state)
{
	return init_topics(state, PARTITIONS);
}

int fixture_init_topics_one(void **state)
{
	return init_topics(state, 1);
}

static void directory_remove(const char *path)
{
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char file[512];
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(file);
	}
	closedir(directory);
	assert_int_equal(rmdir(path), 0);
}

int fixture_done(void **state)
{
	struct fixture *fixture = *state;
	msp_producer_free(fixture->producer);
	msp_admin_free(fixture->admin);
	for (size_t i = 0; i < TRANSPORTS; i++)
		msp_transport_free(fixture->transports[i]);
	contract_options_free(fixture->options);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

void topic_create(struct fixture *fixture, const char *topic, int32_t partitions, size_t max_message_bytes)
{
	struct msp_topic_spec spec = {
	    .name = topic, .partitions = partitions, .max_message_bytes = max_message_bytes, .group = fixture->group};
	if (msp_admin_topic_create(fixture->admin, &spec, DEADLINE_MS, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
}

/* By its path: under valgrind /proc/self/exe itself is valgrind. */
void program_exec(void)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (length > 0) {
		path[length] = '\0';
		execl(path, path, transport_contract->ops->name, guarantees[transport_guarantee], (char *)NULL);
	}
	_exit(127);
}

/* ---- sending ---- */

static void send_all(struct fixture *fixture, const char *topic, struct msp_outgoing *outgoing, size_t count)
{
	struct msp_producer *producer = fixture->producer;
	if (msp_producer_send(producer, topic, outgoing, count, DEADLINE_MS, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(outgoing[i].state, MSP_OUTGOING_PUBLISHED);
}

void send_message(struct fixture *fixture, const char *topic, const struct msp_message *message)
{
	struct msp_outgoing outgoing = {.message = *message};
	send_all(fixture, topic, &outgoing, 1);
}

void send_text(struct fixture *fixture, const char *topic, int32_t partition, const char *value)
{
	struct msp_message message = {
	    .value = msp_bytes_of_string(value), .partition = partition, .timestamp_ms = MSP_TIMESTAMP_NONE};
	send_message(fixture, topic, &message);
}

void send_numbers(struct fixture *fixture, const char *topic, int32_t partition, int first, int count)
{
	struct msp_outgoing *outgoing = calloc((size_t)count, sizeof(*outgoing));
	char(*texts)[32] = calloc((size_t)count, sizeof(*texts));
	assert_true(outgoing && texts);
	for (int i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%d:%d", (int)partition, first + i);
		outgoing[i].message = (struct msp_message){
		    .value = msp_bytes_of_string(texts[i]), .partition = partition, .timestamp_ms = MSP_TIMESTAMP_NONE};
	}
	send_all(fixture, topic, outgoing, (size_t)count);
	free(outgoing);
	free(texts);
}

int message_number(const struct msp_message *message)
{
	char text[32];
	assert_true(message->value.size < sizeof(text));
	memcpy(text, message->value.data, message->value.size);
	text[message->value.size] = '\0';
	const char *colon = strchr(text, ':');
	assert_non_null(colon);
	return (int)strtol(colon + 1, NULL, 10);
}

/* ---- consuming ---- */

enum msp_status consumer_try_open(struct fixture *fixture, size_t transport, const char *instance, int slot,
                                  struct msp_consumer **ret_consumer)
{
	struct msp_consumer_config config = {
	    .inputs = fixture->inputs,
	    .outputs = fixture->outputs,
	    .errors = fixture->errors,
	    .group = fixture->group,
	    .instance = instance,
	    .slot = slot,
	    .guarantee = transport_guarantee,
	    .commit_interval_ms = 100,
	};
	memset(&fixture->err, 0, sizeof(fixture->err));
	return msp_transport_consumer_open(transport_get(fixture, transport), &config, ret_consumer, &fixture->err);
}

struct msp_consumer *consumer_open(struct fixture *fixture, size_t transport, const char *instance, int slot)
{
	struct msp_consumer *consumer = NULL;
	if (consumer_try_open(fixture, transport, instance, slot, &consumer) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return consumer;
}

void consumer_close(struct msp_consumer *consumer)
{
	assert_in_range(consumer->longest_overrun_ms, 0, OVERRUN_MS);
	msp_consumer_free(consumer);
}

struct msp_batch *receive_within(struct msp_consumer *consumer, size_t max_messages, int timeout_ms)
{
	struct msp_receive_limits limits = {max_messages, 1 << 20, timeout_ms};
	struct msp_batch *batch = NULL;
	struct msp_error err = {.status = MSP_OK};
	if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK && !err.retriable)
		fail_msg("%s", err.text);
	return batch;
}

struct msp_batch *receive(struct msp_consumer *consumer, size_t max_messages)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	struct msp_batch *batch = NULL;
	while (!batch && msp_monotonic_ms() < deadline_ms)
		batch = receive_within(consumer, max_messages, 1000);
	assert_non_null(batch);
	assert_in_range(batch->count, 1, max_messages);
	return batch;
}

void batch_free(struct msp_consumer *consumer, struct msp_batch *batch)
{
	msp_consumer_batch_free(consumer, batch);
}

struct msp_outgoing *outgoing_new(const struct msp_batch *batch)
{
	struct msp_outgoing *outgoing = calloc(batch->count, sizeof(*outgoing));
	assert_non_null(outgoing);
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i].message = batch->messages[i];
	return outgoing;
}

void settle_begin(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	msp_consumer_settle_begin(consumer, batch, outgoing);
}

enum msp_settle_answer settle_wait(struct msp_consumer *consumer)
{
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	enum msp_settle_answer answer = MSP_SETTLE_AGAIN;
	struct msp_error err = {.text = ""};
	while (answer == MSP_SETTLE_AGAIN && msp_monotonic_ms() < deadline_ms)
		answer = msp_consumer_settle_wait(consumer, 100, &err);
	if (answer == MSP_SETTLE_AGAIN || answer == MSP_SETTLE_FAILED)
		fail_msg("%s", err.text);
	return answer;
}

void settle_echo(struct msp_consumer *consumer, struct msp_batch *batch)
{
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	for (size_t i = 0; i < batch->count; i++)
		assert_int_equal(outgoing[i].state, MSP_OUTGOING_PUBLISHED);
	free(outgoing);
	batch_free(consumer, batch);
}

void echo(struct msp_consumer *consumer, size_t count)
{
	while (count > 0) {
		struct msp_batch *batch = receive(consumer, count);
		count -= batch->count;
		settle_echo(consumer, batch);
	}
}

/* ---- looking ---- */

struct msp_reader *reader_open(struct fixture *fixture, const struct msp_reader_config *config)
{
	struct msp_reader *reader = NULL;
	if (msp_transport_reader_open(fixture->transports[0], config, &reader, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return reader;
}

/* Reads the whole topic, or one partition; `visit` may be NULL. */
size_t topic_walk(struct fixture *fixture, const char *topic, int32_t partition,
                  void (*visit)(void *context, const struct msp_message *message), void *context)
{
	struct msp_reader_config config = {
	    .topic = topic,
	    .partition = partition,
	    .start = MSP_START_BEGINNING,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .stop_at_end = true,
	};
	struct msp_reader *reader = reader_open(fixture, &config);
	struct msp_receive_limits limits = {1000, 1 << 20, DEADLINE_MS};
	size_t total = 0;
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count;
		if (msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err) != MSP_OK)
			fail_msg("%s", fixture->err.text);
		assert_true(count > 0 || end);
		for (size_t i = 0; i < count && visit; i++)
			visit(context, &messages[i]);
		total += count;
	}
	msp_reader_free(reader);
	return total;
}

size_t partition_count(struct fixture *fixture, const char *topic, int32_t partition)
{
	return topic_walk(fixture, topic, partition, NULL, NULL);
}

static void sum_add(void *context, const struct msp_message *message)
{
	*(int64_t *)context += message_number(message);
}

size_t topic_count(struct fixture *fixture, const char *topic, int64_t *ret_sum)
{
	if (!ret_sum)
		return topic_walk(fixture, topic, MSP_PARTITION_ANY, NULL, NULL);
	*ret_sum = 0;
	return topic_walk(fixture, topic, MSP_PARTITION_ANY, sum_add, ret_sum);
}

/* The partition that a number was sent to: the one it stands in, or where there are none, the one it names. */
static int32_t message_partition(const struct msp_message *message)
{
	if (!lacks(TRANSPORT_LACKS_PARTITIONS))
		return message->partition;
	assert_int_equal(message->partition, MSP_PARTITION_ANY);
	return (int32_t)strtol(message->value.data, NULL, 10); /* it ends at the colon */
}

static void next_check(void *context, const struct msp_message *message)
{
	int *next = context;
	int32_t partition = message_partition(message);
	assert_in_range(partition, 0, PARTITIONS - 1);
	assert_int_equal(message_number(message), next[partition]++);
}

void topic_expect_in_order(struct fixture *fixture, const char *topic, int32_t partitions, int count)
{
	int next[PARTITIONS] = {0};
	topic_walk(fixture, topic, MSP_PARTITION_ANY, next_check, next);
	for (int32_t i = 0; i < partitions; i++)
		assert_int_equal(next[i], count);
}

struct tally {
	int count;
	bool may_repeat;
	bool *seen; /* PARTITIONS times count */
};

static void number_check(void *context, const struct msp_message *message)
{
	struct tally *tally = context;
	int32_t partition = message_partition(message);
	int number = message_number(message);
	assert_in_range(partition, 0, PARTITIONS - 1);
	assert_in_range(number, 0, tally->count - 1);
	bool *seen = &tally->seen[partition * tally->count + number];
	assert_true(!*seen || tally->may_repeat);
	*seen = true;
}

static void topic_expect_all(struct fixture *fixture, const char *topic, int32_t partitions, int count, bool may_repeat)
{
	struct tally tally = {count, may_repeat, calloc((size_t)PARTITIONS * (size_t)count, sizeof(bool))};
	assert_non_null(tally.seen);
	topic_walk(fixture, topic, MSP_PARTITION_ANY, number_check, &tally);
	for (int i = 0; i < PARTITIONS * count; i++)
		assert_int_equal(tally.seen[i], i < partitions * count);
	free(tally.seen);
}

void topic_expect(struct fixture *fixture, const char *topic, int32_t partitions, int count)
{
	if (lacks(TRANSPORT_LACKS_PARTITIONS))
		topic_expect_all(fixture, topic, partitions, count, false);
	else
		topic_expect_in_order(fixture, topic, partitions, count);
}

void topic_expect_settled(struct fixture *fixture, const char *topic, int32_t partitions, int count)
{
	if (transport_guarantee == MSP_AT_LEAST_ONCE)
		topic_expect_all(fixture, topic, partitions, count, true);
	else
		topic_expect(fixture, topic, partitions, count);
}

struct msp_group_lag *group_lag_ask(struct fixture *fixture, const char *group, const char *topic,
                                    const struct msp_topic_info *until)
{
	struct msp_group_lag *lag = NULL;
	if (msp_admin_group_lag(fixture->admin, group, topic, until, &lag, DEADLINE_MS, &fixture->err) != MSP_OK)
		fail_msg("%s", fixture->err.text);
	return lag;
}

int64_t group_lag_until(struct fixture *fixture, const char *group, const struct msp_topic_info *until)
{
	struct msp_group_lag *lag = group_lag_ask(fixture, group, fixture->inputs, until);
	int64_t messages = msp_group_lag_messages(lag);
	free(lag);
	return messages;
}

int64_t group_lag(struct fixture *fixture)
{
	struct msp_topic_info *info;
	assert_int_equal(msp_admin_topic_describe(fixture->admin, fixture->inputs, &info, DEADLINE_MS, &fixture->err),
	                 MSP_OK);
	int64_t messages = group_lag_until(fixture, fixture->group, info);
	free(info);
	return messages;
}
