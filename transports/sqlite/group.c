#include "group.h"
#include <msp/backoff.h>
#include <msp/log.h>
#include <stdio.h>
#include <stdlib.h>

enum msp_status lite_group_init(struct lite_group *group, struct lite_file *file, const struct msp_process *process,
                                const struct lite_group_config *config, struct msp_error *err)
{
	static atomic_uint serial;
	*group = (struct lite_group){
	    .file = file, .name = config->name, .topic_name = config->topic_name, .process = process, .epoch = -1};
	if (config->instance)
		group->member_name = sqlite3_mprintf("%s/%d", config->instance, config->slot);
	else
		group->member_name = sqlite3_mprintf("%s/%u", process->text, atomic_fetch_add(&serial, 1));
	atomic_store(&group->member.active_ms, msp_monotonic_ms());
	if (!group->member_name)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a group member");
	return MSP_OK;
}

void lite_group_done(struct lite_group *group)
{
	lite_topic_done(&group->topic);
	free(group->claims);
	sqlite3_free(group->member_name);
	*group = (struct lite_group){0};
}

void lite_group_reset(struct lite_group *group)
{
	lite_topic_done(&group->topic);
	free(group->claims);
	group->claims = NULL;
	group->claim_count = 0;
	group->topic_id = group->id = 0;
	group->epoch = -1;
	group->release_due = false;
	atomic_store(&group->member.id, 0);
}

/* ---- members ---- */

bool lite_member_is_dead(const char *process)
{
	enum msp_life life = msp_process_life(process);
	return life == MSP_LIFE_DEAD || life == MSP_LIFE_OTHER_BOOT;
}

static enum msp_status epoch_bump(struct lite_db *db, int64_t group_id, struct msp_error *err)
{
	return lite_db_run(db, err, NULL, "UPDATE consumer_groups SET epoch = epoch + 1 WHERE id = ?", "i", group_id);
}

enum msp_status lite_group_sweep(struct lite_db *db, int64_t group_id, int64_t now_ms, bool *ret_swept,
                                 struct msp_error *err)
{
	*ret_swept = false;
	sqlite3_stmt *stmt =
	    lite_db_query(db, err,
	                  "SELECT id, name, process, expires_ms,"
	                  " (SELECT name FROM consumer_groups WHERE id = group_id) FROM members WHERE group_id = ?",
	                  "i", group_id);
	if (!stmt)
		return err->status;
	int code;
	enum msp_status status = MSP_OK;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == MSP_OK) {
		bool is_dead = lite_member_is_dead((const char *)sqlite3_column_text(stmt, 2));
		if (!is_dead && sqlite3_column_int64(stmt, 3) >= now_ms)
			continue;
		msp_log(MSP_LOG_INFO, is_dead ? "a member of the group is dead" : "a member of the group gives no sign of life",
		        "group", (const char *)sqlite3_column_text(stmt, 4), "member",
		        (const char *)sqlite3_column_text(stmt, 1), NULL);
		status = lite_db_run(db, err, NULL, "DELETE FROM members WHERE id = ?", "i", sqlite3_column_int64(stmt, 0));
		*ret_swept = true;
	}
	if (status != MSP_OK) {
		sqlite3_reset(stmt);
		return status;
	}
	status = lite_db_finish(db, stmt, code, err);
	return status == MSP_OK && *ret_swept ? epoch_bump(db, group_id, err) : status;
}

/* Whoever has our name and is still there after the sweep is alive, or cannot be told from it: then the lease decides
 * and the error is retriable. */
static enum msp_status name_check(struct lite_group *group, struct lite_db *db, struct msp_error *err)
{
	sqlite3_stmt *stmt = lite_db_query(db, err, "SELECT process FROM members WHERE group_id = ? AND name = ?", "is",
	                                   group->id, group->member_name);
	if (!stmt)
		return err->status;
	int code = sqlite3_step(stmt);
	bool is_known =
	    code == SQLITE_ROW && msp_process_life((const char *)sqlite3_column_text(stmt, 0)) == MSP_LIFE_ALIVE;
	enum msp_status status = lite_db_finish(db, stmt, code, err);
	if (status != MSP_OK || code == SQLITE_DONE)
		return status;
	status = msp_error_set(err, MSP_E_CONFLICT, "another live process uses instance name %.*s in group %s",
	                       (int)strcspn(group->member_name, "/"), group->member_name, group->name);
	err->retriable = !is_known;
	return status;
}

