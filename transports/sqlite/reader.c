#include "log.h"
#include "transport.h"
#include "watch.h"
#include <assert.h>
#include <msp/clock.h>
#include <stdlib.h>

/* Where the reader stands in one partition. */
struct cursor {
	int64_t position, end; /* end INT64_MAX: it has none */
	bool selected, ended;
};

struct sqlite_reader {
	struct msp_reader base;
	struct sqlite_transport *transport; /* borrowed */
	struct sqlite_db db;
	struct sqlite_watch watch;
	char *topic_name; /* owned */
	struct sqlite_topic topic;
	int64_t topic_id; /* what the cursors are about */
	int64_t end_timestamp_ms;
	struct cursor *cursors; /* owned; one per partition */
	size_t next;            /* partition with which the next records begins */
	struct sqlite_records records;
};

static struct sqlite_reader *reader_cast(struct msp_reader *reader)
{
	assert(reader);
	return (struct sqlite_reader *)reader;
}

/* ---- reading ---- */

static bool has_ended(const struct sqlite_reader *reader)
{
	for (size_t i = 0; i < reader->topic.partition_count; i++) {
		if (reader->cursors[i].selected && !reader->cursors[i].ended)
			return false;
	}
	return true;
}

static enum msp_status cursor_read(struct sqlite_reader *reader, size_t index, const struct msp_receive_limits *limits,
                                   struct msp_error *err)
{
	struct cursor *cursor = &reader->cursors[index];
	if (!cursor->selected || cursor->ended)
		return MSP_OK;
	struct sqlite_range range = {
	    .position = cursor->position,
	    .end = cursor->end,
	    .end_timestamp_ms = reader->end_timestamp_ms,
	    .max_messages = limits->max_messages,
	    .max_bytes = limits->max_bytes,
	};
	enum msp_status status = sqlite_log_read(&reader->db, reader->topic_name, &reader->topic.partitions[index], &range,
	                                         &reader->records, &cursor->ended, err);
	cursor->position = range.position;
	return status;
}

/* The records is what the cursors have passed, so after an error what was read before it is still delivered. */
static enum msp_status records_read(struct sqlite_reader *reader, const struct msp_receive_limits *limits,
                                    struct msp_error *err)
{
	sqlite_records_reset(&reader->records);
	/* Where the cursors stand means nothing in another file. */
	if (sqlite_db_has_moved(&reader->db))
		return msp_error_set(err, MSP_E_NOT_FOUND, "%s: the file was deleted or replaced", reader->db.name);
	enum msp_status status = sqlite_db_begin_read(&reader->db, err);
	if (status == MSP_OK)
		status = sqlite_topic_load(&reader->db, &reader->topic, reader->topic_name, err);
	if (status == MSP_OK && reader->topic.id != reader->topic_id)
		status = msp_error_set(err, MSP_E_NOT_FOUND, "topic %s was deleted and created anew", reader->topic_name);
	size_t count = status == MSP_OK ? reader->topic.partition_count : 0;
	for (size_t i = 0; i < count && status == MSP_OK && reader->records.count < limits->max_messages; i++)
		status = cursor_read(reader, (reader->next + i) % count, limits, err);
	if (count > 0)
		reader->next = (reader->next + 1) % count;
	sqlite_db_rollback(&reader->db);
	return reader->records.count > 0 ? MSP_OK : status;
}

static enum msp_status reader_read(struct msp_reader *base, const struct msp_receive_limits *limits,
                                   const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                   struct msp_error *err)
{
	struct sqlite_reader *reader = reader_cast(base);
	struct msp_error local = {.status = MSP_OK};
	int64_t deadline_ms = msp_deadline_in(limits->timeout_ms);
	enum msp_status status = MSP_OK;
	sqlite_records_reset(&reader->records);
	*ret_end = false;
	for (bool armed = false; !sqlite_watch_was_woken(&reader->watch); armed = true) {
		status = records_read(reader, limits, err ? err : &local);
		*ret_end = status == MSP_OK && has_ended(reader);
		int left_ms = msp_deadline_left_ms(deadline_ms);
		if (status != MSP_OK || reader->records.count > 0 || *ret_end || left_ms == 0)
			break;
		if (armed)
			sqlite_watch_wait(&reader->watch, left_ms);
		/* Whatever comes after this line ends the next wait. */
		sqlite_watch_arm(&reader->watch);
	}
	*ret_messages = reader->records.messages;
	*ret_count = reader->records.count;
	return status;
}

