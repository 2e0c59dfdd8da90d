#include "cells.h"

#include "fault_point.h"
#include "random.h"

#include <msp/clock.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

size_t rounds(const struct trial *trial, size_t small, size_t full)
{
	return trial->options->full ? full : small;
}

size_t place_in_flow(struct trial *trial, size_t round, size_t count)
{
	size_t stretch = trial->messages / (count + 1);
	return round * stretch + random_below(&trial->random, stretch);
}

void flow(struct trial *trial, size_t count)
{
	trial_allow(trial, trial->messages, 2 * trial->messages / (count + 1));
}

bool load(struct trial *trial, size_t from, size_t until)
{
	trial_allow(trial, until, trial->messages);
	return trial_wait_sent(trial, until) && trial_wait_settled_since(trial, from, (until - from) / 2);
}

/* ---- processes that are killed ---- */

static bool run_kill9_random(struct trial *trial)
{
	size_t kills = rounds(trial, 6, 50);
	trial_expect_repeats(trial, kills, true);
	if (!trial_start_all(trial, PAIR))
		return false;
	flow(trial, kills);
	for (size_t i = 0; i < kills; i++) {
		size_t place = random_below(&trial->random, PAIR);
		if (!trial_wait_settled(trial, place_in_flow(trial, i, kills)))
			return false;
		trial_kill(trial, place);
		if (!trial_start(trial, place))
			return false;
	}
	return trial_conclude(trial);
}

struct fault_variables {
	char point[64], countdown[64], preload[PATH_MAX];
	const char *list[4];
};

static void fault_variables_make(struct trial *trial, const char *point, size_t most, struct fault_variables *variables)
{
	const struct trial_options *options = trial->options;
	size_t countdown = 1 + random_below(&trial->random, most);
	snprintf(variables->point, sizeof(variables->point), "MSP_FAULT_POINT=%s", point);
	snprintf(variables->countdown, sizeof(variables->countdown), "MSP_FAULT_COUNTDOWN=%zu", countdown);
	snprintf(variables->preload, sizeof(variables->preload), "LD_PRELOAD=%s/%s", options->folder,
	         options->broker->fault_points);
	variables->list[0] = variables->point;
	variables->list[1] = variables->countdown;
	variables->list[2] = variables->preload;
	variables->list[3] = NULL;
}

/* Waits for the end of a process at `point`, which is its death number `times`. */
static bool wait_struck(struct trial *trial, size_t place, const char *point, size_t times)
{
	char text[128];
	snprintf(text, sizeof(text), FAULT_POINT_STRUCK, point);
	if (process_is_running(&trial->processes[place])) {
		progress_fail(&trial->progress, "process %zu did not come to the fault point %s", place, point);
		return false;
	}
	if (!trial_wait_death(trial, place, SIGKILL))
		return false;
	if (process_log_count(&trial->processes[place], text) != times)
		progress_fail(&trial->progress, "process %zu died, but not at the fault point %s", place, point);
	return !progress_failed(&trial->progress);
}

/* Sends a little at a time, so that the process passes its fault point as often as it must, until it is dead. */
static void feed_until_death(struct trial *trial, size_t place, size_t *allowed, size_t until)
{
	const size_t little = 25;
	const int interval_ms = 20, patience_ms = 30000;
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	while (process_is_running(&trial->processes[place]) && msp_monotonic_ms() < deadline_ms) {
		*allowed = *allowed + little < until ? *allowed + little : until;
		trial_allow(trial, *allowed, trial->messages);
		progress_pause(&trial->progress, interval_ms);
	}
}

/* Starts a process that is to die. Where joining takes time, the other must not settle everything meanwhile. */
static bool start_doomed(struct trial *trial, size_t place, const char *const *variables)
{
	static const char joined[] = "\"partitions assigned\"";
	const struct process *process = &trial->processes[place];
	const int interval_ms = 20, patience_ms = 20000;
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	size_t before = process_log_count(process, joined);
	if (!trial_start_with(trial, place, variables))
		return false;
	while (trial->options->broker->rebalances && process_log_count(process, joined) == before &&
	       msp_monotonic_ms() < deadline_ms)
		progress_pause(&trial->progress, interval_ms);
	return true;
}