static enum msp_status member_join(struct lite_group *group, struct lite_db *db, int64_t now_ms, struct msp_error *err)
{
	bool swept;
	enum msp_status status = lite_group_sweep(db, group->id, now_ms, &swept, err);
	if (status == MSP_OK)
		status = name_check(group, db, err);
	if (status == MSP_OK)
		status = lite_db_run(
		    db, err, NULL, "INSERT INTO members (group_id, name, process, expires_ms) VALUES (?, ?, ?, ?)", "issi",
		    group->id, group->member_name, group->process->text, now_ms + group->file->options.lease_ms);
	if (status != MSP_OK)
		return status;
	atomic_store(&group->member.id, sqlite3_last_insert_rowid(db->handle));
	atomic_store(&group->member.group_id, group->id);
	return epoch_bump(db, group->id, err);
}

/* ---- synchronisation ---- */

/* Makes room for what is known of each partition, when the topic is new to us or was created anew. */
static enum msp_status claims_reset(struct lite_group *group, struct msp_error *err)
{
	if (group->topic_id == group->topic.id)
		return MSP_OK;
	struct lite_claim *claims = calloc(group->topic.partition_count, sizeof(*claims));
	if (!claims)
		return msp_error_set(err, MSP_E_NO_MEMORY, "group %s: no memory for its partitions", group->name);
	free(group->claims);
	group->claims = claims;
	group->claim_count = group->topic.partition_count;
	group->topic_id = group->topic.id;
	atomic_store(&group->member.id, 0);
	return MSP_OK;
}

/* Finds or makes the group and its mark on each partition. */
static enum msp_status group_load(struct lite_group *group, struct lite_db *db, struct msp_error *err)
{
	enum msp_status status = lite_topic_load(db, &group->topic, group->topic_name, err);
	if (status == MSP_OK)
		status = claims_reset(group, err);
	if (status == MSP_OK)
		status =
		    lite_db_run(db, err, NULL, "INSERT OR IGNORE INTO consumer_groups (name, topic_id, epoch) VALUES (?, ?, 0)",
		                "si", group->name, group->topic_id);
	if (status == MSP_OK)
		status = lite_db_integer(db, err, &group->id, "SELECT id FROM consumer_groups WHERE name = ? AND topic_id = ?",
		                         "si", group->name, group->topic_id);
	if (status == MSP_OK)
		status = lite_db_run(
		    db, err, NULL,
		    "INSERT OR IGNORE INTO claims (group_id, partition_id, committed, owner, generation, deliveries)"
		    " SELECT ?, id, 0, NULL, 0, 0 FROM partitions WHERE topic_id = ?",
		    "ii", group->id, group->topic_id);
	return status;
}

struct share {
	int64_t index, count; /* of the members, in order of id */
};

static enum msp_status share_find(struct lite_group *group, struct lite_db *db, struct share *ret_share,
                                  struct msp_error *err)
{
	*ret_share = (struct share){0, 0};
	int64_t id = atomic_load(&group->member.id);
	enum msp_status status =
	    lite_db_integer(db, err, &ret_share->count, "SELECT count(*) FROM members WHERE group_id = ?", "i", group->id);
	if (status != MSP_OK)
		return status;
	return lite_db_integer(db, err, &ret_share->index, "SELECT count(*) FROM members WHERE group_id = ? AND id < ?",
	                       "ii", group->id, id);
}

static enum msp_status claim_take(struct lite_group *group, struct lite_db *db, size_t index, bool vanished,
                                  struct msp_error *err)
{
	struct lite_claim *claim = &group->claims[index];
	claim->owned = true;
	claim->generation++;
	claim->position = claim->committed;
	claim->window = vanished || claim->deliveries > 0;
	return lite_db_run(db, err, NULL,
	                   "UPDATE claims SET owner = ?, generation = ? WHERE group_id = ? AND partition_id = ?", "iiii",
	                   atomic_load(&group->member.id), claim->generation, group->id, group->topic.partitions[index].id);
}

