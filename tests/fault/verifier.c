#include "verifier.h"

#include <msp/clock.h>
#include <stdio.h>
#include <stdlib.h>

#define READ_TIMEOUT_MS 100
#define RETRY_MS        20
#define READ_MESSAGES   1000
#define READ_BYTES      (1 << 20)
#define FINAL_MS        60000

/* ---- tallies ---- */

static bool tally_init(struct tally *tally, const struct plan *plan)
{
	*tally = (struct tally){.plan = plan};
	for (size_t route = 0; route < VERIFIER_ROUTES; route++)
		tally->seen[route] = calloc(plan->count, 1);
	return tally->seen[0] && tally->seen[1];
}

static void tally_done(struct tally *tally)
{
	for (size_t route = 0; route < VERIFIER_ROUTES; route++)
		free(tally->seen[route]);
}

/* True when this is the first result of its message in any topic. */
static bool tally_add(struct tally *tally, enum msp_route route, const struct msp_message *message)
{
	size_t id;
	char strange[sizeof(tally->strange)];
	tally->read[route]++;
	if (!plan_recognise(tally->plan, route, message, &id, strange, sizeof(strange))) {
		if (tally->phantom++ == 0)
			memcpy(tally->strange, strange, sizeof(strange));
		return false;
	}
	uint8_t *seen = &tally->seen[route][id];
	bool is_first = !tally->seen[MSP_ROUTE_OUTPUTS][id] && !tally->seen[MSP_ROUTE_ERRORS][id];
	if (*seen == 0) {
		uint32_t *next = &tally->next[route][tally->plan->items[id].key];
		uint32_t sequence = tally->plan->items[id].sequence;
		tally->reordered += sequence < *next;
		*next = sequence >= *next ? sequence + 1 : *next;
	}
	*seen = *seen < UINT8_MAX ? (uint8_t)(*seen + 1) : UINT8_MAX;
	return is_first;
}

/* How many results of an id there are in a topic beyond as many as it stands in inputs. */
static size_t surplus(const struct verifier *verifier, const struct tally *tally, size_t route, size_t id)
{
	size_t seen = tally->seen[route][id], sent = verifier->sent && verifier->sent[id] ? verifier->sent[id] : 1;
	return seen > sent ? seen - sent : 0;
}

/* How many of them are pardoned. */
static size_t repeats_pardoned(const struct verifier *verifier, const struct tally *tally, size_t id)
{
	const struct pardon *pardon = &verifier->pardon;
	size_t pardoned = 0;
	for (size_t route = 0; route < VERIFIER_ROUTES && id < pardon->repeated_before; route++) {
		size_t more = surplus(verifier, tally, route, id);
		pardoned += more < pardon->repeats ? more : pardon->repeats;
	}
	return pardoned;
}

static struct counts tally_count(const struct verifier *verifier, const struct tally *tally)
{
	const struct pardon *pardon = &verifier->pardon;
	struct counts counts = {.phantom = tally->phantom, .reordered = pardon->disorder ? 0 : tally->reordered};
	for (size_t id = 0; id < tally->plan->count; id++) {
		for (size_t route = 0; route < VERIFIER_ROUTES; route++)
			counts.doubled += surplus(verifier, tally, route, id);
		bool in_outputs = tally->seen[MSP_ROUTE_OUTPUTS][id] > 0, in_errors = tally->seen[MSP_ROUTE_ERRORS][id] > 0;
		bool missing = !in_outputs && !in_errors;
		counts.gone += missing && id < pardon->lost_before;
		counts.lost += missing && id >= pardon->lost_before;
		counts.both += in_outputs && in_errors;
		counts.repeated += repeats_pardoned(verifier, tally, id);
	}
	counts.doubled -= counts.repeated;
	return counts;
}

/* ---- reading ---- */

static struct msp_reader *reader_open(struct verifier *verifier, const char *topic, int32_t partition, bool stop_at_end,
                                      struct msp_error *err)
{
	struct msp_reader_config config = {
	    .topic = topic,
	    .partition = partition,
	    .start = MSP_START_BEGINNING,
	    .end_timestamp_ms = MSP_TIMESTAMP_NONE,
	    .stop_at_end = stop_at_end,
	};
	struct msp_reader *reader = NULL;
	return msp_transport_reader_open(verifier->transport, &config, &reader, err) == MSP_OK ? reader : NULL;
}

static const struct msp_receive_limits read_limits = {READ_MESSAGES, READ_BYTES, READ_TIMEOUT_MS};

