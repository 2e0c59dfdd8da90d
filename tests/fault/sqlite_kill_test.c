/* Two processes relay through one file while they are killed at random: nothing is lost or doubled, and each partition
 * keeps its order. */
#include "transport_fixture.h"
#include <errno.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <msp_transport_sqlite.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RELAY     "MSP_FAULT_RELAY"
#define PROCESSES 2

static void url(const char *directory, char *text, size_t size)
{
	snprintf(text, size, "sqlite:%s/broker.db", directory);
}

/* ---- the process that is killed: as a worker does it, two batches alive ---- */

static struct msp_batch *relay_receive(struct msp_consumer *consumer, int timeout_ms)
{
	struct msp_receive_limits limits = {50, 1 << 20, timeout_ms};
	struct msp_batch *batch = NULL;
	struct msp_error err;
	if (consumer->ops->receive(consumer, &limits, &batch, &err) != MSP_OK)
		fprintf(stderr, "relay: %s\n", err.text);
	return batch;
}

/* True: settled. */
static bool relay_settle(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_batch **next)
{
	struct msp_outgoing outgoing[50] = {0};
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i].message = batch->messages[i];
	consumer->ops->settle_begin(consumer, batch, outgoing);
	*next = relay_receive(consumer, 0);
	enum msp_settle_answer answer;
	while ((answer = consumer->ops->settle_wait(consumer, 100, NULL)) == MSP_SETTLE_AGAIN)
		continue;
	consumer->ops->batch_free(consumer, batch);
	return answer == MSP_SETTLE_OK;
}

static void relay(struct fixture *fixture)
{
	struct msp_consumer *consumer = NULL;
	while (consumer_try_open(fixture, 0, NULL, 0, &consumer) != MSP_OK)
		fprintf(stderr, "relay: %s\n", fixture->err.text);
	for (struct msp_batch *batch = NULL, *next = NULL;; batch = next, next = NULL) {
		if (!batch)
			batch = relay_receive(consumer, 1000);
		if (batch && !relay_settle(consumer, batch, &next) && next) {
			consumer->ops->batch_free(consumer, next);
			next = NULL;
		}
	}
}

static int relay_main(const char *text)
{
	static struct fixture fixture;
	if (sscanf(text, "%255s %63s %63s %63s", fixture.url, fixture.inputs, fixture.outputs, fixture.errors) != 4)
		return 1;
	msp_log_set_level(MSP_LOG_WARN);
	relay(&fixture);
	return 0;
}

/* ---- the test ---- */

static pid_t relay_start(const struct fixture *fixture)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	char text[512];
	snprintf(text, sizeof(text), "%s %s %s %s", fixture->url, fixture->inputs, fixture->outputs, fixture->errors);
	setenv(RELAY, text, 1);
	program_exec();
}

static void relay_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
}

static unsigned random_next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* Waits until the group has settled `count` of `total` messages. */
static void progress_wait(struct fixture *fixture, int64_t total, int64_t count)
{
	int64_t deadline_ms = msp_monotonic_ms() + 3 * DEADLINE_MS;
	while (total - group_lag(fixture) < count) {
		assert_true(msp_monotonic_ms() < deadline_ms);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void kills_at_random(void **state)
{
	struct fixture *fixture = *state;
	const char *faults = getenv("MSP_FAULTS");
	bool full = faults && strcmp(faults, "full") == 0;
	int per_partition = full ? 50000 : 5000, kills = full ? 50 : 10;
	int64_t total = (int64_t)per_partition * PARTITIONS;
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	for (int32_t partition = 0; partition < PARTITIONS; partition++)
		send_numbers(fixture, fixture->inputs, partition, 0, per_partition);
	pid_t pids[PROCESSES];
	for (size_t i = 0; i < PROCESSES; i++)
		pids[i] = relay_start(fixture);
	for (int i = 0; i < kills; i++) {
		/* Somewhere in the work, at no point of it in particular. */
		progress_wait(fixture, total, total * i / kills);
		nanosleep(&(struct timespec){.tv_nsec = (long)(random_next(&seed) % 20000) * 1000}, NULL);
		size_t victim = random_next(&seed) % PROCESSES;
		relay_kill(pids[victim]);
		pids[victim] = relay_start(fixture);
	}
	progress_wait(fixture, total, total);
	for (size_t i = 0; i < PROCESSES; i++)
		relay_kill(pids[i]);
	topic_expect(fixture, fixture->outputs, PARTITIONS, per_partition);
}

int main(void)
{
	static const struct transport_contract contract = {.ops = &msp_transport_sqlite, .url = url};
	transport_contract = &contract;
	const char *text = getenv(RELAY);
	if (text)
		return relay_main(text);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(kills_at_random, fixture_init_topics, fixture_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
