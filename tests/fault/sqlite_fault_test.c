/* What happens to the file while msp uses it: locked, full, read-only, damaged. Each has a clear answer, nothing is
 * lost, and where it passes, work goes on. */
#include "sqlite_lock.h"
#include "transport_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <msp/clock.h>
#include <msp_transport_sqlite.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define T(function) cmocka_unit_test_setup_teardown(function, fixture_init_topics_one, fixture_done)

static bool url(const char *directory, char *text, size_t size)
{
	snprintf(text, size, "sqlite:%s/broker.db", directory);
	return true;
}

static const char *file_path(const struct fixture *fixture)
{
	return fixture->url + strlen("sqlite:");
}

/* Lets go of every connection, so that SQLite moves everything from the -wal file into the file itself. */
static void connections_close(struct fixture *fixture)
{
	msp_producer_free(fixture->producer);
	msp_admin_free(fixture->admin);
	struct msp_transport *transport = fixture->transports[0];
	assert_int_equal(msp_transport_producer_open(transport, &fixture->producer, &fixture->err), MSP_OK);
	assert_int_equal(msp_transport_admin_open(transport, &fixture->admin, &fixture->err), MSP_OK);
}

/* ---- another process holds the lock ---- */

static void a_lock_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0), *other = NULL;
	pid_t locker = sqlite_lock_take(file_path(fixture));
	assert_true(locker > 0);
	struct msp_batch *batch = receive(consumer, 10); /* reading goes on */
	struct msp_outgoing *outgoing = outgoing_new(batch);
	int64_t began_ms = msp_monotonic_ms();
	settle_begin(consumer, batch, outgoing);
	assert_in_range(msp_monotonic_ms() - began_ms, 0, 500);
	struct msp_error err = {.status = MSP_E_INTERNAL};
	assert_int_equal(msp_consumer_settle_wait(consumer, 50, &err), MSP_SETTLE_AGAIN);
	assert_int_equal(err.status, MSP_OK); /* only slow */
	assert_int_equal(msp_consumer_settle_wait(consumer, 1500, &err), MSP_SETTLE_AGAIN);
	assert_int_equal(err.status, MSP_E_UNAVAILABLE);
	assert_non_null(strstr(err.text, "locked"));
	struct msp_outgoing sent = {.message = {.value = MSP_BYTES_LITERAL("0:10"), .timestamp_ms = MSP_TIMESTAMP_NONE}};
	struct msp_producer *producer = fixture->producer;
	assert_int_equal(msp_producer_send(producer, fixture->inputs, &sent, 1, 50, &err), MSP_E_UNAVAILABLE);
	assert_true(err.retriable);
	assert_int_equal(sent.state, MSP_OUTGOING_PENDING);
	assert_int_equal(consumer_try_open(fixture, 1, NULL, 0, &other), MSP_E_UNAVAILABLE);
	assert_true(fixture->err.retriable);
	sqlite_lock_release(locker);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 10);
}

/* ---- no space ---- */

/* Files may not grow by more than `bytes`; SIGXFSZ is ignored, so a write fails as on a full disk. */
static void space_limit(const struct fixture *fixture, rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	if (fixture) {
		char wal[300];
		struct stat info;
		snprintf(wal, sizeof(wal), "%s-wal", file_path(fixture));
		assert_int_equal(stat(wal, &info), 0);
		limit.rlim_cur = (rlim_t)info.st_size + bytes;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	char *large = calloc(1, 500000);
	assert_non_null(large);
	send_numbers(fixture, fixture->inputs, 0, 0, 10);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 10);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	outgoing[9].route = MSP_ROUTE_ERRORS;
	outgoing[9].message.value = msp_bytes_of(large, 500000);
	signal(SIGXFSZ, SIG_IGN);
	space_limit(fixture, 100000);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = {.status = MSP_OK};
	enum msp_settle_answer answer = msp_consumer_settle_wait(consumer, 50, &err);
	struct msp_outgoing sent = {.message = {.value = {large, 500000}, .timestamp_ms = MSP_TIMESTAMP_NONE}};
	struct msp_producer *producer = fixture->producer;
	struct msp_error send_err = {.status = MSP_OK};
	enum msp_status send_status = msp_producer_send(producer, fixture->inputs, &sent, 1, 50, &send_err);
	space_limit(NULL, 0);
	assert_int_equal(answer, MSP_SETTLE_AGAIN);
	assert_int_equal(err.status, MSP_E_UNAVAILABLE);
	assert_true(err.retriable && strlen(err.text) > 0);
	assert_int_equal(send_status, MSP_E_UNAVAILABLE);
	assert_true(send_err.retriable);
	assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
	free(outgoing);
	free(large);
	batch_free(consumer, batch);
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 9);
	assert_int_equal(topic_count(fixture, fixture->errors, NULL), 1);
	assert_int_equal(topic_count(fixture, fixture->inputs, NULL), 10);
}

