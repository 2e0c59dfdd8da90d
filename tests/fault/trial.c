#include "trial.h"

#include "folder.h"
#include "random.h"

#include <errno.h>
#include <msp/clock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS    20000 /* start to ready, on a machine that is busy */
#define STOP_MS     20000
#define DEATH_MS    30000
#define STUCK_MS    60000 /* no progress for so long is a failure */
#define WATCH_MS    200   /* how often a wait looks after the processes */
#define ADMIN_MS    10000
#define ARGUMENTS   64
#define LOG_WAIT_MS 20000

/* ---- topics ---- */

static bool topic_create(struct trial *trial, struct msp_admin *admin, enum msp_topic_kind kind)
{
	struct msp_error err = {.text = ""};
	const size_t max_bytes[MSP_TOPIC_KINDS] = {
	    [MSP_TOPIC_OUTPUTS] = trial->setup->outputs_max_bytes, [MSP_TOPIC_ERRORS] = trial->setup->errors_max_bytes};
	struct msp_topic_spec spec = {
	    .name = trial->topics.name[kind],
	    .partitions = TRIAL_PARTITIONS,
	    .max_message_bytes = max_bytes[kind],
	    .group = kind == MSP_TOPIC_INPUTS ? trial->topics.group : NULL,
	};
	if (msp_admin_topic_create(admin, &spec, ADMIN_MS, &err) == MSP_OK)
		return true;
	progress_fail(&trial->progress, "cannot create %s: %s", spec.name, err.text);
	return false;
}

static struct msp_admin *admin_open(struct trial *trial)
{
	struct msp_error err = {.text = ""};
	struct msp_admin *admin = NULL;
	if (msp_transport_admin_open(trial->transport, &admin, &err) != MSP_OK) {
		progress_fail(&trial->progress, "no admin: %s", err.text);
		return NULL;
	}
	return admin;
}

bool trial_delete_topic(struct trial *trial, enum msp_topic_kind kind)
{
	struct msp_error err = {.text = ""};
	const char *topic = trial->topics.name[kind];
	struct msp_admin *admin = admin_open(trial);
	if (!admin)
		return false;
	bool deleted = msp_admin_topic_delete(admin, topic, ADMIN_MS, &err) == MSP_OK;
	if (!deleted)
		progress_fail(&trial->progress, "cannot delete %s: %s", topic, err.text);
	msp_admin_free(admin);
	return deleted;
}

bool trial_create_topic(struct trial *trial, enum msp_topic_kind kind)
{
	struct msp_admin *admin = admin_open(trial);
	bool created = admin && topic_create(trial, admin, kind);
	if (admin)
		msp_admin_free(admin);
	return created;
}

static void topics_delete(struct trial *trial)
{
	struct msp_admin *admin = admin_open(trial);
	if (!admin)
		return;
	for (size_t kind = 0; kind < MSP_TOPIC_KINDS; kind++)
		(void)msp_admin_topic_delete(admin, trial->topics.name[kind], ADMIN_MS, NULL);
	msp_admin_free(admin);
}

static bool topics_create(struct trial *trial)
{
	bool created = true;
	for (int kind = 0; kind < MSP_TOPIC_KINDS && created; kind++)
		created = trial_create_topic(trial, (enum msp_topic_kind)kind);
	return created;
}

/* Free what it returns. */
static struct msp_topic_info *inputs_describe(struct trial *trial)
{
	struct msp_error err = {.text = ""};
	struct msp_topic_info *info = NULL;
	const char *inputs = trial->topics.name[MSP_TOPIC_INPUTS];
	struct msp_admin *admin = admin_open(trial);
	if (!admin)
		return NULL;
	if (msp_admin_topic_describe(admin, inputs, &info, ADMIN_MS, &err) != MSP_OK)
		progress_fail(&trial->progress, "cannot describe %s: %s", inputs, err.text);
	msp_admin_free(admin);
	return info;
}

bool trial_count_inputs(struct trial *trial, size_t partition, int64_t *ret_count)
{
	struct msp_topic_info *info = inputs_describe(trial);
	*ret_count = info && partition < info->partition_count ? info->partitions[partition].count : 0;
	free(info);
	return !progress_failed(&trial->progress);
}

