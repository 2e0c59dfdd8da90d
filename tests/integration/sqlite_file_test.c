/* What is SQLite's own: the URL, whose file it is, retention, and how a group finds the message that kills. */
#include "transport_fixture.h"
#include <fcntl.h>
#include <msp/clock.h>
#include <msp_transport_sqlite.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define T(function)     cmocka_unit_test_setup_teardown(function, fixture_init, fixture_done)
#define T_ONE(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static bool url(const char *directory, char *text, size_t size)
{
	snprintf(text, size, "sqlite:%s/broker.db", directory);
	return true;
}

static const char *file_path(const struct fixture *fixture)
{
	return fixture->url + strlen("sqlite:");
}

static void file_sql(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(file_path(fixture), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- URLs ---- */

static enum msp_status url_open(struct fixture *fixture, const char *text)
{
	struct msp_transport_config config = {.url = text};
	struct msp_transport *transport = NULL;
	enum msp_status status = msp_transport_sqlite.open(&config, &transport, &fixture->err);
	msp_transport_sqlite.free(transport);
	return status;
}

static void urls(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(url_open(fixture, "sqlite:"), MSP_E_INVALID);
	assert_int_equal(url_open(fixture, "sqlite://"), MSP_E_INVALID);
	assert_int_equal(url_open(fixture, "sqlite::memory:"), MSP_E_INVALID);
	assert_int_equal(url_open(fixture, "kafka:x"), MSP_E_INVALID);
	assert_int_equal(url_open(fixture, "sqlite:relative.db"), MSP_OK);
	assert_int_equal(url_open(fixture, "sqlite:///absolute.db"), MSP_OK);
}

static void a_relative_path_stays_where_it_was_opened(void **state)
{
	struct fixture *fixture = *state;
	char before[512], absolute[300];
	snprintf(absolute, sizeof(absolute), "%s", file_path(fixture));
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(fixture->directory), 0);
	snprintf(fixture->url, sizeof(fixture->url), "sqlite:broker.db");
	struct msp_transport *transport = transport_get(fixture, 1);
	assert_int_equal(chdir(before), 0);
	struct msp_admin *admin;
	assert_int_equal(msp_transport_admin_open(transport, &admin, &fixture->err), MSP_OK);
	struct msp_topic_spec spec = {.name = "topic", .partitions = 1};
	assert_int_equal(msp_admin_topic_create(admin, &spec, DEADLINE_MS, &fixture->err), MSP_OK);
	msp_admin_free(admin);
	struct stat info;
	assert_int_equal(stat(absolute, &info), 0);
}

/* ---- whose file ---- */

static void a_missing_file_is_not_made_by_looking(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	struct msp_topic_info *info;
	struct stat file;
	assert_int_equal(consumer_try_open(fixture, 0, NULL, 0, &consumer), MSP_E_NOT_FOUND);
	assert_true(fixture->err.retriable);
	assert_int_equal(msp_admin_topic_describe(fixture->admin, "x", &info, 100, &fixture->err), MSP_E_NOT_FOUND);
	assert_int_equal(stat(file_path(fixture), &file), -1);
}

static size_t file_read(const struct fixture *fixture, char *content, size_t size)
{
	FILE *file = fopen(file_path(fixture), "re");
	assert_non_null(file);
	size_t length = fread(content, 1, size, file);
	fclose(file);
	return length;
}

/* Every way in is refused with `status`, and the file keeps every byte. */
static void file_refused(struct fixture *fixture, enum msp_status status)
{
	static char before[65536], after[65536];
	size_t size = file_read(fixture, before, sizeof(before));
	struct msp_topic_spec spec = {.name = "topic", .partitions = 1};
	struct msp_consumer *consumer = NULL;
	assert_int_equal(msp_admin_topic_create(fixture->admin, &spec, 100, &fixture->err), status);
	assert_false(fixture->err.retriable);
	assert_int_equal(consumer_try_open(fixture, 0, NULL, 0, &consumer), status);
	assert_int_equal(file_read(fixture, after, sizeof(after)), size);
	assert_memory_equal(before, after, size);
}

static void a_text_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	FILE *file = fopen(file_path(fixture), "we");
	assert_non_null(file);
	for (int i = 0; i < 500; i++)
		fputs("this is not a database\n", file);
	fclose(file);
	file_refused(fixture, MSP_E_CORRUPT);
}

