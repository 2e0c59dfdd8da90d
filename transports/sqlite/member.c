#include "member.h"
#include <msp/clock.h>
#include <msp/process.h>

static void member_set_id(struct sqlite_member *member, int64_t id)
{
	member->place.member_id = id;
	atomic_store(&member->lease.group_id, member->place.group_id);
	atomic_store(&member->lease.id, id);
}

enum msp_status sqlite_member_init(struct sqlite_member *member, const struct sqlite_member_config *config,
                                   struct msp_error *err)
{
	static atomic_uint serial;
	*member = (struct sqlite_member){
	    .file = config->file, .process = config->process, .group = config->group, .generation = -1};
	if (config->instance)
		member->name = sqlite3_mprintf("%s/%d", config->instance, config->slot);
	else
		member->name = sqlite3_mprintf("%s/%u", config->process->text, atomic_fetch_add(&serial, 1));
	sqlite_member_note_activity(member);
	return member->name ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a group member");
}

void sqlite_member_done(struct sqlite_member *member)
{
	sqlite3_free(member->name);
	*member = (struct sqlite_member){0};
}

void sqlite_member_note_activity(struct sqlite_member *member)
{
	atomic_store(&member->lease.active_ms, msp_monotonic_ms());
}

enum msp_status sqlite_member_is_current(struct sqlite_member *member, struct sqlite_db *db, bool *ret_current,
                                         struct msp_error *err)
{
	int64_t generation = -2;
	*ret_current = false;
	if (member->generation < 0)
		return MSP_OK;
	enum msp_status status = sqlite_db_integer(
	    db, err, &generation, "SELECT generation FROM consumer_groups WHERE id = ?", "i", member->place.group_id);
	*ret_current = generation == member->generation;
	return status;
}

/* ---- joining ---- */

static enum msp_status group_load(struct sqlite_member *member, struct sqlite_db *db, int64_t topic_id,
                                  struct msp_error *err)
{
	enum msp_status status = sqlite_db_run(
	    db, err, NULL, "INSERT OR IGNORE INTO consumer_groups (name, topic_id, generation) VALUES (?, ?, 0)", "si",
	    member->group, topic_id);
	if (status != MSP_OK)
		return status;
	return sqlite_db_integer(db, err, &member->place.group_id,
	                         "SELECT id FROM consumer_groups WHERE name = ? AND topic_id = ?", "si", member->group,
	                         topic_id);
}

/* Whoever has our name and is still there after the sweep is alive, or cannot be told from it: then the lease decides
 * and the error is retriable. */
static enum msp_status name_check(struct sqlite_member *member, struct sqlite_db *db, struct msp_error *err)
{
	sqlite3_stmt *stmt = sqlite_db_query(db, err, "SELECT process FROM members WHERE group_id = ? AND name = ?", "is",
	                                     member->place.group_id, member->name);
	if (!stmt)
		return err->status;
	int code = sqlite3_step(stmt);
	bool is_known =
	    code == SQLITE_ROW && msp_process_life((const char *)sqlite3_column_text(stmt, 0)) == MSP_LIFE_ALIVE;
	enum msp_status status = sqlite_db_finish(db, stmt, code, err);
	if (status != MSP_OK || code == SQLITE_DONE)
		return status;
	status = msp_error_set(err, MSP_E_CONFLICT, "another live process uses instance name %.*s in group %s",
	                       (int)strcspn(member->name, "/"), member->name, member->group);
	err->retriable = !is_known;
	return status;
}

static enum msp_status group_join(struct sqlite_member *member, struct sqlite_db *db, struct msp_error *err)
{
	int64_t now_ms = msp_monotonic_ms(), group_id = member->place.group_id;
	bool swept;
	enum msp_status status = sqlite_group_sweep(db, group_id, now_ms, &swept, err);
	if (status == MSP_OK)
		status = name_check(member, db, err);
	if (status == MSP_OK)
		status = sqlite_db_run(db, err, NULL,
		                       "INSERT INTO members (group_id, name, process, expires_ms) VALUES (?, ?, ?, ?)", "issi",
		                       group_id, member->name, member->process->text, now_ms + member->file->options.lease_ms);
	if (status != MSP_OK)
		return status;
	member_set_id(member, sqlite3_last_insert_rowid(db->handle));
	return sqlite_group_rebalance(db, group_id, err);
}

static enum msp_status place_find(struct sqlite_member *member, struct sqlite_db *db, struct msp_error *err)
{
	struct sqlite_place *place = &member->place;
	enum msp_status status = sqlite_db_integer(db, err, &place->count,
	                                           "SELECT count(*) FROM members WHERE group_id = ?", "i", place->group_id);
	if (status != MSP_OK)
		return status;
	return sqlite_db_integer(db, err, &place->index, "SELECT count(*) FROM members WHERE group_id = ? AND id < ?", "ii",
	                         place->group_id, place->member_id);
}

enum msp_status sqlite_member_join(struct sqlite_member *member, struct sqlite_db *db, int64_t topic_id,
                                   struct msp_error *err)
{
	int64_t is_inside = 0;
	enum msp_status status = group_load(member, db, topic_id, err);
	if (status == MSP_OK)
		status =
		    sqlite_db_integer(db, err, &is_inside, "SELECT 1 FROM members WHERE id = ?", "i", member->place.member_id);
	if (status == MSP_OK && !is_inside)
		status = group_join(member, db, err);
	return status == MSP_OK ? place_find(member, db, err) : status;
}

enum msp_status sqlite_member_synchronised(struct sqlite_member *member, struct sqlite_db *db, struct msp_error *err)
{
	return sqlite_db_integer(db, err, &member->generation, "SELECT generation FROM consumer_groups WHERE id = ?", "i",
	                         member->place.group_id);
}

/* An id whose row was rolled back may be given to somebody else. */
void sqlite_member_restore(struct sqlite_member *member, const struct sqlite_place *place)
{
	member->place = *place;
	member_set_id(member, place->member_id);
	member->generation = -1;
}

/* ---- leaving ---- */

void sqlite_member_leave(struct sqlite_member *member, struct sqlite_db *db, int64_t deadline_ms)
{
	int64_t id = member->place.member_id, group_id = member->place.group_id;
	member_set_id(member, 0);
	if (id == 0 || sqlite_db_begin_write(db, deadline_ms, NULL) != MSP_OK)
		return;
	enum msp_status status = sqlite_db_run(
	    db, NULL, NULL, "UPDATE offsets SET owner = NULL WHERE group_id = ? AND owner = ?", "ii", group_id, id);
	if (status == MSP_OK)
		status = sqlite_db_run(db, NULL, NULL, "DELETE FROM members WHERE id = ?", "i", id);
	if (status == MSP_OK)
		status = sqlite_group_rebalance(db, group_id, NULL);
	if (status == MSP_OK)
		status = sqlite_db_commit(db, NULL);
	sqlite_db_rollback(db);
	if (status == MSP_OK)
		sqlite_file_notify(member->file);
}