/* Of two processes the first dies at `point`, at one of its `most` first passages. */
static bool run_kill9_at(struct trial *trial, const char *point, size_t most)
{
	size_t count = rounds(trial, 3, 20), allowed = 0;
	trial_expect_repeats(trial, count, true);
	if (!trial_start(trial, 1) || !trial_wait_ready(trial, 1))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct fault_variables variables;
		fault_variables_make(trial, point, most, &variables);
		if (!start_doomed(trial, 0, variables.list))
			return false;
		feed_until_death(trial, 0, &allowed, trial->messages * (i + 1) / count);
		if (!wait_struck(trial, 0, point, i + 1))
			return false;
	}
	return trial_start(trial, 0) && trial_conclude(trial);
}

static bool run_kill9_after_receive(struct trial *trial)
{
	return run_kill9_at(trial, "after_receive", 4);
}

static bool run_kill9_after_predict(struct trial *trial)
{
	return run_kill9_at(trial, "after_predict", 4);
}

static bool run_kill9_amid_publish(struct trial *trial)
{
	return run_kill9_at(trial, "amid_publish", 30);
}

static bool run_kill9_before_commit(struct trial *trial)
{
	return run_kill9_at(trial, "before_commit", 4);
}

static bool run_kill9_amid_commit(struct trial *trial)
{
	return run_kill9_at(trial, "amid_commit", 30);
}

static bool run_kill9_after_commit(struct trial *trial)
{
	return run_kill9_at(trial, "after_commit", 4);
}

/* ---- processes that stop, hang and come and go ---- */

static bool run_sigterm(struct trial *trial)
{
	size_t stops = rounds(trial, 4, 20);
	if (!trial_start_all(trial, PAIR))
		return false;
	flow(trial, stops);
	for (size_t i = 0; i < stops; i++) {
		size_t place = i % PAIR;
		/* Ready first: until then a signal ends the process as it ends any program. */
		if (!trial_wait_ready(trial, place) || !trial_wait_settled(trial, place_in_flow(trial, i, stops)) ||
		    !trial_stop(trial, place) || !trial_start(trial, place))
			return false;
		trial->kills++;
	}
	return trial_conclude(trial);
}

/* Stops a process until the others have settled everything up to `until`. A broker that is a file cannot be used at all
 * while a process hangs in a transaction of its own: then it is let go and stopped again at another moment. */
static bool hang(struct trial *trial, const struct process *process, size_t until)
{
	const int tries = 10, patience_ms = 3 * trial->options->broker->test->hang_ms, moment_ms = 1000;
	bool settled = false;
	for (int i = 0; i < tries && !settled; i++) {
		size_t before;
		process_signal(process, SIGSTOP);
		do {
			before = progress_settled(&trial->progress);
			settled = progress_wait_settled(&trial->progress, until, patience_ms);
		} while (!settled && progress_settled(&trial->progress) > before);
		process_signal(process, SIGCONT);
		if (!settled)
			(void)progress_wait_settled(&trial->progress, before + 1, moment_ms);
	}
	if (!settled)
		progress_fail(&trial->progress, "the others did not take over from a process that hangs");
	return settled && trial_processes_live(trial);
}

/* A process hangs in mid-flow for longer than its session; the other must do its share too, and what the first one
 * publishes after it woke must not show. */
static bool run_sigstop(struct trial *trial)
{
	size_t count = rounds(trial, 2, 5);
	trial_expect_repeats(trial, count, true);
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t until = trial->messages * (i + 1) / (count + 1);
		trial_allow(trial, until, trial->messages);
		if (!trial_wait_settled(trial, place_in_flow(trial, i, count)) ||
		    !hang(trial, &trial->processes[i % PAIR], until))
			return false;
		trial_strike(trial);
	}
	return trial_conclude(trial);
}

