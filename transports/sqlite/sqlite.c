/* The SQLite transport: the embedded broker, and the reference for other transports.
 *
 * Start here. One file holds everything; file.c has its tables. Every consumer, producer, reader and admin has a
 * connection of its own (db.c), so nothing but the heartbeat is shared between threads.
 *
 *     consumer.c  the loop                      topic.c    a topic and its partitions
 *     member.c    membership of the group       log.c      the messages of a partition
 *     fetch.c     batches of messages           headers.c  record headers as one blob
 *     settle.c    results                       publish.c  partition, offset, retention
 *     offsets.c   what is consumed              group.c    members and generation of a group
 *     watch.c     waits for changes             heartbeat.c  renews leases
 *     producer.c  reader.c  admin.c             lag.c      what a group has left */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <msp_transport_sqlite.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "transport.h"

static const char *const SCHEMES[] = {"sqlite", NULL};
static const char *const SYNCHRONOUS[] = {"off", "normal", "full", "extra", NULL}; /* SQLite's 0, 1, 2, 3 */

static const char *const FILE_MODES[] = {"0600", "0640", "0644", "0660", "0664", NULL};

static const struct msp_option OPTIONS[] = {
    {
        .name = "file.mode",
        .type = MSP_OPTION_CHOICE,
        .offset = offsetof(struct sqlite_options, file_mode),
        .default_text = "0600",
        .choices = FILE_MODES,
        .help = "who may read and write a file that is made, and what stands beside it",
    },
    {
        .name = "synchronous",
        .type = MSP_OPTION_CHOICE,
        .offset = offsetof(struct sqlite_options, synchronous),
        .default_text = "full",
        .choices = SYNCHRONOUS,
        .help = "what a loss of power may cost: full and extra nothing, normal the last moments, off the file",
    },
    {
        .name = "lease.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct sqlite_options, lease_ms),
        .default_text = "10000",
        .min = 100,
        .max = 3600000,
        .help = "how long a process that hangs keeps its partitions; a dead one loses them at once",
    },
    {
        .name = "max.poll.interval.ms",
        .type = MSP_OPTION_INTEGER,
        .offset = offsetof(struct sqlite_options, max_poll_interval_ms),
        .default_text = "300000",
        .min = 100,
        .max = INT_MAX,
        .help = "how long one batch may take before its worker counts as hanging",
    },
};

static const struct msp_option_table OPTION_TABLE = MSP_OPTION_TABLE(OPTIONS, struct sqlite_options);

static struct sqlite_transport *transport_cast(struct msp_transport *transport)
{
	assert(transport && transport->ops == &msp_transport_sqlite);
	return (struct sqlite_transport *)transport;
}

/* sqlite:PATH or sqlite://PATH; the path may be relative to the working directory of now. */
static enum msp_status url_parse(const char *url, char **ret_path, struct msp_error *err)
{
	static const char scheme[] = "sqlite:";
	if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
		return msp_error_set(err, MSP_E_INVALID, "not a URL of the form sqlite:PATH: %s", url);
	const char *path = url + sizeof(scheme) - 1;
	if (path[0] == '/' && path[1] == '/')
		path += 2;
	if (path[0] == '\0')
		return msp_error_set(err, MSP_E_INVALID, "%s names no file; for example sqlite:msp.db", url);
	if (strcmp(path, ":memory:") == 0)
		return msp_error_set(err, MSP_E_INVALID, "topics live in a file that processes share, not in memory");
	char directory[PATH_MAX] = "";
	if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return msp_error_set(err, MSP_E_UNAVAILABLE, "no working directory: %s", strerror(errno));
	if (asprintf(ret_path, "%s%s%s", directory, path[0] == '/' ? "" : "/", path) < 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a path");
	return MSP_OK;
}

static enum msp_status transport_open(const struct msp_transport_config *config, struct msp_transport **ret_transport,
                                      struct msp_error *err)
{
	struct sqlite_transport *transport = calloc(1, sizeof(*transport));
	if (!transport)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a transport");
	enum msp_status status = url_parse(config->url, &transport->file.path, err);
	if (status == MSP_OK && config->options)
		transport->file.options = *(const struct sqlite_options *)config->options;
	else if (status == MSP_OK)
		status = msp_options_init(&OPTION_TABLE, &transport->file.options, err);
	if (status == MSP_OK)
		status = sqlite_heartbeat_init(&transport->heartbeat, &transport->file, err);
	if (status != MSP_OK) {
		free(transport->file.path);
		free(transport);
		return status;
	}
	transport->base.ops = &msp_transport_sqlite;
	msp_process_self(&transport->process);
	*ret_transport = &transport->base;
	return MSP_OK;
}

static enum msp_status transport_consumer_open(struct msp_transport *base, const struct msp_consumer_config *config,
                                               struct msp_consumer **ret_consumer, struct msp_error *err)
{
	return sqlite_consumer_open(transport_cast(base), config, ret_consumer, err);
}

static enum msp_status transport_producer_open(struct msp_transport *base, struct msp_producer **ret_producer,
                                               struct msp_error *err)
{
	return sqlite_producer_open(transport_cast(base), ret_producer, err);
}

static enum msp_status transport_reader_open(struct msp_transport *base, const struct msp_reader_config *config,
                                             struct msp_reader **ret_reader, struct msp_error *err)
{
	return sqlite_reader_open(transport_cast(base), config, ret_reader, err);
}

static enum msp_status transport_admin_open(struct msp_transport *base, struct msp_admin **ret_admin,
                                            struct msp_error *err)
{
	return sqlite_admin_open(transport_cast(base), ret_admin, err);
}

static void transport_free(struct msp_transport *base)
{
	if (!base)
		return;
	struct sqlite_transport *transport = transport_cast(base);
	sqlite_heartbeat_done(&transport->heartbeat);
	free(transport->file.path);
	free(transport);
}

const struct msp_transport_ops msp_transport_sqlite = {
    .name = "sqlite",
    .schemes = SCHEMES,
    .options = &OPTION_TABLE,
    .single_copy = true,
    .open = transport_open,
    .consumer_open = transport_consumer_open,
    .producer_open = transport_producer_open,
    .reader_open = transport_reader_open,
    .admin_open = transport_admin_open,
    .free = transport_free,
};