/* ---- gone ---- */

static void a_file_that_is_gone_takes_no_results(void **state)
{
	struct fixture *fixture = *state;
	char aside[300];
	snprintf(aside, sizeof(aside), "%s.aside", file_path(fixture));
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	assert_int_equal(rename(file_path(fixture), aside), 0);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = {.text = ""};
	assert_int_equal(msp_consumer_settle_wait(consumer, 1100, &err), MSP_SETTLE_LOST);
	assert_non_null(strstr(err.text, "deleted or replaced"));
	free(outgoing);
	batch_free(consumer, batch);
	assert_int_equal(rename(aside, file_path(fixture)), 0);
	assert_int_equal(topic_count(fixture, fixture->outputs, NULL), 0);
	for (size_t settled = 0; settled < 3;) {
		batch = receive(consumer, 3);
		outgoing = outgoing_new(batch);
		settle_begin(consumer, batch, outgoing);
		assert_int_equal(settle_wait(consumer), MSP_SETTLE_OK);
		settled += batch->count;
		free(outgoing);
		batch_free(consumer, batch);
	}
	consumer_close(consumer);
	topic_expect(fixture, fixture->outputs, 1, 3);
}

/* ---- read-only ---- */

/* SQLite gives the files beside the database the same mode, so whoever mends one mends all. */
static void file_chmod(const struct fixture *fixture, mode_t mode)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 3; i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s%s", file_path(fixture), suffixes[i]);
		if (chmod(path, mode) != 0)
			assert_int_equal(errno, ENOENT);
	}
}

static void a_read_only_file_is_said(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	connections_close(fixture);
	file_chmod(fixture, 0444);
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	bool is_root = geteuid() == 0;
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	struct msp_consumer *consumer = NULL;
	enum msp_status open_status = consumer_try_open(fixture, 0, NULL, 0, &consumer);
	struct msp_outgoing sent = {.message = {.value = MSP_BYTES_LITERAL("0:3"), .timestamp_ms = MSP_TIMESTAMP_NONE}};
	struct msp_producer *producer = fixture->producer;
	struct msp_error err = {.text = ""};
	enum msp_status send_status = msp_producer_send(producer, fixture->inputs, &sent, 1, 50, &err);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	file_chmod(fixture, 0644);
	assert_int_equal(open_status, MSP_E_DENIED);
	assert_int_equal(send_status, MSP_E_DENIED);
	assert_non_null(strstr(err.text, "read-only"));
	connections_close(fixture);
	consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 3);
	consumer_close(consumer);
}

/* ---- damaged ---- */