#define STORM_KILLS 3 /* every third is no polite one */

static bool storm_step(struct trial *trial, size_t round)
{
	size_t place = PAIR + round % PAIR;
	if (trial->processes[place].pid && round % STORM_KILLS == 0) {
		trial_kill(trial, place);
		return true;
	}
	trial->kills++;
	return trial->processes[place].pid ? trial_stop(trial, place) : trial_start(trial, place);
}

static bool run_storm(struct trial *trial)
{
	size_t count = rounds(trial, 6, 30);
	int interval_ms = trial->options->full ? 1000 : 200;
	trial_expect_repeats(trial, count / STORM_KILLS, true);
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		trial_allow(trial, trial->messages * (i + 1) / count, trial->messages);
		progress_pause(&trial->progress, interval_ms);
		if (!trial_processes_live(trial) || !storm_step(trial, i))
			return false;
	}
	return trial_conclude(trial);
}

/* ---- models that misbehave ---- */

/* Lines that say of one worker of a process that it was given, or gave up, one partition. */
static size_t shares_count(const struct trial *trial, size_t place, const char *event)
{
	char text[1024];
	snprintf(text, sizeof(text), "\"partitions %s\" group=%s topic=%s partitions=1\n", event, trial->topics.group,
	         trial->topics.name[MSP_TOPIC_INPUTS]);
	return process_log_count(&trial->processes[place], text);
}

/* Waits until each worker has its partition: from then on nobody joins. */
static bool wait_shares(struct trial *trial)
{
	_Static_assert(TRIAL_PARTITIONS == PAIR * TRIAL_WORKERS, "one for each worker");
	const int interval_ms = 20, patience_ms = 20000;
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	for (size_t given = 0, returned = 0; given != returned + TRIAL_PARTITIONS;) {
		if (msp_monotonic_ms() >= deadline_ms) {
			progress_fail(&trial->progress, "not every worker got its partition within %d s", patience_ms / 1000);
			return false;
		}
		progress_pause(&trial->progress, interval_ms);
		given = returned = 0;
		for (size_t i = 0; i < PAIR; i++) {
			given += shares_count(trial, i, "assigned");
			returned += shares_count(trial, i, "given up") + shares_count(trial, i, "lost");
		}
	}
	return true;
}

static bool nobody_stole(struct trial *trial)
{
	for (size_t i = 0; i < PAIR; i++)
		if (process_log_count(&trial->processes[i], "a batch was taken over") > 0)
			progress_fail(&trial->progress, "process %zu lost a batch although it was alive", i);
	return !progress_failed(&trial->progress);
}

static bool run_slow_model(struct trial *trial)
{
	if (!trial_start_all(trial, PAIR) || (trial->options->broker->rebalances && !wait_shares(trial)))
		return false;
	return trial_conclude(trial) && nobody_stole(trial);
}

/* Starts again what its model has ended; *ret_ready: there was nothing to do. */
static bool aborted_restart(struct trial *trial, bool *ret_ready)
{
	*ret_ready = true;
	for (size_t i = 0; i < PAIR; i++) {
		if (process_is_running(&trial->processes[i])) {
			*ret_ready &= process_wait_ready(&trial->processes[i], 0);
			continue;
		}
		*ret_ready = false;
		if (!trial_wait_death(trial, i, SIGABRT) || !trial_start(trial, i))
			return false;
	}
	return true;
}

#define DELIVERY_LIMIT 16 /* delivery.limit, as it is shipped */

/* Over when everything is settled and the last two processes live: a moment later still, because one that has aborted
 * may be found dead by the other before it is found dead by us. */