static void watcher_add(struct watcher *watcher, const struct msp_message *messages, size_t count)
{
	struct verifier *verifier = watcher->verifier;
	size_t settled = 0;
	pthread_mutex_lock(&verifier->mutex);
	for (size_t i = 0; i < count; i++)
		settled += tally_add(&verifier->live, watcher->route, &messages[i]);
	if (verifier->live.phantom > 0)
		progress_fail(verifier->progress, "%s", verifier->live.strange);
	pthread_mutex_unlock(&verifier->mutex);
	if (settled)
		progress_add_settled(verifier->progress, settled);
}

/* Reads on until the trial ends. True: the topic has gone before anything was in it, and may come again. */
static bool watcher_read(struct watcher *watcher, struct msp_reader *reader)
{
	struct progress *progress = watcher->verifier->progress;
	while (!progress_stopping(progress)) {
		const struct msp_message *messages;
		size_t count = 0;
		bool end = false;
		struct msp_error err = {.text = ""};
		enum msp_status status = msp_reader_read(reader, &read_limits, &messages, &count, &end, &err);
		if (status == MSP_OK) {
			watcher_add(watcher, messages, count);
		} else if (status == MSP_E_NOT_FOUND && watcher->verifier->live.read[watcher->route] == 0) {
			return true;
		} else if (err.retriable) {
			progress_pause(progress, RETRY_MS);
		} else {
			progress_fail(progress, "cannot read %s: %s", watcher->verifier->topics[watcher->route], err.text);
			return false;
		}
	}
	return false;
}

/* Waits for the topic. NULL: the trial ends. */
static struct msp_reader *watcher_open(struct watcher *watcher)
{
	struct progress *progress = watcher->verifier->progress;
	while (!progress_stopping(progress)) {
		struct msp_error err = {.text = ""};
		struct msp_reader *reader =
		    reader_open(watcher->verifier, watcher->verifier->topics[watcher->route], watcher->partition, false, &err);
		if (reader)
			return reader;
		if (!err.retriable && err.status != MSP_E_NOT_FOUND) {
			progress_fail(progress, "cannot read %s: %s", watcher->verifier->topics[watcher->route], err.text);
			return NULL;
		}
		progress_pause(progress, RETRY_MS);
	}
	return NULL;
}

static void *watcher_main(void *argument)
{
	struct watcher *watcher = argument;
	struct msp_reader *reader;
	bool again = true;
	while (again && (reader = watcher_open(watcher))) {
		again = watcher_read(watcher, reader);
		msp_reader_free(reader);
	}
	return NULL;
}

bool verifier_watch(struct verifier *verifier, enum msp_route route, int32_t partition)
{
	if (verifier->watcher_count == VERIFIER_WATCHERS)
		return false;
	struct watcher *watcher = &verifier->watchers[verifier->watcher_count];
	*watcher = (struct watcher){.verifier = verifier, .route = route, .partition = partition};
	if (pthread_create(&watcher->thread, NULL, watcher_main, watcher) != 0)
		return false;
	verifier->watcher_count++;
	return true;
}

bool verifier_start(struct verifier *verifier, struct msp_transport *transport, const struct msp_topics *topics,
                    const struct plan *plan, struct progress *progress)
{
	*verifier = (struct verifier){
	    .transport = transport,
	    .topics = {topics->name[MSP_TOPIC_OUTPUTS], topics->name[MSP_TOPIC_ERRORS]},
	    .inputs = topics->name[MSP_TOPIC_INPUTS],
	    .progress = progress,
	};
	pthread_mutex_init(&verifier->mutex, NULL);
	bool live = tally_init(&verifier->live, plan), final = tally_init(&verifier->final, plan);
	for (size_t i = 0; live && final && i < VERIFIER_ROUTES; i++)
		if (!verifier_watch(verifier, (enum msp_route)i, MSP_PARTITION_ANY))
			break;
	return verifier->watcher_count == VERIFIER_ROUTES;
}

static void watchers_join(struct verifier *verifier)
{
	while (verifier->watcher_count > 0)
		pthread_join(verifier->watchers[--verifier->watcher_count].thread, NULL);
}

void verifier_done(struct verifier *verifier)
{
	watchers_join(verifier);
	tally_done(&verifier->live);
	tally_done(&verifier->final);
	free(verifier->sent);
	pthread_mutex_destroy(&verifier->mutex);
}

/* ---- the end ---- */

/* What is to be done with a message of the topic. */
typedef void (*visit_fn)(struct verifier *verifier, enum msp_route route, const struct msp_message *message);

static void message_count(struct verifier *verifier, enum msp_route route, const struct msp_message *message)
{
	(void)tally_add(&verifier->final, route, message);
}

static void message_count_input(struct verifier *verifier, enum msp_route route, const struct msp_message *message)
{
	(void)route;
	size_t id;
	if (plan_id_read(verifier->final.plan, message, &id) && verifier->sent[id] < UINT8_MAX)
		verifier->sent[id]++;
}

