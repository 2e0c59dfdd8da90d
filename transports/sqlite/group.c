#include "group.h"
#include <msp/log.h>
#include <msp/process.h>

bool sqlite_process_is_gone(const char *process)
{
	enum msp_life life = msp_process_life(process);
	return life == MSP_LIFE_DEAD || life == MSP_LIFE_OTHER_BOOT;
}

enum msp_status sqlite_group_rebalance(struct sqlite_db *db, int64_t group_id, struct msp_error *err)
{
	return sqlite_db_run(db, err, NULL, "UPDATE consumer_groups SET generation = generation + 1 WHERE id = ?", "i",
	                     group_id);
}

enum msp_status sqlite_group_sweep(struct sqlite_db *db, int64_t group_id, int64_t now_ms, bool *ret_swept,
                                   struct msp_error *err)
{
	*ret_swept = false;
	sqlite3_stmt *stmt =
	    sqlite_db_query(db, err,
	                    "SELECT id, name, process, expires_ms,"
	                    " (SELECT name FROM consumer_groups WHERE id = group_id) FROM members WHERE group_id = ?",
	                    "i", group_id);
	if (!stmt)
		return err->status;
	int code;
	enum msp_status status = MSP_OK;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == MSP_OK) {
		bool is_gone = sqlite_process_is_gone((const char *)sqlite3_column_text(stmt, 2));
		if (!is_gone && sqlite3_column_int64(stmt, 3) >= now_ms)
			continue;
		msp_log(MSP_LOG_INFO, is_gone ? "a member of the group is dead" : "a member of the group gives no sign of life",
		        "group", (const char *)sqlite3_column_text(stmt, 4), "member",
		        (const char *)sqlite3_column_text(stmt, 1), NULL);
		status = sqlite_db_run(db, err, NULL, "DELETE FROM members WHERE id = ?", "i", sqlite3_column_int64(stmt, 0));
		*ret_swept = true;
	}
	if (status != MSP_OK) {
		sqlite3_reset(stmt);
		return status;
	}
	status = sqlite_db_finish(db, stmt, code, err);
	return status == MSP_OK && *ret_swept ? sqlite_group_rebalance(db, group_id, err) : status;
}