static bool run_crashing_model(struct trial *trial)
{
	const int interval_ms = 20, patience_ms = 60000, moments = 10;
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	trial_expect_repeats(trial, trial->setup->specials[0].count * DELIVERY_LIMIT, true);
	if (!trial_start(trial, 0) || !trial_start(trial, 1))
		return false;
	trial_allow(trial, trial->messages, trial->messages);
	for (int calm = 0; calm < moments;) {
		bool ready = false;
		progress_pause(&trial->progress, interval_ms);
		if (!aborted_restart(trial, &ready))
			return false;
		calm = ready && progress_settled(&trial->progress) == trial->messages ? calm + 1 : 0;
		if (msp_monotonic_ms() >= deadline_ms)
			progress_fail(&trial->progress, "%zu of %zu messages settled after %d s and %zu crashes",
			              progress_settled(&trial->progress), trial->messages, patience_ms / 1000, trial->kills);
		if (progress_failed(&trial->progress))
			return false;
	}
	return trial_conclude(trial);
}

/* ---- topics that do not take everything ---- */

/* The topic goes while it is empty, so that nothing is lost with it. */
static bool run_topic_missing(struct trial *trial)
{
	if (!trial_start_all(trial, PAIR) || !trial_delete_topic(trial, MSP_TOPIC_ERRORS))
		return false;
	trial_allow(trial, trial->messages / 2, trial->messages);
	for (size_t i = 0; i < PAIR; i++)
		if (!trial_wait_log(trial, i, "waiting for the broker"))
			return false;
	trial->kills++;
	return trial_create_topic(trial, MSP_TOPIC_ERRORS) && trial_conclude(trial);
}

/* A refusal ends the client, and with it what it has under way. That of a record is one more. */
static bool run_too_large(struct trial *trial)
{
	const struct plan_special *big = &trial->setup->specials[0], *huge = &trial->setup->specials[1];
	size_t refusals = big->count + 2 * huge->count;
	trial_expect_repeats(trial, refusals, false);
	trial_explain_repeats(trial, refusals);
	return trial_start_all(trial, PAIR) && trial_conclude(trial);
}

/* ---- the table ---- */

static const char *const slow_settings[] = {"models.faulty.sleep.us=500", NULL};
/* So that there is something under way in each of many messages. */
static const char *const busy_settings[] = {"models.faulty.sleep.us=100", NULL};
#ifdef MSP_HAS_KAFKA
static const char *const busier_settings[] = {"models.faulty.sleep.us=2000", NULL};
static const char *const partition_settings[] = {"kafka.topic.metadata.refresh.interval.ms=1000", NULL};
#endif

#define ECHO          .setup.model = "echo"
#define FAULTY        .setup.model = "faulty"
#define MORTAL        .setup.model = "mortal"
#define BREAKS_SERVER ECHO, .setup.breaks_server = true