static void a_database_of_others_is_refused(void **state)
{
	struct fixture *fixture = *state;
	file_sql(fixture, "CREATE TABLE their (data)");
	file_refused(fixture, MSP_E_UNSUPPORTED);
	file_sql(fixture, "PRAGMA application_id = 77");
	file_refused(fixture, MSP_E_UNSUPPORTED);
}

static void a_newer_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	file_sql(fixture, "PRAGMA application_id = 0x6d737070; PRAGMA user_version = 99; CREATE TABLE topics (x)");
	file_refused(fixture, MSP_E_UNSUPPORTED);
	assert_non_null(strstr(fixture->err.text, "99"));
}

static void what_can_never_be_a_file_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = NULL;
	struct msp_topic_spec spec = {.name = "topic", .partitions = 1};
	snprintf(fixture->url, sizeof(fixture->url), "sqlite:%s/none/broker.db", fixture->directory);
	assert_int_equal(consumer_try_open(fixture, 1, NULL, 0, &consumer), MSP_E_DENIED);
	assert_non_null(strstr(fixture->err.text, "its folder does not exist"));
	assert_true(fixture->err.retriable); /* it may be mounted any time */
	snprintf(fixture->url, sizeof(fixture->url), "sqlite:%s", fixture->directory);
	assert_int_equal(consumer_try_open(fixture, 2, NULL, 0, &consumer), MSP_E_INVALID);
	struct msp_transport *transport = transport_get(fixture, 2);
	struct msp_admin *admin;
	assert_int_equal(msp_transport_admin_open(transport, &admin, &fixture->err), MSP_OK);
	assert_int_equal(msp_admin_topic_create(admin, &spec, 100, &fixture->err), MSP_E_INVALID);
	assert_non_null(strstr(fixture->err.text, "not a file"));
	msp_admin_free(admin);
}

/* ---- a file that goes away ---- */

static void file_remove(const struct fixture *fixture)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[512];
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", file_path(fixture), ends[i]);
		assert_true(unlink(path) == 0 || i > 0);
	}
}

static void topics_create(struct fixture *fixture)
{
	topic_create(fixture, fixture->inputs, 1, 0);
	topic_create(fixture, fixture->outputs, 1, 0);
}

static void consumers_follow_the_file_at_the_path(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	const struct msp_receive_limits limits = {.max_messages = 10, .max_bytes = 1 << 20};
	struct msp_batch *batch;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	echo(consumer, 3);
	file_remove(fixture);
	assert_int_equal(msp_consumer_receive(consumer, &limits, &batch, &fixture->err), MSP_E_NOT_FOUND);
	assert_true(fixture->err.retriable);
	topics_create(fixture);
	send_numbers(fixture, fixture->inputs, 0, 0, 2);
	echo(consumer, 2);
	topic_expect(fixture, fixture->outputs, 1, 2);
	consumer_close(consumer);
}

static void a_batch_of_a_deleted_file_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_batch *batch = receive(consumer, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	file_remove(fixture);
	topics_create(fixture);
	settle_begin(consumer, batch, outgoing);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_LOST);
	batch_free(consumer, batch);
	free(outgoing);
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	echo(consumer, 1);
	topic_expect(fixture, fixture->outputs, 1, 1);
	consumer_close(consumer);
}

static void a_reader_tells_that_its_file_is_gone(void **state)
{
	struct fixture *fixture = *state;
	const struct msp_reader_config config = {
	    .topic = fixture->inputs, .partition = MSP_PARTITION_ANY, .end_timestamp_ms = MSP_TIMESTAMP_NONE};
	const struct msp_receive_limits limits = {.max_messages = 10, .max_bytes = 1 << 20};
	struct msp_reader *reader = reader_open(fixture, &config);
	const struct msp_message *messages;
	size_t count;
	bool end;
	file_remove(fixture);
	assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err), MSP_E_NOT_FOUND);
	assert_non_null(strstr(fixture->err.text, "deleted or replaced"));
	msp_reader_free(reader);
}

/* ---- retention ---- */

