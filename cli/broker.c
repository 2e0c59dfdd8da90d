#include "broker.h"

#include "complain.h"

#include <poll.h>
#include <stdlib.h>

#define RETRY_INITIAL_MS 20
#define RETRY_MAX_MS     500

void patience_init(struct patience *patience, const struct graph *graph)
{
	patience->graph = graph;
	msp_backoff_init(&patience->backoff, RETRY_INITIAL_MS, RETRY_MAX_MS);
	patience_reset(patience);
}

void patience_reset(struct patience *patience)
{
	patience->deadline_ms = msp_monotonic_ms() + graph_timeout_ms(patience->graph);
	msp_backoff_reset(&patience->backoff);
}

int patience_left_ms(const struct patience *patience)
{
	int64_t left = patience->deadline_ms - msp_monotonic_ms();
	return left > 0 ? (int)left : 0;
}

bool patience_retry(struct patience *patience, const struct msp_error *err)
{
	int left = patience_left_ms(patience);
	if (!err->retriable || err->status == MSP_E_NOT_FOUND || err->status == MSP_E_DENIED || !left)
		return false;
	int pause = msp_backoff_next_ms(&patience->backoff);
	poll(NULL, 0, pause < left ? pause : left);
	return true;
}

int patience_end(const struct patience *patience, const struct msp_error *err)
{
	if (err->status != MSP_E_UNAVAILABLE)
		return complain_of(err);
	char *broker = graph_broker_text(patience->graph);
	complain("broker %s not reachable within %g s: %s", broker ? broker : "",
	         graph_timeout_ms(patience->graph) / 1000.0, err->text);
	free(broker);
	return EXIT_UNREACHABLE;
}

int broker_admin(struct graph *graph, struct msp_admin **ret_admin)
{
	struct patience patience;
	struct msp_error err;
	patience_init(&patience, graph);
	while (graph->transport->ops->admin_open(graph->transport, ret_admin, &err) != MSP_OK)
		if (!patience_retry(&patience, &err))
			return patience_end(&patience, &err);
	return EXIT_DONE;
}

enum msp_status broker_describe(struct msp_admin *admin, struct patience *patience, const char *topic,
                                struct msp_topic_info **ret_info, struct msp_error *err)
{
	for (;;) {
		enum msp_status status = admin->ops->topic_describe(admin, topic, ret_info, patience_left_ms(patience), err);
		if (status == MSP_OK || !patience_retry(patience, err))
			return status;
	}
}

/* ---- backlogs ---- */

enum msp_status backlog_ask(struct backlog *backlog, struct msp_admin *admin, int timeout_ms, struct msp_error *err)
{
	return admin->ops->group_remaining(admin, backlog->group, backlog->topic, backlog->until, &backlog->remaining,
	                                   timeout_ms, err);
}

int backlog_update(struct backlog *backlog, struct msp_admin *admin, struct patience *patience)
{
	struct msp_error err;
	while (backlog_ask(backlog, admin, patience_left_ms(patience), &err) != MSP_OK)
		if (!patience_retry(patience, &err))
			return patience_end(patience, &err);
	return EXIT_DONE;
}

int backlog_init(struct backlog *backlog, struct msp_admin *admin, struct patience *patience, const char *group,
                 const char *topic)
{
	struct msp_error err;
	*backlog = (struct backlog){.group = group, .topic = topic};
	if (broker_describe(admin, patience, topic, &backlog->until, &err) != MSP_OK)
		return patience_end(patience, &err);
	return backlog_update(backlog, admin, patience);
}

void backlog_done(struct backlog *backlog)
{
	free(backlog->until);
	backlog->until = NULL;
}
