/* What can happen to a broker that is a file. */
#include "cells.h"

#include "random.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#define LOCK_MS 20000 /* how long the locker may take to get the lock */
#define POLL_MS 20

static bool lock_hold(struct trial *trial, struct process *locker, int milliseconds)
{
	char program[PATH_MAX], file[PATH_MAX], hold_ms[16];
	int status = 0;
	snprintf(program, sizeof(program), "%s/sqlite_locker", trial->options->folder);
	snprintf(file, sizeof(file), "%s/msp.db", trial->folder);
	snprintf(hold_ms, sizeof(hold_ms), "%d", milliseconds);
	if (process_start(locker, (const char *const[]){program, file, hold_ms, NULL}, NULL) &&
	    process_wait(locker, LOCK_MS + milliseconds, &status) && status == 0)
		return true;
	process_end(locker);
	progress_fail(&trial->progress, "the locker could not hold the lock; see %s", locker->log_path);
	return false;
}

/* Another process holds the lock for longer than a lease, so that nobody can renew his. */
bool run_locked(struct trial *trial)
{
	size_t count = trial->options->full ? 4 : 1;
	int hold_ms = trial->options->full ? 4000 : 1500;
	struct process locker = {.pid = 0};
	snprintf(locker.log_path, sizeof(locker.log_path), "%s/locker.log", trial->folder);
	snprintf(locker.ready_path, sizeof(locker.ready_path), "%s/locker", trial->folder);
	if (!trial_start_all(trial, PAIR))
		return false;
	trial_allow(trial, trial->messages, 2 * trial->messages / (count + 1));
	for (size_t i = 0; i < count; i++) {
		size_t stretch = trial->messages / (count + 1);
		size_t settled = i * stretch + random_below(&trial->random, stretch);
		if (!trial_wait_settled(trial, settled) || !lock_hold(trial, &locker, hold_ms))
			return false;
		trial->kills++;
	}
	return trial_conclude(trial);
}

static void file_size_limit(struct trial *trial, rlim_t limit)
{
	for (size_t i = 0; i < PAIR; i++)
		prlimit(trial->processes[i].pid, RLIMIT_FSIZE, &(struct rlimit){limit, RLIM_INFINITY}, NULL);
}

/* The processes may write no byte any more, as on a full disk; the generator may. Then there is space again. */
bool run_disk_full(struct trial *trial)
{
	size_t count = trial->options->full ? 4 : 1;
	int full_ms = trial->options->full ? 2000 : 500;
	if (!trial_start_all(trial, PAIR))
		return false;
	trial_allow(trial, trial->messages, 2 * trial->messages / (count + 1));
	for (size_t i = 0; i < count; i++) {
		size_t stretch = trial->messages / (count + 1);
		if (!trial_wait_settled(trial, i * stretch + random_below(&trial->random, stretch)))
			return false;
		file_size_limit(trial, 1);
		trial->kills++;
		bool alive = trial_stands_still(trial, full_ms);
		file_size_limit(trial, RLIM_INFINITY);
		if (!alive)
			return false;
	}
	return trial_conclude(trial);
}