/* Runs SQL on the file behind the transport's back; the number that it answers. */
static int64_t file_sql(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open(file_path(fixture), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	int code = sqlite3_step(stmt);
	int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	assert_true(code == SQLITE_ROW || code == SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

static void file_overwrite(const struct fixture *fixture, int64_t offset, size_t size)
{
	static char garbage[65536]; /* SQLite's largest page */
	assert_in_range(size, 1, sizeof(garbage));
	memset(garbage, 0xa5, sizeof(garbage));
	int fd = open(file_path(fixture), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, garbage, size, (off_t)offset), size);
	close(fd);
}

/* Overwrites the page at which a table begins. The topics are made in the order inputs, outputs, errors. */
static void table_damage(struct fixture *fixture, const char *table)
{
	char sql[128];
	connections_close(fixture);
	int64_t page_size = file_sql(fixture, "PRAGMA page_size");
	snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_master WHERE name = '%s'", table);
	int64_t page = file_sql(fixture, sql);
	assert_true(page > 1);
	file_overwrite(fixture, (page - 1) * page_size, (size_t)page_size);
}

static void damaged_outputs_end_the_settle(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	table_damage(fixture, "log_2");
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_batch *batch = receive(consumer, 3);
	struct msp_outgoing *outgoing = outgoing_new(batch);
	settle_begin(consumer, batch, outgoing);
	struct msp_error err = {.text = ""};
	assert_int_equal(msp_consumer_settle_wait(consumer, 1000, &err), MSP_SETTLE_FAILED);
	assert_int_equal(err.status, MSP_E_CORRUPT);
	assert_non_null(strstr(err.text, "damaged"));
	free(outgoing);
	batch_free(consumer, batch);
	consumer_close(consumer);
	assert_int_equal(group_lag(fixture), 3); /* nothing was marked */
}

static void damaged_inputs_end_the_receive(void **state)
{
	struct fixture *fixture = *state;
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	table_damage(fixture, "log_1");
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	struct msp_receive_limits limits = {10, 1000, 1000};
	struct msp_batch *batch = NULL;
	assert_int_equal(msp_consumer_receive(consumer, &limits, &batch, &fixture->err), MSP_E_CORRUPT);
	assert_false(fixture->err.retriable);
	assert_non_null(strstr(fixture->err.text, "damaged"));
	consumer_close(consumer);
}

static void damaged_headers_are_found(void **state)
{
	struct fixture *fixture = *state;
	static const char *const blobs[] = {"x''",
	                                    "x'01'",
	                                    "x'01000000'",
	                                    "x'ffffffff'",
	                                    "x'0100000001000000610100000062ff'",
	                                    "x'01000000ffffffff00000000'",
	                                    "x'010000000100000061050000006263'"};
	send_numbers(fixture, fixture->inputs, 0, 0, 3);
	struct msp_consumer *consumer = consumer_open(fixture, 0, NULL, 0);
	echo(consumer, 1);
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		char sql[128];
		snprintf(sql, sizeof(sql), "UPDATE log_1 SET headers = %s WHERE offset = 1", blobs[i]);
		file_sql(fixture, sql);
		struct msp_receive_limits limits = {10, 1000, 0};
		struct msp_batch *batch = NULL;
		assert_int_equal(msp_consumer_receive(consumer, &limits, &batch, &fixture->err), MSP_E_CORRUPT);
		assert_non_null(strstr(fixture->err.text, "offset 1"));
	}
	file_sql(fixture, "UPDATE log_1 SET headers = x'010000000100000061ffffffff' WHERE offset = 1");
	echo(consumer, 2);
	consumer_close(consumer);
}

static void a_damaged_beginning_is_no_database(void **state)
{
	struct fixture *fixture = *state;
	connections_close(fixture);
	file_overwrite(fixture, 0, 100);
	struct msp_consumer *consumer = NULL;
	assert_int_equal(consumer_try_open(fixture, 0, NULL, 0, &consumer), MSP_E_CORRUPT);
	assert_false(fixture->err.retriable);
}

int main(void)
{
	static const struct test_broker contract = {.ops = &msp_transport_sqlite, .url = url};
	transport_contract = &contract;
	const struct CMUnitTest tests[] = {
	    T(a_lock_is_waited_for),      T(a_full_disk_is_waited_for),          T(a_file_that_is_gone_takes_no_results),
	    T(a_read_only_file_is_said),  T(damaged_outputs_end_the_settle),     T(damaged_inputs_end_the_receive),
	    T(damaged_headers_are_found), T(a_damaged_beginning_is_no_database),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
