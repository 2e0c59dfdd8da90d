#include "heartbeat.h"
#include "group.h"
#include <msp/clock.h>
#include <msp/log.h>
#include <msp/thread.h>

/* How soon a dead process is seen. */
#define BEAT_MS 250

/* A copy of a lease, so that the file is never waited for under the mutex. */
struct lease_copy {
	int64_t id, group_id, active_ms;
};

/* So many are copied at once. */
#define COPIES_MAX 64

static size_t leases_copy(struct sqlite_heartbeat *heartbeat, size_t first, struct lease_copy copies[static COPIES_MAX])
{
	size_t count = 0, index = 0;
	pthread_mutex_lock(&heartbeat->mutex);
	for (struct sqlite_lease *lease = heartbeat->leases; lease && count < COPIES_MAX; lease = lease->next) {
		int64_t id = atomic_load(&lease->id);
		if (id != 0 && index++ >= first)
			copies[count++] = (struct lease_copy){id, atomic_load(&lease->group_id), atomic_load(&lease->active_ms)};
	}
	pthread_mutex_unlock(&heartbeat->mutex);
	return count;
}

/* Whether somebody should remove members of the lease's group, and when the lease ends. Reading blocks nobody. */
static enum msp_status group_look(struct sqlite_db *db, const struct lease_copy *lease, int64_t now_ms, bool *ret_dead,
                                  int64_t *ret_expires_ms, struct msp_error *err)
{
	*ret_dead = false;
	*ret_expires_ms = 0;
	sqlite3_stmt *stmt = sqlite_db_query(db, err, "SELECT id, process, expires_ms FROM members WHERE group_id = ?", "i",
	                                     lease->group_id);
	if (!stmt)
		return err->status;
	int code;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (sqlite3_column_int64(stmt, 0) == lease->id)
			*ret_expires_ms = sqlite3_column_int64(stmt, 2);
		else if (sqlite3_column_int64(stmt, 2) < now_ms ||
		         sqlite_process_is_gone((const char *)sqlite3_column_text(stmt, 1)))
			*ret_dead = true;
	}
	return sqlite_db_finish(db, stmt, code, err);
}

/* What a beat does for one lease. When the lease itself has ended, this thread was held up, and the others of the group
 * may have been too: nobody is removed before the next beat. */
static enum msp_status lease_keep(struct sqlite_heartbeat *heartbeat, struct sqlite_db *db,
                                  const struct lease_copy *lease, struct msp_error *err)
{
	const struct sqlite_options *options = &heartbeat->file->options;
	int64_t now_ms = msp_monotonic_ms(), expires_ms;
	bool has_dead, swept = false;
	enum msp_status status = group_look(db, lease, now_ms, &has_dead, &expires_ms, err);
	if (status != MSP_OK)
		return status;
	bool active = now_ms - lease->active_ms < options->max_poll_interval_ms;
	bool renew = active && expires_ms != 0 && expires_ms - now_ms < options->lease_ms * 2 / 3;
	bool sweep = has_dead && expires_ms >= now_ms;
	if (!renew && !sweep)
		return MSP_OK;
	status = sqlite_db_begin_write(db, msp_deadline_in(BEAT_MS), err);
	if (status != MSP_OK)
		return status;
	now_ms = msp_monotonic_ms();
	if (renew)
		status = sqlite_db_run(db, err, NULL, "UPDATE members SET expires_ms = ? WHERE id = ?", "ii",
		                       now_ms + options->lease_ms, lease->id);
	if (status == MSP_OK && sweep)
		status = sqlite_group_sweep(db, lease->group_id, now_ms, &swept, err);
	status = status == MSP_OK ? sqlite_db_commit(db, err) : status;
	sqlite_db_rollback(db);
	if (status == MSP_OK && swept)
		sqlite_file_notify(heartbeat->file);
	return status;
}

static void heartbeat_beat(struct sqlite_heartbeat *heartbeat, struct sqlite_db *db)
{
	struct lease_copy copies[COPIES_MAX];
	size_t first = 0, count;
	do {
		count = leases_copy(heartbeat, first, copies);
		for (size_t i = 0; i < count; i++) {
			struct msp_error err;
			/* The next beat tries again, and the owner's own calls report what is wrong with the file. */
			if (lease_keep(heartbeat, db, &copies[i], &err) != MSP_OK)
				msp_log(MSP_LOG_DEBUG, "lease not renewed", "error", err.text, NULL);
		}
		first += count;
	} while (count == COPIES_MAX);
}

/* False: the thread is to end. */
static bool heartbeat_wait(struct sqlite_heartbeat *heartbeat)
{
	int64_t deadline_ms = msp_deadline_in(BEAT_MS);
	pthread_mutex_lock(&heartbeat->mutex);
	while (!heartbeat->stops && msp_condition_wait(&heartbeat->changed, &heartbeat->mutex, deadline_ms))
		continue;
	bool goes_on = !heartbeat->stops;
	pthread_mutex_unlock(&heartbeat->mutex);
	return goes_on;
}

static void *heartbeat_run(void *context)
{
	struct sqlite_heartbeat *heartbeat = context;
	struct sqlite_db db = {0};
	while (heartbeat_wait(heartbeat)) {
		if (db.handle && sqlite_db_has_moved(&db))
			sqlite_db_close(&db);
		if (db.handle || sqlite_file_connect(heartbeat->file, false, 0, &db, NULL) == MSP_OK)
			heartbeat_beat(heartbeat, &db);
	}
	sqlite_db_close(&db);
	return NULL;
}

enum msp_status sqlite_heartbeat_init(struct sqlite_heartbeat *heartbeat, const struct sqlite_file *file,
                                      struct msp_error *err)
{
	*heartbeat = (struct sqlite_heartbeat){.file = file};
	if (!msp_condition_init(&heartbeat->changed))
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a heartbeat");
	pthread_mutex_init(&heartbeat->mutex, NULL);
	return MSP_OK;
}

void sqlite_heartbeat_done(struct sqlite_heartbeat *heartbeat)
{
	pthread_mutex_lock(&heartbeat->mutex);
	heartbeat->stops = true;
	pthread_cond_signal(&heartbeat->changed);
	pthread_mutex_unlock(&heartbeat->mutex);
	if (heartbeat->started)
		pthread_join(heartbeat->thread, NULL);
	pthread_cond_destroy(&heartbeat->changed);
	pthread_mutex_destroy(&heartbeat->mutex);
}

enum msp_status sqlite_heartbeat_add(struct sqlite_heartbeat *heartbeat, struct sqlite_lease *lease,
                                     struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	pthread_mutex_lock(&heartbeat->mutex);
	if (!heartbeat->started)
		status = msp_thread_start(&heartbeat->thread, heartbeat_run, heartbeat, err);
	if (status == MSP_OK) {
		heartbeat->started = true;
		lease->next = heartbeat->leases;
		heartbeat->leases = lease;
	}
	pthread_mutex_unlock(&heartbeat->mutex);
	return status;
}

void sqlite_heartbeat_remove(struct sqlite_heartbeat *heartbeat, struct sqlite_lease *lease)
{
	pthread_mutex_lock(&heartbeat->mutex);
	struct sqlite_lease **link = &heartbeat->leases;
	while (*link && *link != lease)
		link = &(*link)->next;
	if (*link)
		*link = lease->next;
	pthread_mutex_unlock(&heartbeat->mutex);
}
