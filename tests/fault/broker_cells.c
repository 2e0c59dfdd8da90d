/* What can happen to a broker that is a server, and to the network between it and msp. */
#include "cells.h"

#include "random.h"

/* A cut strikes after a few bytes, or in the midst of many. */
#define CUT_FEW  200
#define CUT_MANY 20000

#define DELAY_MIN_MS 50 /* each way */
#define DELAY_MAX_MS 300

static void server_kill(struct trial *trial)
{
	trial_strike(trial);
	trial->server->ops->kill(trial->server);
}

static bool server_restart(struct trial *trial)
{
	if (trial->server->ops->restart(trial->server))
		return trial_processes_live(trial);
	progress_fail(&trial->progress, "the broker does not start again");
	return false;
}

bool run_broker_restart(struct trial *trial)
{
	size_t count = rounds(trial, 2, 5);
	trial_expect_repeats(trial, count, true);
	if (!trial_start_all(trial, PAIR))
		return false;
	flow(trial, count);
	for (size_t i = 0; i < count; i++) {
		if (!trial_wait_settled(trial, place_in_flow(trial, i, count)))
			return false;
		server_kill(trial);
		if (!server_restart(trial))
			return false;
	}
	return trial_conclude(trial);
}

/* Until the broker is there again they must say so every ten seconds. */
static bool each_says_that_it_waits(struct trial *trial, int down_ms)
{
	static const char waiting[] = "waiting for the broker";
	size_t times = (size_t)down_ms / 10000;
	for (size_t i = 0; i < PAIR; i++) {
		if (!trial_wait_log(trial, i, waiting))
			return false;
		size_t said = process_log_count(&trial->processes[i], waiting);
		if (said < times)
			progress_fail(&trial->progress, "process %zu said only %zu times that it waits", i, said);
	}
	return !progress_failed(&trial->progress);
}

bool run_broker_down(struct trial *trial)
{
	int down_ms = trial->options->full ? 60000 : 5000;
	trial_expect_repeats(trial, 1, true);
	if (!trial_start_all(trial, PAIR))
		return false;
	flow(trial, 1);
	if (!trial_wait_settled(trial, place_in_flow(trial, 0, 1)))
		return false;
	server_kill(trial);
	progress_pause(&trial->progress, down_ms);
	return each_says_that_it_waits(trial, down_ms) && server_restart(trial) && trial_conclude(trial);
}

static void cut_somewhere(struct trial *trial)
{
	enum server_direction direction = random_below(&trial->random, 2) ? SERVER_CUT_REQUEST : SERVER_CUT_ANSWER;
	size_t most = random_below(&trial->random, 2) ? CUT_FEW : CUT_MANY;
	server_cut_after(trial->server, direction, random_below(&trial->random, most));
}

/* Before the broker has the whole of a request, or before msp has the whole of its answer. */
bool run_cut(struct trial *trial)
{
	size_t count = rounds(trial, 12, 100), before = server_cuts(trial->server);
	trial_expect_repeats(trial, count, false);
	if (!trial_start_all(trial, PAIR))
		return false;
	flow(trial, count);
	for (size_t i = 0; i < count; i++) {
		if (!trial_wait_settled(trial, place_in_flow(trial, i, count)))
			return false;
		cut_somewhere(trial);
		trial_strike(trial);
	}
	bool concluded = trial_conclude(trial);
	trial->kills = server_cuts(trial->server) - before;
	if (trial->kills < count / 2)
		progress_fail(&trial->progress, "only %zu of %zu cuts struck", trial->kills, count);
	return concluded;
}

bool run_delay(struct trial *trial)
{
	proxy_set_delay(trial->server->proxy, DELAY_MIN_MS, DELAY_MAX_MS);
	return trial_start_all(trial, PAIR) && trial_conclude(trial);
}