const struct cell cells[] = {
    {"kill9_random", "`kill -9` at random", NULL, run_kill9_random, .small_messages = 6000, .full_messages = 200000,
     ECHO},
    {"kill9_after_receive", "`kill -9` after receive", NULL, run_kill9_after_receive, .small_messages = 4000,
     .full_messages = 100000, MORTAL},
    {"kill9_after_predict", "`kill -9` after predict", NULL, run_kill9_after_predict, .small_messages = 4000,
     .full_messages = 100000, MORTAL},
    {"kill9_amid_publish", "`kill -9` amid publish", NULL, run_kill9_amid_publish, .small_messages = 4000,
     .full_messages = 100000, ECHO},
    {"kill9_before_commit", "`kill -9` before the commit", NULL, run_kill9_before_commit, .small_messages = 4000,
     .full_messages = 100000, ECHO},
    {"kill9_after_commit", "`kill -9` after the commit", NULL, run_kill9_after_commit, .small_messages = 4000,
     .full_messages = 100000, ECHO},
    {"sigterm", "SIGTERM under load", NULL, run_sigterm, .small_messages = 6000, .full_messages = 100000, ECHO},
    {"sigterm_mid_batch", "SIGTERM in mid-batch", NULL, run_sigterm, .small_messages = 4000, .full_messages = 40000,
     FAULTY, .setup.settings = slow_settings},
    {"sigstop", "SIGSTOP beyond the session, then SIGCONT", NULL, run_sigstop, .small_messages = 6000,
     .full_messages = 100000, ECHO, .setup.short_session = true},
    {"storm", "processes join and leave every second", NULL, run_storm, .small_messages = 6000, .full_messages = 100000,
     ECHO},
    {"slow_model", "a model slower than the session", NULL, run_slow_model, .small_messages = 2000,
     .full_messages = 100000, FAULTY, .setup.short_session = true, .setup.specials = {{PLAN_SLOW, 2}}},
    {"topic_missing", "the errors topic is missing for a while", NULL, run_topic_missing, .small_messages = 4000,
     .full_messages = 100000, ECHO},
    {"crashing_model", "an input that kills the process", NULL, run_crashing_model, .small_messages = 2000,
     .full_messages = 100000, FAULTY, .setup.specials = {{PLAN_ABORT, 3}}, .needs_attempts = true},
    {"too_large", "outputs and error records refused as too large", NULL, run_too_large, .small_messages = 4000,
     .full_messages = 100000, ECHO, .setup.specials = {{PLAN_BIG, 40}, {PLAN_HUGE, 20}},
     .setup.outputs_max_bytes = 2000, .setup.errors_max_bytes = 10000, .needs_limits = true},
    {"broker_restart", "the broker is killed and started again", NULL, run_broker_restart, .small_messages = 6000,
     .full_messages = 100000, BREAKS_SERVER},
    {"broker_down", "the broker is down for a minute", NULL, run_broker_down, .small_messages = 4000,
     .full_messages = 100000, BREAKS_SERVER},
    {"cut", "connections are cut", NULL, run_cut, .small_messages = 6000, .full_messages = 200000, BREAKS_SERVER,
     .setup.by_proxy = true},
    {"delay", "50 to 300 ms each way", NULL, run_delay, .small_messages = 2000, .full_messages = 100000, BREAKS_SERVER,
     .setup.by_proxy = true},
    {"kill9_amid_commit", "`kill -9` amid the commit", "sqlite", run_kill9_amid_commit, .small_messages = 4000,
     .full_messages = 100000, ECHO},
    {"locked", "another process holds the lock", "sqlite", run_locked, .small_messages = 6000, .full_messages = 100000,
     ECHO, .setup.short_session = true},
    {"disk_full", "the disk is full for a while", "sqlite", run_disk_full, .small_messages = 6000,
     .full_messages = 100000, ECHO},
#ifdef MSP_HAS_KAFKA
    {"partitions_added", "partitions are added", "kafka", run_partitions_added, .small_messages = 6000,
     .full_messages = 100000, ECHO, .setup.settings = partition_settings},
    {"topic_recreated", "inputs are deleted and created again", "kafka", run_topic_recreated, .small_messages = 6000,
     .full_messages = 100000, FAULTY, .setup.settings = busier_settings},
#endif
#ifdef MSP_HAS_REDIS
    {"rights_end", "the user's rights end for a while", "redis", run_rights_end, .small_messages = 6000,
     .full_messages = 100000, ECHO, .setup.breaks_server = true},
    {"memory_full", "`maxmemory` is reached", "redis", run_memory_full, .small_messages = 6000, .full_messages = 100000,
     ECHO, .setup.breaks_server = true},
    {"flushall", "FLUSHALL", "redis", run_flushall, .small_messages = 6000, .full_messages = 100000, FAULTY,
     .setup.settings = busy_settings, .setup.breaks_server = true},
    {"group_deleted", "the group is deleted", "redis", run_group_deleted, .small_messages = 6000,
     .full_messages = 100000, FAULTY, .setup.settings = busy_settings, .setup.breaks_server = true},
#endif
};
const size_t cell_count = sizeof(cells) / sizeof(cells[0]);
