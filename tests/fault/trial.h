/* A trial: one cell under one guarantee. Owns the topics, the generator, the verifier and the processes under test. */
#ifndef FAULT_TRIAL_H
#define FAULT_TRIAL_H

#include "broker.h"
#include "generator.h"
#include "process.h"
#include "verifier.h"

#include <msp/topic.h>

#define TRIAL_PROCESSES  4
#define TRIAL_PARTITIONS 4
#define TRIAL_WORKERS    2

/* What the command line says. */
struct trial_options {
	const struct broker *broker;
	const char *url; /* NULL: the broker makes its own */
	const struct msp_codec_ops *codec;
	const char *program;
	const char *plugin_path;
	char folder[PATH_MAX / 2]; /* of this program: the fault points and the locker are beside it */
	uint64_t seed;
	size_t messages; /* 0: what the cell wants */
	bool full;
};

/* What a cell wants. */
struct trial_setup {
	const char *model;           /* "echo", "faulty" or "mortal" */
	const char *const *settings; /* for msp, "key=value"; NULL-terminated, or NULL */
	bool short_session;          /* and those of the broker that give up a silent process soon */
	bool breaks_server;          /* runs on the server of this program */
	bool by_proxy;               /* and msp reaches it through the proxy */
	struct plan_special specials[PLAN_SPECIALS];
	size_t outputs_max_bytes, errors_max_bytes; /* 0: default */
};

struct trial {
	const struct trial_options *options;
	const struct trial_setup *setup;
	enum msp_guarantee guarantee;
	size_t messages;
	uint64_t random;
	char folder[PATH_MAX / 4];                     /* of its own, removed after success */
	struct server *server;                         /* of this program; NULL: another one is used, or none */
	char url[PATH_MAX / 2], msp_url[PATH_MAX / 2]; /* for us, and for msp */
	char prefix[64];
	struct msp_topics topics;
	struct msp_transport *transport;
	struct plan plan;
	struct progress progress;
	struct generator generator;
	struct verifier verifier;
	struct process processes[TRIAL_PROCESSES];
	size_t kills;
	size_t repeats_per_fault, repeats_explained;
	struct counts counts;
	bool concluded;
};

/* Prepares everything but the processes; nothing is sent yet. False: see progress.failure. trial_done in any case. */
bool trial_init(struct trial *trial, const struct trial_options *options, const struct trial_setup *setup,
                const char *cell, enum msp_guarantee guarantee, size_t messages);
/* Ends everything, and removes the folder of a trial that did not fail. */
void trial_done(struct trial *trial);

/* Up to `faults` will strike that may make at_least_once repeat results. What one of them may repeat is made so little
 * that all of them together explain half of the messages: no more are under way at a time and, if marks are lost, no
 * more come in the time that a mark may lag. Without this call, and on a broker that does not mark apart, nothing may
 * be repeated. */
void trial_expect_repeats(struct trial *trial, size_t faults, bool marks_are_lost);
/* So many have struck that are no kills. */
void trial_explain_repeats(struct trial *trial, size_t faults);
/* One of them strikes. */
void trial_strike(struct trial *trial);

/* Most helpers note a failure themselves; a cell ends when one is false. */

bool trial_delete_topic(struct trial *trial, enum msp_topic_kind kind);
bool trial_create_topic(struct trial *trial, enum msp_topic_kind kind);
/* How many messages one partition of inputs got so far; 0 where there is none yet. */
bool trial_count_inputs(struct trial *trial, size_t partition, int64_t *ret_count);

/* Starts `msp run` in a place, with environment `variables` (as in process_start). */
bool trial_start_with(struct trial *trial, size_t place, const char *const *variables);
bool trial_start(struct trial *trial, size_t place);
/* Starts the processes 0 … count - 1 and waits until they are ready. */
bool trial_start_all(struct trial *trial, size_t count);
bool trial_wait_ready(struct trial *trial, size_t place);
/* Ends a process with SIGKILL. */
void trial_kill(struct trial *trial, size_t place);
/* Asks a process to stop; it must end with status 0 in time. */
bool trial_stop(struct trial *trial, size_t place);
/* Waits for the end of a process by a signal. */
bool trial_wait_death(struct trial *trial, size_t place, int signal);

/* Lets the generator send up to `allowed` messages, `window` more than are settled. */
void trial_allow(struct trial *trial, size_t allowed, size_t window);
/* Waits until so many are settled; a process that ends meanwhile, or no progress for long, is a failure. */
bool trial_wait_settled(struct trial *trial, size_t count);
/* Waits until the generator has sent so many; with as many allowed it rests then. */
bool trial_wait_sent(struct trial *trial, size_t count);
/* As trial_wait_settled, for the messages from `from` on alone. */
bool trial_wait_settled_since(struct trial *trial, size_t from, size_t count);
/* Lets twice the time pass; nothing may be settled in the second half. */
bool trial_stands_still(struct trial *trial, int milliseconds);
/* Fails when a process has ended by itself. */
bool trial_processes_live(struct trial *trial);
/* Waits for a line in the log of a process. */
bool trial_wait_log(struct trial *trial, size_t place, const char *text);
/* The same, for one more than the `before` that were there. */
bool trial_wait_log_beyond(struct trial *trial, size_t place, const char *text, size_t before);

/* Lets the rest be sent and settled, stops the processes gracefully, counts, and compares with what the guarantee
 * says. */
bool trial_conclude(struct trial *trial);

#endif