static enum msp_status claim_release(struct lite_group *group, struct lite_db *db, size_t index, struct msp_error *err)
{
	group->claims[index].owned = false;
	return lite_db_run(db, err, NULL,
	                   "UPDATE claims SET owner = NULL WHERE group_id = ? AND partition_id = ? AND owner = ?", "iii",
	                   group->id, group->topic.partitions[index].id, atomic_load(&group->member.id));
}

/* A claim as the file has it. */
struct claim_row {
	int64_t committed, owner, generation, deliveries;
	bool owner_is_member;
	bool has_unsettled; /* messages that the owner may have been working at */
};

static enum msp_status claim_read(struct lite_group *group, struct lite_db *db, size_t index, struct claim_row *ret_row,
                                  struct msp_error *err)
{
	static const char sql[] =
	    "SELECT committed, owner, generation, deliveries,"
	    " EXISTS (SELECT 1 FROM members WHERE id = claims.owner),"
	    " committed < (SELECT next_offset FROM partitions WHERE id = claims.partition_id) FROM claims"
	    " WHERE group_id = ? AND partition_id = ?";
	sqlite3_stmt *stmt = lite_db_query(db, err, sql, "ii", group->id, group->topic.partitions[index].id);
	if (!stmt)
		return err->status;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret_row = (struct claim_row){
		    .committed = sqlite3_column_int64(stmt, 0),
		    .owner = sqlite3_column_int64(stmt, 1),
		    .generation = sqlite3_column_int64(stmt, 2),
		    .deliveries = sqlite3_column_int64(stmt, 3),
		    .owner_is_member = sqlite3_column_int(stmt, 4) != 0,
		    .has_unsettled = sqlite3_column_int(stmt, 5) != 0,
		};
	enum msp_status status = lite_db_finish(db, stmt, code, err);
	if (status == MSP_OK && code == SQLITE_DONE)
		return msp_error_set(err, MSP_E_CORRUPT, "%s: group %s has no mark on partition %d of %s", db->name,
		                     group->name, group->topic.partitions[index].number, group->topic_name);
	return status;
}

static enum msp_status claim_sync(struct lite_group *group, struct lite_db *db, size_t index, struct share share,
                                  bool *lost, bool *released, struct msp_error *err)
{
	struct lite_claim *claim = &group->claims[index];
	struct claim_row row = {0};
	enum msp_status status = claim_read(group, db, index, &row, err);
	if (status != MSP_OK)
		return status;
	bool is_ours = row.owner == atomic_load(&group->member.id);
	if (claim->owned && (!is_ours || row.generation != claim->generation)) {
		claim->owned = false;
		*lost = true;
	}
	claim->entitled = (int64_t)index % share.count == share.index;
	if (is_ours && !claim->entitled && claim->batches == 0) {
		*released = true;
		return claim_release(group, db, index, err);
	}
	if (claim->owned && !claim->entitled)
		group->release_due = true;
	if (claim->owned || !claim->entitled || (row.owner_is_member && !is_ours))
		return MSP_OK;
	claim->committed = row.committed;
	claim->generation = row.generation;
	claim->deliveries = row.deliveries;
	return claim_take(group, db, index, row.owner != 0 && !is_ours && row.has_unsettled, err);
}

static enum msp_status claims_sync(struct lite_group *group, struct lite_db *db, bool *lost, struct msp_error *err)
{
	struct share share;
	bool released = false;
	enum msp_status status = share_find(group, db, &share, err);
	group->release_due = false;
	for (size_t i = 0; i < group->claim_count && status == MSP_OK; i++)
		status = claim_sync(group, db, i, share, lost, &released, err);
	if (status == MSP_OK && released)
		status = epoch_bump(db, group->id, err);
	if (status == MSP_OK)
		status =
		    lite_db_integer(db, err, &group->epoch, "SELECT epoch FROM consumer_groups WHERE id = ?", "i", group->id);
	return status;
}

static enum msp_status group_sync(struct lite_group *group, struct lite_db *db, bool *lost, struct msp_error *err)
{
	int64_t known_topic = group->topic_id, present = 0;
	enum msp_status status = group_load(group, db, err);
	*lost = known_topic != 0 && known_topic != group->topic_id;
	if (status != MSP_OK)
		return status;
	status =
	    lite_db_integer(db, err, &present, "SELECT 1 FROM members WHERE id = ?", "i", atomic_load(&group->member.id));
	if (status == MSP_OK && !present)
		status = member_join(group, db, msp_monotonic_ms(), err);
	return status == MSP_OK ? claims_sync(group, db, lost, err) : status;
}