static void retaining_topic_create(struct fixture *fixture, const char *name, const char *value)
{
	const struct msp_property property = {name, value};
	struct msp_topic_spec spec = {
	    .name = fixture->inputs, .partitions = 1, .properties = &property, .property_count = 1};
	assert_int_equal(msp_admin_topic_create(fixture->admin, &spec, DEADLINE_MS, &fixture->err), MSP_OK);
	topic_create(fixture, fixture->outputs, 1, 0);
	topic_create(fixture, fixture->errors, 1, 0);
}

static struct msp_partition_info describe(struct fixture *fixture)
{
	struct msp_topic_info *info;
	struct msp_admin *admin = fixture->admin;
	assert_int_equal(msp_admin_topic_describe(admin, fixture->inputs, &info, DEADLINE_MS, &fixture->err), MSP_OK);
	struct msp_partition_info partition = info->partitions[0];
	free(info);
	return partition;
}

static void retention_by_count(void **state)
{
	struct fixture *fixture = *state;
	retaining_topic_create(fixture, "retention.messages", "100");
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	send_numbers(fixture, fixture->inputs, 0, 0, 50);
	echo(consumer, 10);
	for (int i = 1; i < 5; i++)
		send_numbers(fixture, fixture->inputs, 0, i * 1000, 1000);
	struct msp_partition_info info = describe(fixture);
	assert_int_equal(info.newest, 4050);
	assert_int_equal(info.oldest, 3950);
	assert_int_equal(info.count, 100);
	assert_int_equal(group_lag(fixture), 100);
	/* As on Kafka the group goes on at the oldest that is left. */
	struct msp_batch *batch = receive(consumer, 1000);
	assert_int_equal(batch->count, 100);
	assert_int_equal(batch->messages[0].offset, 3950);
	settle_echo(consumer, batch);
	assert_int_equal(group_lag(fixture), 0);
	consumer_close(consumer);
}

static void everything_may_expire(void **state)
{
	struct fixture *fixture = *state;
	retaining_topic_create(fixture, "retention.messages", "0");
	send_numbers(fixture, fixture->inputs, 0, 0, 1000);
	struct msp_partition_info info = describe(fixture);
	assert_int_equal(info.newest, 1000);
	assert_int_equal(info.oldest, 1000);
	send_numbers(fixture, fixture->inputs, 0, 0, 1); /* offsets go on */
	assert_int_equal(describe(fixture).newest, 1001);
}

static void a_reader_ends_where_everything_has_expired(void **state)
{
	struct fixture *fixture = *state;
	retaining_topic_create(fixture, "retention.messages", "0");
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	send_numbers(fixture, fixture->inputs, 0, 0, 10); /* too soon after the first to expire */
	struct msp_reader_config config = {.topic = fixture->inputs,
	                                   .partition = MSP_PARTITION_ANY,
	                                   .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	                                   .stop_at_end = true};
	struct msp_reader *reader = reader_open(fixture, &config);
	send_numbers(fixture, fixture->inputs, 0, 0, 1000);
	assert_int_equal(describe(fixture).count, 0);
	const struct msp_receive_limits limits = {100, 1 << 20, 1000};
	const struct msp_message *messages;
	size_t count;
	bool end;
	assert_int_equal(msp_reader_read(reader, &limits, &messages, &count, &end, &fixture->err), MSP_OK);
	assert_int_equal(count, 0);
	assert_true(end);
	msp_reader_free(reader);
}

static void retention_by_age(void **state)
{
	struct fixture *fixture = *state;
	retaining_topic_create(fixture, "retention.ms", "3600000");
	int64_t now_ms = msp_wall_ms();
	const int64_t times[] = {now_ms - 7200000, now_ms - 3700000, now_ms - 100, now_ms - 7200000, now_ms};
	/* The first send finds nothing yet to delete; the sixth is a thousand messages on. */
	for (size_t i = 0; i < 5; i++)
		send_message(fixture, fixture->inputs,
		             &(struct msp_message){.value = MSP_BYTES_LITERAL("0:0"), .timestamp_ms = times[i]});
	send_numbers(fixture, fixture->inputs, 0, 0, 1000);
	assert_int_equal(describe(fixture).oldest, 2);
}

