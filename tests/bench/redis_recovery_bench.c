/* How long a dead `msp run` is missed on Redis: killed amid its work and started again; killed for good while it holds
 * messages, beside another process; and hanging instead, which ends its lease. */
#include "bench.h"
#include "program.h"
#include "recovery.h"
#include "redis_probe.h"
#include "redis_stream.h"
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define MODEL      "iris_model.0.1"
#define RESTARTS   5
#define DEATHS     3
#define HANGS      2
#define PER_SECOND 1000
#define WARM_UP    1000 /* outputs, before the victim stops */
#define INPUTS_MAX 100000
#define SETTLE_NS  50000000
#define READY_S    10
#define STALL_MS   1000
#define MISSING_MS 60000

static struct stream stream;

static const char *const *command(void)
{
	struct program program = {.broker = redis_stream_url(), .stream = &stream, .group = stream.prefix};
	return program_command(&program);
}

static void group_create(void)
{
	freeReplyObject(redis_client_ask(redis_stream_client(), "XGROUP CREATE %s %s 0", stream.inputs, stream.prefix));
}

/* ---- started again ---- */

static void measure_restart(void)
{
	double samples[RESTARTS];
	redis_stream_create(&stream, "restart", MODEL);
	group_create();
	for (int run = 0; run < RESTARTS; run++) {
		samples[run] = recovery_restart_s(command(), &redis_probe, &stream);
		fprintf(stderr, "restarted: %.2f s\n", samples[run]);
	}
	double most_s = recovery_longest(samples, RESTARTS);
	bench_report_alone("Redis, back at work after kill -9, longest of 5", most_s, "s", 2, most_s <= 1, "<= 1 s");
}

/* ---- taken over ---- */

/* Which inputs have been answered. */
struct answers {
	struct probe *probe;
	bool seen[INPUTS_MAX];
	double last_ns; /* when the last of them was first seen */
};

/* Reads until the first `until` inputs are all answered. */
static void answers_await(struct answers *answers, size_t until)
{
	double give_up_ns = bench_wall_ns() + MISSING_MS * 1e6;
	for (size_t first = 0; first < until;) {
		struct probe_sight sight;
		bench_must(bench_wall_ns() < give_up_ns && until <= INPUTS_MAX, "answering everything in time");
		if (answers->seen[first]) {
			first++;
		} else if (probe_next(answers->probe, STALL_MS, &sight) && sight.number < INPUTS_MAX) {
			if (!answers->seen[sight.number] && sight.number < until)
				answers->last_ns = sight.seen_ns;
			answers->seen[sight.number] = true;
		}
	}
}

/* Starts a process that serves the stream; the first to do so is called worker/0 by the group. */
static pid_t worker_start(void)
{
	struct program program = {
	    .broker = redis_stream_url(), .stream = &stream, .group = stream.prefix, .ready_file = "ready"};
	unlink("ready");
	pid_t worker = server_start(program_command(&program));
	server_await_file(worker, "ready", READY_S);
	return worker;
}

/* What a stopped process has on its way to the server is there soon; what is pending then stays so. */
static void must_hold_something(const char *consumer)
{
	server_nap(SETTLE_NS);
	redisReply *pending =
	    redis_client_ask(redis_stream_client(), "XPENDING %s %s - + 1 %s", stream.inputs, stream.prefix, consumer);
	bench_must(pending->elements == 1, "stopping a process that holds messages");
	freeReplyObject(pending);
}

/* Seconds until everything is answered that was sent before the victim, which holds messages, stopped or died. */
static double take_over_s(bool hangs)
{
	static struct answers answers;
	redis_stream_create(&stream, hangs ? "hang" : "death", MODEL);
	group_create();
	pid_t victim = worker_start(), heir = worker_start();
	answers = (struct answers){.probe = probe_start(&redis_probe, &stream, PER_SECOND)};
	answers_await(&answers, WARM_UP);
	double gone_ns = bench_wall_ns();
	kill(victim, SIGSTOP);
	must_hold_something("worker/0");
	if (!hangs) {
		gone_ns = bench_wall_ns();
		server_kill(victim);
	}
	answers_await(&answers, probe_sent(answers.probe));
	double took_s = (answers.last_ns - gone_ns) / 1e9;
	if (hangs)
		server_kill(victim);
	probe_free(answers.probe);
	server_stop(heir);
	fprintf(stderr, "%s, taken over: %.2f s\n", hangs ? "hangs" : "dead", took_s);
	return took_s;
}

static void measure_take_over(bool hangs, int runs, const char *what)
{
	double samples[DEATHS];
	for (int run = 0; run < runs; run++)
		samples[run] = take_over_s(hangs);
	double most_s = recovery_longest(samples, runs);
	bench_report_alone(what, most_s, "s", 2, most_s <= 12, "<= 12 s");
}

int main(void)
{
	bench_enter_directory();
	redis_stream_enter();
	measure_restart();
	measure_take_over(false, DEATHS, "Redis, another process takes over from a dead one, longest of 3");
	measure_take_over(true, HANGS, "Redis, another process takes over from one that hangs, longest of 2");
	return 0;
}