/* How much the group has left to settle by the broker's own book; -1: it cannot be told. */
static int64_t group_remaining(struct trial *trial)
{
	struct msp_error err = {.text = ""};
	const char *inputs = trial->topics.name[MSP_TOPIC_INPUTS];
	int64_t remaining = -1;
	struct msp_topic_info *ends = inputs_describe(trial);
	struct msp_admin *admin = ends ? admin_open(trial) : NULL;
	struct msp_group_lag *lag = NULL;
	if (admin && msp_admin_group_lag(admin, trial->topics.group, inputs, ends, &lag, ADMIN_MS, &err) != MSP_OK)
		progress_fail(&trial->progress, "cannot tell what is settled: %s", err.text);
	if (lag)
		remaining = msp_group_lag_messages(lag);
	free(lag);
	if (admin)
		msp_admin_free(admin);
	free(ends);
	return remaining;
}

static void group_check(struct trial *trial)
{
	int64_t remaining = group_remaining(trial);
	if (remaining > 0)
		progress_fail(&trial->progress, "the group has %lld messages left to settle", (long long)remaining);
}

/* ---- processes ---- */

struct arguments {
	const char *list[ARGUMENTS];
	size_t count;
	char texts[4][PATH_MAX];
};

static void arguments_add_setting(struct arguments *arguments, const char *setting)
{
	arguments->list[arguments->count++] = "-X";
	arguments->list[arguments->count++] = setting;
}

static void arguments_add_settings(struct arguments *arguments, const char *const *settings)
{
	for (; settings && *settings; settings++)
		arguments_add_setting(arguments, *settings);
}

static void arguments_make(const struct trial *trial, size_t place, struct arguments *arguments)
{
	const struct trial_options *options = trial->options;
	const char *const first[] = {options->program, "run",          "-b",
	                             trial->msp_url,   "--ready-file", trial->processes[place].ready_path};
	*arguments = (struct arguments){.count = sizeof(first) / sizeof(first[0])};
	memcpy(arguments->list, first, sizeof(first));
	snprintf(arguments->texts[0], PATH_MAX, "topic.prefix=%s", trial->prefix);
	snprintf(arguments->texts[1], PATH_MAX, "plugin.path=%s", options->plugin_path);
	snprintf(arguments->texts[2], PATH_MAX, "models.%s.workers=%d", trial->setup->model, TRIAL_WORKERS);
	snprintf(arguments->texts[3], PATH_MAX, "codec=%s", options->codec->name);
	for (size_t i = 0; i < sizeof(arguments->texts) / sizeof(arguments->texts[0]); i++)
		arguments_add_setting(arguments, arguments->texts[i]);
	arguments_add_setting(arguments, trial->guarantee == MSP_EXACTLY_ONCE ? "processing.guarantee=exactly_once"
	                                                                      : "processing.guarantee=at_least_once");
	arguments_add_settings(arguments, trial->setup->settings);
	arguments_add_settings(arguments, options->broker->settings);
	if (!trial->setup->breaks_server)
		arguments_add_settings(arguments, options->broker->mortal_settings);
	if (trial->setup->short_session)
		arguments_add_settings(arguments, options->broker->short_session);
	arguments->list[arguments->count++] = trial->setup->model;
}

bool trial_start_with(struct trial *trial, size_t place, const char *const *variables)
{
	struct arguments arguments;
	arguments_make(trial, place, &arguments);
	if (process_start(&trial->processes[place], arguments.list, variables))
		return true;
	progress_fail(&trial->progress, "cannot start %s: %s", trial->options->program, strerror(errno));
	return false;
}

bool trial_start(struct trial *trial, size_t place)
{
	return trial_start_with(trial, place, NULL);
}

bool trial_wait_ready(struct trial *trial, size_t place)
{
	if (process_wait_ready(&trial->processes[place], READY_MS))
		return true;
	progress_fail(&trial->progress, "process %zu was not ready in time", place);
	return false;
}

bool trial_start_all(struct trial *trial, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!trial_start(trial, i))
			return false;
	for (size_t i = 0; i < count; i++)
		if (!trial_wait_ready(trial, i))
			return false;
	return true;
}

