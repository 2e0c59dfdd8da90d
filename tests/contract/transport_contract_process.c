/* A consumer in a process of its own: this program, started again with MSP_CONTRACT_CHILD in its environment. (A plain
 * fork would inherit the client library's state.) On its stdout it says how many messages it holds; a line on its stdin
 * makes it settle them, and it says the answer. */
#include "transport_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <msp/clock.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLE "MSP_CONTRACT_CHILD"

static void child_exec(const struct fixture *fixture, const char *instance, size_t max_messages, int in, int out)
{
	char text[640];
	snprintf(text, sizeof(text), "%s %s %s %s %s %s %zu", fixture->url, fixture->inputs, fixture->outputs,
	         fixture->errors, fixture->group, instance ? instance : "-", max_messages);
	setenv(VARIABLE, text, 1);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	program_exec();
}

struct child child_start(struct fixture *fixture, const char *instance, size_t max_messages)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_exec(fixture, instance, max_messages, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	return (struct child){pid, fdopen(in[1], "w"), fdopen(out[0], "r")};
}

static int child_number(struct child *child)
{
	struct pollfd fd = {.fd = fileno(child->out), .events = POLLIN};
	int number = -1;
	assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
	assert_int_equal(fscanf(child->out, "%d", &number), 1);
	return number;
}

size_t child_held(struct child *child)
{
	return (size_t)child_number(child);
}

enum msp_settle_answer child_settle(struct child *child)
{
	fputs("settle\n", child->in);
	fflush(child->in);
	return (enum msp_settle_answer)child_number(child);
}

void child_end(struct child *child, int signal_number)
{
	/* First the signal: the end of its stdin makes the child leave its group in peace. */
	if (signal_number)
		kill(child->pid, signal_number);
	fclose(child->in);
	while (waitpid(child->pid, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
	fclose(child->out);
}

/* ---- in the child: nothing here asserts, the parent sees what is missing ---- */

static struct msp_batch *hold(struct msp_consumer *consumer, size_t max_messages)
{
	struct msp_receive_limits limits = {max_messages, 1 << 20, 1000};
	struct msp_batch *batch = NULL;
	struct msp_error err;
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	while (!batch && msp_monotonic_ms() < deadline_ms) {
		if (msp_consumer_receive(consumer, &limits, &batch, &err) != MSP_OK)
			fprintf(stderr, "child: %s\n", err.text);
	}
	printf("%zu\n", batch ? batch->count : 0);
	fflush(stdout);
	return batch;
}

static void settle(struct msp_consumer *consumer, struct msp_batch *batch)
{
	struct msp_outgoing *outgoing = calloc(batch->count, sizeof(*outgoing));
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i].message = batch->messages[i];
	msp_consumer_settle_begin(consumer, batch, outgoing);
	struct msp_error err;
	/* A broker whose connections have just been lost is asked again. */
	int64_t deadline_ms = msp_monotonic_ms() + DEADLINE_MS;
	enum msp_settle_answer answer;
	do
		answer = msp_consumer_settle_wait(consumer, 100, &err);
	while (answer == MSP_SETTLE_AGAIN && msp_monotonic_ms() < deadline_ms);
	printf("%d\n", (int)answer);
	fflush(stdout);
	if (answer != MSP_SETTLE_AGAIN)
		msp_consumer_batch_free(consumer, batch);
	free(outgoing);
}

static void consume(struct fixture *fixture, const char *instance, size_t max_messages)
{
	struct msp_consumer *consumer = NULL;
	if (consumer_try_open(fixture, 0, strcmp(instance, "-") == 0 ? NULL : instance, 0, &consumer) != MSP_OK) {
		fprintf(stderr, "child: %s\n", fixture->err.text);
		return;
	}
	struct msp_batch *batch = hold(consumer, max_messages);
	char line[32];
	while (batch && fgets(line, sizeof(line), stdin)) {
		settle(consumer, batch);
		batch = NULL;
	}
	msp_consumer_free(consumer);
}

bool child_main(void)
{
	const char *text = getenv(VARIABLE);
	if (!text)
		return false;
	static struct fixture fixture;
	static char instance[64];
	size_t max_messages = 0;
	if (sscanf(text, "%255s %63s %63s %63s %63s %63s %zu", fixture.url, fixture.inputs, fixture.outputs, fixture.errors,
	           fixture.group, instance, &max_messages) != 7)
		return true;
	fixture.options = contract_options_new();
	consume(&fixture, instance, max_messages);
	msp_transport_free(fixture.transports[0]);
	contract_options_free(fixture.options);
	return true;
}
