#include "broker.h"

#include "complain.h"

#include <poll.h>
#include <stdlib.h>

#define RETRY_INITIAL_MS 20
#define RETRY_MAX_MS     500
#define STOPPABLE_MS     2000 /* how long one call may take that a stop cannot wake */

void patience_init(struct patience *patience, const struct graph *graph, struct stop *stop)
{
	patience->graph = graph;
	patience->stop = stop;
	msp_backoff_init(&patience->backoff, RETRY_INITIAL_MS, RETRY_MAX_MS);
	patience_reset(patience);
}

void patience_reset(struct patience *patience)
{
	patience->deadline_ms = msp_deadline_in(graph_timeout_ms(patience->graph));
	msp_backoff_reset(&patience->backoff);
	patience->reason.status = MSP_OK;
}

int patience_left_ms(const struct patience *patience)
{
	return msp_deadline_left_ms(patience->deadline_ms);
}

/* How long one call to the admin may take: with a stop not all that is left, so that it is seen between calls. */
static int patience_call_ms(const struct patience *patience)
{
	int left = patience_left_ms(patience);
	return patience->stop && left > STOPPABLE_MS ? STOPPABLE_MS : left;
}

static bool patience_helps(const struct msp_error *err)
{
	return err->retriable && err->status != MSP_E_NOT_FOUND && err->status != MSP_E_DENIED;
}

bool patience_retry(struct patience *patience, const struct msp_error *err)
{
	int left = patience_left_ms(patience);
	if (err->status != MSP_E_UNAVAILABLE)
		patience->reason = *err;
	if (!patience_helps(err) || !left)
		return false;
	int pause = msp_backoff_next_ms(&patience->backoff);
	if (pause > left)
		pause = left;
	if (patience->stop)
		return !stop_wait_ms(patience->stop, pause);
	poll(NULL, 0, pause);
	return true;
}

int patience_end(const struct patience *patience, const struct msp_error *err)
{
	if (patience->stop && stop_is_asked(patience->stop) && patience_helps(err))
		return EXIT_DONE;
	if (err->status == MSP_E_UNAVAILABLE && patience->reason.status != MSP_OK)
		err = &patience->reason;
	if (err->status != MSP_E_UNAVAILABLE)
		return complain_of(err);
	char *broker = graph_broker_text(patience->graph);
	complain("broker %s not reachable within %g s: %s", broker ? broker : "",
	         graph_timeout_ms(patience->graph) / 1000.0, err->text);
	free(broker);
	return EXIT_UNREACHABLE;
}

static enum msp_status admin_open(const struct graph *graph, struct patience *patience, struct msp_admin **ret_admin,
                                  struct msp_error *err)
{
	for (;;) {
		enum msp_status status = msp_transport_admin_open(graph->transport, ret_admin, err);
		if (status == MSP_OK || !patience_retry(patience, err))
			return status;
	}
}

int broker_admin(const struct graph *graph, struct stop *stop, struct msp_admin **ret_admin)
{
	struct patience patience;
	struct msp_error err;
	patience_init(&patience, graph, stop);
	return admin_open(graph, &patience, ret_admin, &err) == MSP_OK ? EXIT_DONE : patience_end(&patience, &err);
}

enum msp_status broker_describe(struct msp_admin *admin, struct patience *patience, const char *topic,
                                struct msp_topic_info **ret_info, struct msp_error *err)
{
	for (;;) {
		enum msp_status status = msp_admin_topic_describe(admin, topic, ret_info, patience_call_ms(patience), err);
		if (status == MSP_OK || !patience_retry(patience, err))
			return status;
	}
}

enum msp_status broker_partition_check(const struct graph *graph, struct patience *patience, const char *topic,
                                       int64_t partition, struct msp_error *err)
{
	struct msp_admin *admin;
	struct msp_topic_info *info = NULL;
	if (partition == MSP_PARTITION_ANY)
		return MSP_OK;
	enum msp_status status = admin_open(graph, patience, &admin, err);
	if (status != MSP_OK)
		return status;
	status = broker_describe(admin, patience, topic, &info, err);
	if (status == MSP_OK && partition >= (int64_t)info->partition_count)
		status = msp_error_set(err, MSP_E_INVALID, "%s has no partition %lld", topic, (long long)partition);
	free(info);
	msp_admin_free(admin);
	return status;
}

/* ---- backlogs ---- */

enum msp_status backlog_ask(struct backlog *backlog, struct msp_admin *admin, int timeout_ms, struct msp_error *err)
{
	struct msp_group_lag *lag;
	enum msp_status status =
	    msp_admin_group_lag(admin, backlog->group, backlog->topic, backlog->until, &lag, timeout_ms, err);
	if (status != MSP_OK)
		return status;
	backlog->remaining = msp_group_lag_messages(lag);
	free(lag);
	return MSP_OK;
}

int backlog_update(struct backlog *backlog, struct msp_admin *admin, struct patience *patience)
{
	struct msp_error err;
	while (backlog_ask(backlog, admin, patience_call_ms(patience), &err) != MSP_OK)
		if (!patience_retry(patience, &err))
			return patience_end(patience, &err);
	return EXIT_DONE;
}

/* They may never come: an end is not waited for. */
static void waiting_report(const struct backlog *backlog)
{
	int64_t waiting = 0;
	for (size_t i = 0; i < backlog->until->partition_count; i++)
		waiting += backlog->until->partitions[i].waiting;
	if (waiting > 0)
		report("msp: %s: %lld message%s behind an open transaction, not waited for", backlog->topic, (long long)waiting,
		       waiting == 1 ? "" : "s");
}

int backlog_init(struct backlog *backlog, struct msp_admin *admin, struct patience *patience, const char *group,
                 const char *topic)
{
	struct msp_error err;
	*backlog = (struct backlog){.group = group, .topic = topic};
	if (broker_describe(admin, patience, topic, &backlog->until, &err) != MSP_OK)
		return patience_end(patience, &err);
	waiting_report(backlog);
	return backlog_update(backlog, admin, patience);
}

void backlog_done(struct backlog *backlog)
{
	free(backlog->until);
	backlog->until = NULL;
}