static void bad_retention_is_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const values[] = {"", "x", "5x", "-2", "99999999999999999999", "1.5"};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct msp_property property = {"retention.ms", values[i]};
		struct msp_topic_spec spec = {
		    .name = fixture->inputs, .partitions = 1, .properties = &property, .property_count = 1};
		assert_int_equal(msp_admin_topic_create(fixture->admin, &spec, DEADLINE_MS, &fixture->err), MSP_E_INVALID);
		assert_non_null(strstr(fixture->err.text, "retention.ms"));
	}
}

/* ---- members ---- */

/* As if the owner had vanished: its row names a process that ended long ago. */
static void owner_vanish(const struct fixture *fixture)
{
	file_sql(fixture, "DELETE FROM members; UPDATE consumer_groups SET generation = generation + 1");
}

/* Processes that come and go while nothing is there are no reason to give up on the first message that comes. */
static void owners_that_vanish_idle_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	const struct msp_receive_limits limits = {.max_messages = 1, .max_bytes = 1000, .timeout_ms = 0};
	for (int i = 0; i < 20; i++) {
		struct msp_batch *batch;
		owner_vanish(fixture);
		assert_int_equal(msp_consumer_receive(consumer, &limits, &batch, &fixture->err), MSP_OK);
		assert_null(batch);
	}
	send_numbers(fixture, fixture->inputs, 0, 0, 1);
	struct msp_batch *batch = receive(consumer, 1);
	assert_in_range(batch->messages[0].attempts, 1, 2);
	settle_echo(consumer, batch);
	consumer_close(consumer);
}

static void batches_grow_again_after_a_crash(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 100);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	batch_free(consumer, receive(consumer, 100));
	for (int32_t attempt = 2; attempt < 5; attempt++) {
		owner_vanish(fixture);
		struct msp_batch *batch = receive(consumer, 100);
		assert_int_equal(batch->count, 1);
		assert_int_equal(batch->messages[0].attempts, attempt);
		batch_free(consumer, batch);
	}
	owner_vanish(fixture);
	const size_t sizes[] = {1, 2, 4, 8, 16, 32, 37};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct msp_batch *batch = receive(consumer, 100);
		assert_int_equal(batch->count, sizes[i]);
		assert_int_equal(batch->messages[0].attempts, i == 0 ? 5 : 1);
		settle_echo(consumer, batch);
	}
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 100);
}

static void an_owner_that_hangs_in_its_model_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *hanging = consumer_open(fixture, 0, NULL, 0), *heir = consumer_open(fixture, 1, NULL, 0);
	struct msp_batch *held = receive(hanging, 3);
	echo(heir, 3); /* the heartbeat of the hanging one lives, but renews no longer */
	settle_begin(hanging, held, NULL);
	assert_int_equal(settle_wait(hanging), MSP_SETTLE_LOST);
	batch_free(hanging, held);
	consumer_close(hanging);
	consumer_close(heir);
	topic_expect(fixture, fixture->outputs, 1, 3);
}

int main(void)
{
	static const struct msp_property settings[] = {
	    {"lease.ms", "500"}, {"max.poll.interval.ms", "1000"}, {"synchronous", "normal"}, {NULL, NULL}};
	static const struct test_broker contract = {.ops = &msp_transport_sqlite, .url = url, .settings = settings};
	transport_contract = &contract;
	const struct CMUnitTest tests[] = {
	    T(urls),
	    T(a_relative_path_stays_where_it_was_opened),
	    T(a_missing_file_is_not_made_by_looking),
	    T(a_text_file_is_refused),
	    T(a_database_of_others_is_refused),
	    T(a_newer_file_is_refused),
	    T(what_can_never_be_a_file_is_told),
	    T_ONE(consumers_follow_the_file_at_the_path),
	    T_ONE(a_batch_of_a_deleted_file_is_lost),
	    T_ONE(a_reader_tells_that_its_file_is_gone),
	    T(retention_by_count),
	    T(everything_may_expire),
	    T(a_reader_ends_where_everything_has_expired),
	    T(retention_by_age),
	    T(bad_retention_is_refused),
	    T_ONE(batches_grow_again_after_a_crash),
	    T_ONE(owners_that_vanish_idle_do_not_count),
	    T_ONE(an_owner_that_hangs_in_its_model_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