void trial_expect_repeats(struct trial *trial, size_t faults, bool marks_are_lost)
{
	const struct broker *broker = trial->options->broker;
	if (trial->guarantee != MSP_AT_LEAST_ONCE || !broker->marks_apart)
		return;
	size_t share = trial->messages / (2 * faults), lag_ms = marks_are_lost ? (size_t)broker->mark_lag_ms : 0;
	trial->repeats_per_fault = share;
	if (lag_ms == 0)
		progress_limit(&trial->progress, share, 0);
	else
		progress_limit(&trial->progress, share / 2, (share - share / 2) * 1000 / lag_ms);
}

void trial_explain_repeats(struct trial *trial, size_t faults)
{
	trial->repeats_explained += faults * trial->repeats_per_fault;
}

void trial_strike(struct trial *trial)
{
	trial->kills++;
	trial_explain_repeats(trial, 1);
}

void trial_kill(struct trial *trial, size_t place)
{
	trial_strike(trial);
	process_end(&trial->processes[place]);
}

bool trial_stop(struct trial *trial, size_t place)
{
	int status = 0;
	char text[32];
	/* Before main runs nobody can be polite to a signal. */
	if (!trial_wait_ready(trial, place))
		return false;
	process_signal(&trial->processes[place], SIGTERM);
	if (!process_wait(&trial->processes[place], STOP_MS, &status)) {
		progress_fail(&trial->progress, "process %zu did not stop within %d s", place, STOP_MS / 1000);
		return false;
	}
	if (status == 0)
		return true;
	process_status_text(status, text, sizeof(text));
	progress_fail(&trial->progress, "process %zu was asked to stop and ended with %s", place, text);
	return false;
}

bool trial_wait_death(struct trial *trial, size_t place, int signal)
{
	int status = 0;
	char text[32];
	if (!process_wait(&trial->processes[place], DEATH_MS, &status)) {
		progress_fail(&trial->progress, "process %zu did not die within %d s", place, DEATH_MS / 1000);
		return false;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == signal) {
		trial_strike(trial);
		return true;
	}
	process_status_text(status, text, sizeof(text));
	progress_fail(&trial->progress, "process %zu ended with %s, expected signal %d", place, text, signal);
	return false;
}

bool trial_processes_live(struct trial *trial)
{
	for (size_t i = 0; i < TRIAL_PROCESSES; i++) {
		struct process *process = &trial->processes[i];
		int status = 0;
		char text[32];
		if (process->pid == 0 || !process_wait(process, 0, &status))
			continue;
		process_status_text(status, text, sizeof(text));
		progress_fail(&trial->progress, "process %zu ended by itself with %s", i, text);
		return false;
	}
	return true;
}

/* ---- waiting ---- */

void trial_allow(struct trial *trial, size_t allowed, size_t window)
{
	progress_allow(&trial->progress, allowed < trial->messages ? allowed : trial->messages, window);
}

/* A wait that fails when nothing happens for long. */
struct patience {
	size_t settled;
	int64_t until_ms;
};

/* False: no more; the failure is noted. */
static bool patience_left(struct trial *trial, struct patience *patience, const char *what, size_t count)
{
	size_t settled = progress_settled(&trial->progress);
	int64_t now_ms = msp_monotonic_ms();
	if (patience->until_ms == 0 || settled != patience->settled)
		*patience = (struct patience){settled, now_ms + STUCK_MS};
	if (now_ms >= patience->until_ms)
		progress_fail(&trial->progress, "stuck with %zu messages settled while %zu were to be %s", settled, count,
		              what);
	return trial_processes_live(trial) && !progress_failed(&trial->progress);
}

bool trial_wait_settled(struct trial *trial, size_t count)
{
	struct patience patience = {0};
	while (!progress_wait_settled(&trial->progress, count, WATCH_MS))
		if (!patience_left(trial, &patience, "settled", count))
			return false;
	return true;
}

bool trial_wait_settled_since(struct trial *trial, size_t from, size_t count)
{
	struct patience patience = {0};
	if (from == 0)
		return trial_wait_settled(trial, count);
	while (verifier_settled_since(&trial->verifier, from) < count) {
		if (!patience_left(trial, &patience, "settled", count))
			return false;
		progress_pause(&trial->progress, WATCH_MS / 10);
	}
	return true;
}