static void reader_wake(struct msp_reader *base)
{
	sqlite_watch_wake(&reader_cast(base)->watch);
}

static void reader_free(struct msp_reader *base)
{
	if (!base)
		return;
	struct sqlite_reader *reader = reader_cast(base);
	sqlite_topic_done(&reader->topic);
	sqlite_db_close(&reader->db);
	sqlite_watch_done(&reader->watch);
	sqlite_records_done(&reader->records);
	free(reader->cursors);
	free(reader->topic_name);
	free(reader);
}

static const struct msp_reader_ops READER_OPS = {
    .read = reader_read,
    .wake = reader_wake,
    .free = reader_free,
};

/* ---- opening ---- */

static enum msp_status cursor_start(struct sqlite_reader *reader, size_t index, const struct msp_reader_config *config,
                                    struct msp_error *err)
{
	struct cursor *cursor = &reader->cursors[index];
	struct sqlite_bounds bounds;
	int64_t id = reader->topic.partitions[index].id;
	enum msp_status status = sqlite_log_bounds(&reader->db, id, &bounds, err);
	if (status != MSP_OK)
		return status;
	int64_t oldest = bounds.oldest, next = bounds.next;
	cursor->position = oldest;
	cursor->end = config->stop_at_end ? next : INT64_MAX;
	if (config->start == MSP_START_END)
		cursor->position = next;
	else if (config->start == MSP_START_POSITION && config->number > oldest)
		cursor->position = config->number;
	else if (config->start == MSP_START_TAIL && config->number < next - oldest)
		cursor->position = next - config->number;
	else if (config->start == MSP_START_TIMESTAMP)
		status = sqlite_log_find_timestamp(&reader->db, id, oldest, config->number, next, &cursor->position, err);
	cursor->ended = cursor->position >= cursor->end;
	return status;
}

static enum msp_status cursors_start(struct sqlite_reader *reader, const struct msp_reader_config *config,
                                     struct msp_error *err)
{
	enum msp_status status = sqlite_topic_load(&reader->db, &reader->topic, reader->topic_name, err);
	if (status != MSP_OK)
		return status;
	reader->topic_id = reader->topic.id;
	size_t count = reader->topic.partition_count;
	if (config->partition != MSP_PARTITION_ANY && (config->partition < 0 || (size_t)config->partition >= count))
		return msp_error_set(err, MSP_E_NOT_FOUND, "topic %s has no partition %d", reader->topic_name,
		                     (int)config->partition);
	reader->cursors = calloc(count, sizeof(*reader->cursors));
	if (!reader->cursors)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	for (size_t i = 0; i < count && status == MSP_OK; i++) {
		reader->cursors[i].selected = config->partition == MSP_PARTITION_ANY || (size_t)config->partition == i;
		if (reader->cursors[i].selected)
			status = cursor_start(reader, i, config, err);
	}
	return status;
}

static enum msp_status reader_init(struct sqlite_reader *reader, const struct msp_reader_config *config,
                                   struct msp_error *err)
{
	const struct sqlite_file *file = &reader->transport->file;
	reader->topic_name = strdup(config->topic);
	if (!reader->topic_name)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	if (config->id)
		return msp_error_set(err, MSP_E_INVALID, "positions are offsets here, not %s", config->id);
	enum msp_status status =
	    sqlite_file_connect(file, false, msp_deadline_in(SQLITE_FILE_TIMEOUT_MS), &reader->db, err);
	if (status == MSP_OK)
		status = sqlite_watch_init(&reader->watch, file, err);
	if (status == MSP_OK)
		status = sqlite_db_begin_read(&reader->db, err);
	if (status == MSP_OK)
		status = cursors_start(reader, config, err);
	sqlite_db_rollback(&reader->db);
	return status;
}

enum msp_status sqlite_reader_open(struct sqlite_transport *transport, const struct msp_reader_config *config,
                                   struct msp_reader **ret_reader, struct msp_error *err)
{
	struct sqlite_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a reader");
	reader->base.ops = &READER_OPS;
	reader->transport = transport;
	reader->end_timestamp_ms = config->end_timestamp_ms;
	reader->watch.inotify = reader->watch.wake = -1;
	sqlite_records_init(&reader->records);
	enum msp_status status = reader_init(reader, config, err);
	if (status == MSP_OK)
		*ret_reader = &reader->base;
	else
		reader_free(&reader->base);
	return status;
}