static bool reader_read_all(struct verifier *verifier, struct msp_reader *reader, enum msp_route route, visit_fn visit,
                            struct msp_error *err)
{
	int64_t deadline_ms = msp_monotonic_ms() + FINAL_MS;
	for (bool end = false; !end;) {
		const struct msp_message *messages;
		size_t count = 0;
		enum msp_status status = msp_reader_read(reader, &read_limits, &messages, &count, &end, err);
		if (msp_monotonic_ms() > deadline_ms) {
			msp_error_set(err, MSP_E_UNAVAILABLE, "no end within %d s", FINAL_MS / 1000);
			return false;
		}
		if (status != MSP_OK && !err->retriable)
			return false;
		for (size_t i = 0; status == MSP_OK && i < count; i++)
			visit(verifier, route, &messages[i]);
	}
	return true;
}

static void topic_read_all(struct verifier *verifier, const char *topic, enum msp_route route, visit_fn visit)
{
	struct msp_error err = {.text = ""};
	struct msp_reader *reader = reader_open(verifier, topic, MSP_PARTITION_ANY, true, &err);
	if (!reader || !reader_read_all(verifier, reader, route, visit, &err))
		progress_fail(verifier->progress, "cannot read %s at the end: %s", topic, err.text);
	if (reader)
		msp_reader_free(reader);
}

void verifier_count_inputs(struct verifier *verifier)
{
	verifier->sent = calloc(verifier->final.plan->count, 1);
	if (verifier->sent)
		topic_read_all(verifier, verifier->inputs, MSP_ROUTE_OUTPUTS, message_count_input);
	else
		progress_fail(verifier->progress, "no memory");
}

static bool live_is_complete(struct verifier *verifier)
{
	pthread_mutex_lock(&verifier->mutex);
	bool complete = true;
	for (size_t i = 0; i < VERIFIER_ROUTES; i++)
		complete &= verifier->live.read[i] >= verifier->final.read[i];
	pthread_mutex_unlock(&verifier->mutex);
	return complete;
}

size_t verifier_settled_since(struct verifier *verifier, size_t from)
{
	size_t settled = 0;
	pthread_mutex_lock(&verifier->mutex);
	for (size_t id = from; id < verifier->live.plan->count; id++)
		settled += verifier->live.seen[MSP_ROUTE_OUTPUTS][id] || verifier->live.seen[MSP_ROUTE_ERRORS][id];
	pthread_mutex_unlock(&verifier->mutex);
	return settled;
}

void verifier_glance(struct verifier *verifier, struct counts *ret_counts)
{
	pthread_mutex_lock(&verifier->mutex);
	*ret_counts = tally_count(verifier, &verifier->live);
	pthread_mutex_unlock(&verifier->mutex);
	ret_counts->lost = 0;
}

static size_t worse(size_t a, size_t b)
{
	return a > b ? a : b;
}

static struct counts counts_worse(const struct counts *a, const struct counts *b)
{
	return (struct counts){
	    .lost = worse(a->lost, b->lost),
	    .doubled = worse(a->doubled, b->doubled),
	    .reordered = worse(a->reordered, b->reordered),
	    .both = worse(a->both, b->both),
	    .phantom = worse(a->phantom, b->phantom),
	    .gone = worse(a->gone, b->gone),
	    .repeated = worse(a->repeated, b->repeated),
	};
}

void verifier_conclude(struct verifier *verifier, struct counts *ret_counts)
{
	for (size_t i = 0; i < VERIFIER_ROUTES; i++)
		topic_read_all(verifier, verifier->topics[i], (enum msp_route)i, message_count);
	int64_t deadline_ms = msp_monotonic_ms() + FINAL_MS;
	while (!live_is_complete(verifier) && msp_monotonic_ms() < deadline_ms)
		progress_pause(verifier->progress, RETRY_MS);
	progress_stop(verifier->progress);
	watchers_join(verifier);
	for (size_t i = 0; i < VERIFIER_ROUTES && !verifier->pardon.results_deleted; i++)
		if (verifier->live.read[i] != verifier->final.read[i])
			progress_fail(verifier->progress, "%s: %zu messages were seen during the trial, %zu at its end",
			              verifier->topics[i], verifier->live.read[i], verifier->final.read[i]);
	const char *strange = verifier->final.phantom ? verifier->final.strange : verifier->live.strange;
	if (*strange)
		progress_fail(verifier->progress, "%s", strange);
	struct counts live = tally_count(verifier, &verifier->live), final = tally_count(verifier, &verifier->final);
	*ret_counts = verifier->pardon.results_deleted ? live : counts_worse(&live, &final);
}