bool trial_wait_sent(struct trial *trial, size_t count)
{
	struct patience patience = {0};
	while (progress_sent(&trial->progress) < count) {
		if (!patience_left(trial, &patience, "sent", count))
			return false;
		progress_pause(&trial->progress, WATCH_MS / 10);
	}
	return true;
}

bool trial_stands_still(struct trial *trial, int milliseconds)
{
	progress_pause(&trial->progress, milliseconds);
	size_t before = progress_settled(&trial->progress);
	progress_pause(&trial->progress, milliseconds);
	if (progress_settled(&trial->progress) != before)
		progress_fail(&trial->progress, "messages were settled although nothing can be");
	return trial_processes_live(trial) && !progress_failed(&trial->progress);
}

bool trial_wait_log_beyond(struct trial *trial, size_t place, const char *text, size_t before)
{
	int64_t deadline_ms = msp_monotonic_ms() + LOG_WAIT_MS;
	while (process_log_count(&trial->processes[place], text) <= before) {
		if (msp_monotonic_ms() >= deadline_ms) {
			progress_fail(&trial->progress, "process %zu did not say: %s", place, text);
			return false;
		}
		progress_pause(&trial->progress, WATCH_MS / 10);
	}
	return true;
}

bool trial_wait_log(struct trial *trial, size_t place, const char *text)
{
	return trial_wait_log_beyond(trial, place, text, 0);
}

static void counts_check(struct trial *trial)
{
	const struct counts *counts = &trial->counts;
	if (counts->lost || counts->phantom)
		progress_fail(&trial->progress, "%zu lost, %zu phantom", counts->lost, counts->phantom);
	bool disordered = counts->reordered && !(trial->options->broker->test->lacks & TRANSPORT_LACKS_ORDER);
	if (trial->guarantee == MSP_EXACTLY_ONCE && (counts->doubled || disordered || counts->both))
		progress_fail(&trial->progress, "under exactly_once %zu doubled, %zu reordered, %zu in both", counts->doubled,
		              counts->reordered, counts->both);
	if (trial->guarantee == MSP_AT_LEAST_ONCE && counts->doubled > trial->repeats_explained)
		progress_fail(&trial->progress, "%zu doubled, and %zu faults explain %zu of them at most", counts->doubled,
		              trial->kills, trial->repeats_explained);
}

/* A killed process may have published what it did not mark: others repeat it after all results are there. */
static bool wait_marked(struct trial *trial)
{
	int64_t deadline_ms = msp_monotonic_ms() + STUCK_MS;
	while (group_remaining(trial) > 0 && msp_monotonic_ms() < deadline_ms)
		progress_pause(&trial->progress, WATCH_MS);
	return trial_processes_live(trial) && !progress_failed(&trial->progress);
}

bool trial_conclude(struct trial *trial)
{
	trial_allow(trial, trial->messages, trial->messages);
	size_t from = trial->verifier.pardon.lost_before;
	bool settled = trial_wait_settled_since(trial, from, trial->messages - from);
	if (settled)
		generator_join(&trial->generator); /* what it repeats is to be settled too */
	settled = settled && wait_marked(trial);
	for (size_t i = 0; i < TRIAL_PROCESSES; i++)
		if (trial->processes[i].pid && (!settled || !trial_stop(trial, i)))
			process_end(&trial->processes[i]);
	trial->concluded = true;
	if (settled && trial->generator.has_repeated)
		verifier_count_inputs(&trial->verifier);
	verifier_conclude(&trial->verifier, &trial->counts);
	counts_check(trial);
	if (settled)
		group_check(trial);
	return !progress_failed(&trial->progress);
}

/* ---- the trial's life ---- */

static bool trial_folder_make(struct trial *trial, const char *cell)
{
	char name[64];
	snprintf(name, sizeof(name), "faults-%s", cell);
	if (folder_make(name, trial->folder, sizeof(trial->folder)))
		return true;
	progress_fail(&trial->progress, "cannot make a folder: %s", strerror(errno));
	return false;
}