enum msp_status lite_group_sync(struct lite_group *group, struct lite_db *db, int64_t deadline_ms, bool *ret_lost,
                                struct msp_error *err)
{
	struct msp_error local = {.status = MSP_OK};
	err = err ? err : &local;
	*ret_lost = false;
	int64_t epoch = group->epoch, known_topic = group->topic_id;
	int64_t member_id = atomic_load(&group->member.id);
	enum msp_status status = lite_db_begin_write(db, deadline_ms, err);
	if (status != MSP_OK)
		return status;
	status = group_sync(group, db, ret_lost, err);
	if (status == MSP_OK)
		status = lite_db_commit(db, err);
	if (status == MSP_OK) {
		if (group->epoch != epoch)
			lite_file_notify(group->file);
		return MSP_OK;
	}
	/* What the claims say now never reached the file: the next synchronisation finds the difference. An id that was
	 * rolled back may be given to somebody else. */
	lite_db_rollback(db);
	atomic_store(&group->member.id, group->topic_id == known_topic ? member_id : 0);
	group->epoch = -1;
	return status;
}

enum msp_status lite_group_is_current(struct lite_group *group, struct lite_db *db, bool *ret_current,
                                      struct msp_error *err)
{
	int64_t schema_version = 0, epoch = -2;
	*ret_current = false;
	if (group->epoch < 0)
		return MSP_OK;
	enum msp_status status = lite_db_schema_version(db, &schema_version, err);
	if (status == MSP_OK)
		status = lite_db_integer(db, err, &epoch, "SELECT epoch FROM consumer_groups WHERE id = ?", "i", group->id);
	*ret_current = schema_version == group->topic.schema_version && epoch == group->epoch;
	return status;
}

enum msp_status lite_group_deliver(struct lite_group *group, struct lite_db *db, size_t index, bool *ret_held,
                                   struct msp_error *err)
{
	const struct lite_claim *claim = &group->claims[index];
	int changes = 0;
	enum msp_status status = lite_db_run(db, err, &changes,
	                                     "UPDATE claims SET deliveries = deliveries + 1"
	                                     " WHERE group_id = ? AND partition_id = ? AND owner = ? AND generation = ?",
	                                     "iiii", group->id, group->topic.partitions[index].id,
	                                     atomic_load(&group->member.id), claim->generation);
	*ret_held = changes == 1;
	return status;
}

enum msp_status lite_group_commit(struct lite_group *group, struct lite_db *db, size_t index, int64_t committed,
                                  bool *ret_held, struct msp_error *err)
{
	const struct lite_claim *claim = &group->claims[index];
	int changes = 0;
	*ret_held = group->topic.id == group->topic_id; /* not when the topic has been deleted */
	if (!*ret_held)
		return MSP_OK;
	enum msp_status status = lite_db_run(db, err, &changes,
	                                     "UPDATE claims SET committed = ?, deliveries = 0"
	                                     " WHERE group_id = ? AND partition_id = ? AND owner = ? AND generation = ?",
	                                     "iiiii", committed, group->id, group->topic.partitions[index].id,
	                                     atomic_load(&group->member.id), claim->generation);
	*ret_held = changes == 1;
	return status;
}

void lite_group_leave(struct lite_group *group, struct lite_db *db, int64_t deadline_ms)
{
	int64_t id = atomic_exchange(&group->member.id, 0);
	if (id == 0 || lite_db_begin_write(db, deadline_ms, NULL) != MSP_OK)
		return;
	enum msp_status status = lite_db_run(
	    db, NULL, NULL, "UPDATE claims SET owner = NULL WHERE group_id = ? AND owner = ?", "ii", group->id, id);
	if (status == MSP_OK)
		status = lite_db_run(db, NULL, NULL, "DELETE FROM members WHERE id = ?", "i", id);
	if (status == MSP_OK)
		status = epoch_bump(db, group->id, NULL);
	if (status == MSP_OK)
		status = lite_db_commit(db, NULL);
	lite_db_rollback(db);
	if (status == MSP_OK)
		lite_file_notify(group->file);
}
