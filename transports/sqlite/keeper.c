#include "keeper.h"
#include "group.h"
#include <errno.h>
#include <msp/backoff.h>
#include <msp/log.h>
#include <signal.h>
#include <time.h>

/* How soon a dead process is seen. */
#define TICK_MS 250

/* A copy of a member, so that the file is never waited for under the mutex. */
struct kept {
	int64_t id, group_id, active_ms;
};

/* Once per tick for all members; more than these wait for the next tick. */
#define KEPT_MAX 64

static size_t members_copy(struct lite_keeper *keeper, size_t first, struct kept kept[static KEPT_MAX])
{
	size_t count = 0, index = 0;
	for (struct lite_member *member = keeper->members; member && count < KEPT_MAX; member = member->next) {
		int64_t id = atomic_load(&member->id);
		if (id != 0 && index++ >= first)
			kept[count++] = (struct kept){id, atomic_load(&member->group_id), atomic_load(&member->active_ms)};
	}
	return count;
}

/* Members of this group that somebody should remove? Reading is cheap and blocks nobody. */
static enum msp_status group_look(struct lite_db *db, const struct kept *kept, int64_t now_ms, bool *ret_dead,
                                  int64_t *ret_expires_ms, struct msp_error *err)
{
	*ret_dead = false;
	*ret_expires_ms = 0;
	sqlite3_stmt *stmt =
	    lite_db_query(db, err, "SELECT id, process, expires_ms FROM members WHERE group_id = ?", "i", kept->group_id);
	if (!stmt)
		return err->status;
	int code;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (sqlite3_column_int64(stmt, 0) == kept->id)
			*ret_expires_ms = sqlite3_column_int64(stmt, 2);
		else if (sqlite3_column_int64(stmt, 2) < now_ms ||
		         lite_member_is_dead((const char *)sqlite3_column_text(stmt, 1)))
			*ret_dead = true;
	}
	return lite_db_finish(db, stmt, code, err);
}

/* What a tick does for one member. A keeper that comes so late that its own lease has ended may have been held up by
 * what held up the others too; it gives them this tick to renew. */
static enum msp_status member_keep(struct lite_keeper *keeper, struct lite_db *db, const struct kept *kept,
                                   struct msp_error *err)
{
	const struct lite_options *options = &keeper->file->options;
	int64_t now_ms = msp_monotonic_ms(), expires_ms;
	bool has_dead, swept = false;
	enum msp_status status = group_look(db, kept, now_ms, &has_dead, &expires_ms, err);
	if (status != MSP_OK)
		return status;
	bool active = now_ms - kept->active_ms < options->max_poll_interval_ms;
	bool renew = active && expires_ms != 0 && expires_ms - now_ms < options->lease_ms * 2 / 3;
	bool sweep = has_dead && expires_ms >= now_ms;
	if (!renew && !sweep)
		return MSP_OK;
	status = lite_db_begin_write(db, now_ms + TICK_MS, err);
	if (status != MSP_OK)
		return status;
	now_ms = msp_monotonic_ms();
	if (renew)
		status = lite_db_run(db, err, NULL, "UPDATE members SET expires_ms = ? WHERE id = ?", "ii",
		                     now_ms + options->lease_ms, kept->id);
	if (status == MSP_OK && sweep)
		status = lite_group_sweep(db, kept->group_id, now_ms, &swept, err);
	status = status == MSP_OK ? lite_db_commit(db, err) : status;
	lite_db_rollback(db);
	if (status == MSP_OK && swept)
		lite_file_notify(keeper->file);
	return status;
}

static void tick(struct lite_keeper *keeper, struct lite_db *db)
{
	struct kept kept[KEPT_MAX];
	size_t first = 0, count;
	do {
		pthread_mutex_lock(&keeper->mutex);
		count = members_copy(keeper, first, kept);
		pthread_mutex_unlock(&keeper->mutex);
		for (size_t i = 0; i < count; i++) {
			struct msp_error err;
			/* The next tick tries again, and the owner's own calls report what is wrong with the file. */
			if (member_keep(keeper, db, &kept[i], &err) != MSP_OK)
				msp_log(MSP_LOG_DEBUG, "lease not renewed", "error", err.text, NULL);
		}
		first += count;
	} while (count == KEPT_MAX);
}

static void *keeper_run(void *context)
{
	struct lite_keeper *keeper = context;
	struct lite_db db = {0};
	pthread_mutex_lock(&keeper->mutex);
	while (!keeper->stops) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_cond_timedwait(&keeper->changed, &keeper->mutex, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&keeper->mutex);
		if (db.handle && lite_db_has_moved(&db))
			lite_db_close(&db);
		if (db.handle || lite_file_connect(keeper->file, false, 0, &db, NULL) == MSP_OK)
			tick(keeper, &db);
		pthread_mutex_lock(&keeper->mutex);
	}
	pthread_mutex_unlock(&keeper->mutex);
	lite_db_close(&db);
	return NULL;
}

void lite_keeper_init(struct lite_keeper *keeper, struct lite_file *file)
{
	*keeper = (struct lite_keeper){.file = file};
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&keeper->mutex, NULL);
}

void lite_keeper_done(struct lite_keeper *keeper)
{
	pthread_mutex_lock(&keeper->mutex);
	keeper->stops = true;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->mutex);
	if (keeper->runs)
		pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->changed);
	pthread_mutex_destroy(&keeper->mutex);
}

/* Signals are for the program's own threads. */
static int thread_start(struct lite_keeper *keeper)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int cause = pthread_create(&keeper->thread, NULL, keeper_run, keeper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return cause;
}

enum msp_status lite_keeper_add(struct lite_keeper *keeper, struct lite_member *member, struct msp_error *err)
{
	pthread_mutex_lock(&keeper->mutex);
	int cause = keeper->runs ? 0 : thread_start(keeper);
	keeper->runs = cause == 0;
	if (cause == 0) {
		member->next = keeper->members;
		keeper->members = member;
	}
	pthread_mutex_unlock(&keeper->mutex);
	return cause == 0 ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "cannot start a thread: %s", strerror(cause));
}

void lite_keeper_remove(struct lite_keeper *keeper, struct lite_member *member)
{
	pthread_mutex_lock(&keeper->mutex);
	struct lite_member **link = &keeper->members;
	while (*link && *link != member)
		link = &(*link)->next;
	if (*link)
		*link = member->next;
	pthread_mutex_unlock(&keeper->mutex);
}