static bool names_make(struct trial *trial)
{
	struct msp_error err = {.text = ""};
	struct msp_model_info info = {.name = trial->setup->model, .major = 1, .minor = 0};
	/* The random end of the folder's name: a broker that runs for long has topics of other trials too. */
	snprintf(trial->prefix, sizeof(trial->prefix), "msp_faults_%s", trial->folder + strlen(trial->folder) - 6);
	if (msp_topics_init(&trial->topics, trial->prefix, &info, NULL, &err) != MSP_OK) {
		progress_fail(&trial->progress, "%s", err.text);
		return false;
	}
	for (size_t i = 0; i < TRIAL_PROCESSES; i++) {
		struct process *process = &trial->processes[i];
		snprintf(process->log_path, sizeof(process->log_path), "%s/msp-%zu.log", trial->folder, i);
		snprintf(process->ready_path, sizeof(process->ready_path), "%s/ready-%zu", trial->folder, i);
	}
	return true;
}

/* The broker that everybody shares, or else the server of this program. */
static bool urls_make(struct trial *trial)
{
	const struct trial_options *options = trial->options;
	const struct broker *broker = options->broker;
	if (options->url)
		snprintf(trial->url, sizeof(trial->url), "%s", options->url);
	bool shared = !trial->setup->breaks_server &&
	              (options->url || broker->test->url(trial->folder, trial->url, sizeof(trial->url)));
	memcpy(trial->msp_url, trial->url, sizeof(trial->url));
	if (shared)
		return true;
	trial->server = broker->server_start ? server_get(broker->server_start) : NULL;
	if (!trial->server) {
		progress_fail(&trial->progress, "no broker; see tests/fault/README.md");
		return false;
	}
	snprintf(trial->url, sizeof(trial->url), "%s", trial->server->url);
	snprintf(trial->msp_url, sizeof(trial->msp_url), "%s",
	         trial->setup->by_proxy ? trial->server->proxied_url : trial->server->url);
	return true;
}

static bool transport_open(struct trial *trial)
{
	struct msp_error err = {.text = ""};
	const struct broker *broker = trial->options->broker;
	struct msp_transport_config config = {
	    .url = trial->url, .properties = broker->properties, .property_count = broker->property_count};
	if (broker->test->ops->open(&config, &trial->transport, &err) == MSP_OK)
		return true;
	progress_fail(&trial->progress, "cannot open %s: %s", trial->url, err.text);
	return false;
}

static bool threads_start(struct trial *trial)
{
	const char *inputs = trial->topics.name[MSP_TOPIC_INPUTS];
	if (verifier_start(&trial->verifier, trial->transport, &trial->topics, &trial->plan, &trial->progress) &&
	    generator_start(&trial->generator, trial->transport, inputs, &trial->plan, &trial->progress))
		return true;
	progress_fail(&trial->progress, "no memory or no thread");
	return false;
}

bool trial_init(struct trial *trial, const struct trial_options *options, const struct trial_setup *setup,
                const char *cell, enum msp_guarantee guarantee, size_t messages)
{
	*trial = (struct trial){.options = options, .setup = setup, .guarantee = guarantee, .messages = messages};
	trial->random = options->seed;
	progress_init(&trial->progress);
	if (!trial_folder_make(trial, cell) || !names_make(trial) || !urls_make(trial) || !transport_open(trial) ||
	    !topics_create(trial))
		return false;
	if (!plan_init(&trial->plan, options->codec, messages, random_next(&trial->random), setup->specials)) {
		progress_fail(&trial->progress, "no memory");
		return false;
	}
	trial->plan.any_timestamp = trial->options->broker->test->lacks & TRANSPORT_LACKS_TIMESTAMPS;
	return threads_start(trial);
}

void trial_done(struct trial *trial)
{
	for (size_t i = 0; i < TRIAL_PROCESSES; i++)
		process_end(&trial->processes[i]);
	progress_stop(&trial->progress);
	generator_join(&trial->generator);
	if (trial->verifier.transport && !trial->concluded)
		verifier_glance(&trial->verifier, &trial->counts);
	if (trial->verifier.transport)
		verifier_done(&trial->verifier);
	if (trial->transport && !progress_failed(&trial->progress))
		topics_delete(trial);
	if (trial->transport)
		msp_transport_free(trial->transport);
	plan_done(&trial->plan);
	if (!progress_failed(&trial->progress))
		folder_remove(trial->folder);
	progress_done(&trial->progress);
}
