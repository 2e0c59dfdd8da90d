#include "offsets.h"
#include <stdlib.h>

#define REDELIVERY_LIMIT_MAX 1024 /* from here on without limit */

void sqlite_offsets_reset(struct sqlite_offsets *offsets)
{
	free(offsets->partitions);
	*offsets = (struct sqlite_offsets){0};
}

enum msp_status sqlite_offsets_follow(struct sqlite_offsets *offsets, const struct sqlite_topic *topic, bool *lost,
                                      struct msp_error *err)
{
	if (offsets->topic_id == topic->id)
		return MSP_OK;
	struct sqlite_assignment *partitions = calloc(topic->partition_count, sizeof(*partitions));
	if (!partitions)
		return msp_error_set(err, MSP_E_NO_MEMORY, "topic %s: no memory for its partitions", topic->name);
	*lost = offsets->topic_id != 0;
	free(offsets->partitions);
	*offsets =
	    (struct sqlite_offsets){.partitions = partitions, .count = topic->partition_count, .topic_id = topic->id};
	return MSP_OK;
}

/* ---- taking and releasing ---- */

static enum msp_status rows_create(struct sqlite_db *db, const struct sqlite_topic *topic,
                                   const struct sqlite_place *place, struct msp_error *err)
{
	return sqlite_db_run(db, err, NULL,
	                     "INSERT OR IGNORE INTO offsets"
	                     " (group_id, partition_id, committed, owner, generation, deliveries)"
	                     " SELECT ?, id, 0, NULL, 0, 0 FROM partitions WHERE topic_id = ?",
	                     "ii", place->group_id, topic->id);
}

/* What the file says of a partition. */
struct row {
	int64_t committed, owner, generation, deliveries;
	bool owner_is_member;
	bool has_unsettled; /* messages that the owner may have been working at */
};

static enum msp_status row_read(struct sqlite_db *db, const struct sqlite_partition *partition,
                                const struct sqlite_place *place, struct row *ret_row, struct msp_error *err)
{
	static const char sql[] =
	    "SELECT committed, owner, generation, deliveries,"
	    " EXISTS (SELECT 1 FROM members WHERE id = offsets.owner),"
	    " committed < (SELECT next_offset FROM partitions WHERE id = offsets.partition_id) FROM offsets"
	    " WHERE group_id = ? AND partition_id = ?";
	sqlite3_stmt *stmt = sqlite_db_query(db, err, sql, "ii", place->group_id, partition->id);
	if (!stmt)
		return err->status;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret_row = (struct row){
		    .committed = sqlite3_column_int64(stmt, 0),
		    .owner = sqlite3_column_int64(stmt, 1),
		    .generation = sqlite3_column_int64(stmt, 2),
		    .deliveries = sqlite3_column_int64(stmt, 3),
		    .owner_is_member = sqlite3_column_int(stmt, 4) != 0,
		    .has_unsettled = sqlite3_column_int(stmt, 5) != 0,
		};
	enum msp_status status = sqlite_db_finish(db, stmt, code, err);
	if (status == MSP_OK && code == SQLITE_DONE)
		return msp_error_set(err, MSP_E_CORRUPT, "%s: partition %lld has no offset", db->name,
		                     (long long)partition->id);
	return status;
}

static enum msp_status partition_take(struct sqlite_db *db, const struct sqlite_partition *partition,
                                      const struct sqlite_place *place, const struct row *row,
                                      struct sqlite_assignment *assignment, struct msp_error *err)
{
	bool vanished = row->owner != 0 && row->owner != place->member_id && row->has_unsettled;
	*assignment = (struct sqlite_assignment){
	    .assigned = true,
	    .owned = true,
	    .generation = row->generation + 1,
	    .committed = row->committed,
	    .position = row->committed,
	    .deliveries = row->deliveries,
	    .batches = assignment->batches,
	    .redelivery_limit = vanished || row->deliveries > 0,
	};
	return sqlite_db_run(db, err, NULL,
	                     "UPDATE offsets SET owner = ?, generation = ? WHERE group_id = ? AND partition_id = ?", "iiii",
	                     place->member_id, assignment->generation, place->group_id, partition->id);
}

/* Then it is another member's turn. */
static enum msp_status partition_release(struct sqlite_db *db, const struct sqlite_partition *partition,
                                         const struct sqlite_place *place, struct sqlite_assignment *assignment,
                                         struct msp_error *err)
{
	assignment->owned = false;
	enum msp_status status = sqlite_db_run(
	    db, err, NULL, "UPDATE offsets SET owner = NULL WHERE group_id = ? AND partition_id = ? AND owner = ?", "iii",
	    place->group_id, partition->id, place->member_id);
	return status == MSP_OK ? sqlite_group_rebalance(db, place->group_id, err) : status;
}

static enum msp_status partition_assign(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                        const struct sqlite_partition *partition, const struct sqlite_place *place,
                                        bool *lost, struct msp_error *err)
{
	struct sqlite_assignment *assignment = &offsets->partitions[partition->number];
	struct row row = {0};
	enum msp_status status = row_read(db, partition, place, &row, err);
	if (status != MSP_OK)
		return status;
	bool is_ours = row.owner == place->member_id;
	if (assignment->owned && (!is_ours || row.generation != assignment->generation)) {
		assignment->owned = false;
		*lost = true;
	}
	assignment->assigned = partition->number % place->count == place->index;
	if (is_ours && !assignment->assigned && assignment->batches == 0)
		return partition_release(db, partition, place, assignment, err);
	offsets->release_due |= assignment->owned && !assignment->assigned;
	if (assignment->owned || !assignment->assigned || (row.owner_is_member && !is_ours))
		return MSP_OK;
	return partition_take(db, partition, place, &row, assignment, err);
}

enum msp_status sqlite_offsets_assign(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                      const struct sqlite_topic *topic, const struct sqlite_place *place, bool *lost,
                                      struct msp_error *err)
{
	enum msp_status status = rows_create(db, topic, place, err);
	offsets->release_due = false;
	for (size_t i = 0; i < offsets->count && status == MSP_OK; i++)
		status = partition_assign(offsets, db, &topic->partitions[i], place, lost, err);
	return status;
}

bool sqlite_offsets_can_release(const struct sqlite_offsets *offsets)
{
	for (size_t i = 0; i < offsets->count && offsets->release_due; i++) {
		const struct sqlite_assignment *assignment = &offsets->partitions[i];
		if (assignment->owned && !assignment->assigned && assignment->batches == 0)
			return true;
	}
	return false;
}

/* ---- batches ---- */

void sqlite_offsets_received(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		offsets->partitions[spans[i].index].position = spans[i].end;
		offsets->partitions[spans[i].index].batches++;
	}
}

void sqlite_offsets_freed(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		offsets->partitions[spans[i].index].batches--;
}

void sqlite_offsets_settled(struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sqlite_assignment *assignment = &offsets->partitions[spans[i].index];
		int64_t limit = assignment->redelivery_limit;
		assignment->committed = spans[i].end;
		assignment->deliveries = 0;
		assignment->redelivery_limit = limit < REDELIVERY_LIMIT_MAX ? limit * 2 : 0;
	}
}

void sqlite_offsets_rewind(struct sqlite_offsets *offsets)
{
	for (size_t i = 0; i < offsets->count; i++) {
		struct sqlite_assignment *assignment = &offsets->partitions[i];
		assignment->position = assignment->committed;
		assignment->batches = 0;
		assignment->redelivery_limit = assignment->redelivery_limit > 0;
	}
}

bool sqlite_offsets_are_next(const struct sqlite_offsets *offsets, const struct sqlite_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (offsets->partitions[spans[i].index].committed != spans[i].begin)
			return false;
	}
	return true;
}

/* ---- under the lease ---- */

enum msp_status sqlite_offsets_count(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                     const struct sqlite_topic *topic, const struct sqlite_place *place, size_t index,
                                     bool *ret_owned, struct msp_error *err)
{
	int changes = 0;
	enum msp_status status = sqlite_db_run(db, err, &changes,
	                                       "UPDATE offsets SET deliveries = deliveries + 1"
	                                       " WHERE group_id = ? AND partition_id = ? AND owner = ? AND generation = ?",
	                                       "iiii", place->group_id, topic->partitions[index].id, place->member_id,
	                                       offsets->partitions[index].generation);
	*ret_owned = changes == 1;
	return status;
}

enum msp_status sqlite_offsets_commit(struct sqlite_offsets *offsets, struct sqlite_db *db,
                                      const struct sqlite_topic *topic, const struct sqlite_place *place,
                                      const struct sqlite_span *spans, size_t count, bool *ret_owned,
                                      struct msp_error *err)
{
	enum msp_status status = MSP_OK;
	*ret_owned = topic->id == offsets->topic_id; /* not when the topic has been deleted */
	for (size_t i = 0; i < count && status == MSP_OK && *ret_owned; i++) {
		int changes = 0;
		status = sqlite_db_run(db, err, &changes,
		                       "UPDATE offsets SET committed = ?, deliveries = 0"
		                       " WHERE group_id = ? AND partition_id = ? AND owner = ? AND generation = ?",
		                       "iiiii", spans[i].end, place->group_id, topic->partitions[spans[i].index].id,
		                       place->member_id, offsets->partitions[spans[i].index].generation);
		*ret_owned = changes == 1;
	}
	return status;
}
