/* What can happen to what a Redis server holds while it runs: rights, memory, data, groups. */
#include "cells.h"

#include <hiredis/hiredis.h>
#include <msp/clock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 16

/* ---- the server, behind msp's back ---- */

static int line_split(char *line, const char *words[WORDS_MAX])
{
	int count = 0;
	for (char *rest, *word = strtok_r(line, " ", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return count;
}

/* Runs a command, formatted as by printf; a space ends a word. */
static bool server_run(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool server_run(struct trial *trial, const char *format, ...)
{
	char line[640];
	const char *words[WORDS_MAX] = {NULL};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	redisContext *context = redisConnect("127.0.0.1", atoi(strrchr(trial->url, ':') + 1));
	int count = line_split(line, words);
	redisReply *reply = context && !context->err ? redisCommandArgv(context, count, words, NULL) : NULL;
	bool done = reply && reply->type != REDIS_REPLY_ERROR;
	if (!done)
		progress_fail(&trial->progress, "%s: %s", format, reply ? reply->str : "the server does not answer");
	freeReplyObject(reply);
	redisFree(context);
	return done;
}

/* ---- what the processes say ---- */

static void log_count(const struct trial *trial, const char *text, size_t counts[PAIR])
{
	for (size_t i = 0; i < PAIR; i++)
		counts[i] = process_log_count(&trial->processes[i], text);
}

/* Waits until each has said it once more. */
static bool each_says(struct trial *trial, const char *text, const size_t before[PAIR])
{
	for (size_t i = 0; i < PAIR; i++)
		if (!trial_wait_log_beyond(trial, i, text, before[i]))
			return false;
	return true;
}

/* ---- a server that refuses for a while ---- */

/* Waits until one of them has said it once more: the others may have nothing in hand. */
static bool one_says(struct trial *trial, const char *text, const size_t before[PAIR])
{
	const int interval_ms = 20, patience_ms = 20000;
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	do {
		for (size_t i = 0; i < PAIR; i++)
			if (process_log_count(&trial->processes[i], text) > before[i])
				return true;
		progress_pause(&trial->progress, interval_ms);
	} while (msp_monotonic_ms() < deadline_ms);
	progress_fail(&trial->progress, "no process said: %s", text);
	return false;
}

/* One command takes away, another gives back; between them nothing is settled and whoever has something waits. It is
 * given back in any case: other cells use the server too. */
static bool refuse_for_a_while(struct trial *trial, const char *take, const char *give)
{
	static const char waiting[] = "waiting for the broker";
	size_t before[PAIR];
	log_count(trial, waiting, before);
	trial->kills++;
	bool held = server_run(trial, "%s", take) && trial_stands_still(trial, trial->options->full ? 2000 : 500) &&
	            one_says(trial, waiting, before);
	return server_run(trial, "%s", give) && held;
}

/* msp comes as a user whose right to add to anything, then to use outputs and errors at all, ends. */
bool run_rights_end(struct trial *trial)
{
	size_t count = rounds(trial, 2, 6);
	char keys[600];
	snprintf(keys, sizeof(keys), "ACL SETUSER worker resetkeys ~%s*", trial->topics.name[MSP_TOPIC_INPUTS]);
	snprintf(trial->msp_url, sizeof(trial->msp_url), "redis://worker:secret@127.0.0.1%s", strrchr(trial->url, ':'));
	if (!server_run(trial, "ACL SETUSER worker reset on >secret ~* +@all") || !trial_start_all(trial, PAIR))
		return false;
	flow(trial, count);
	for (size_t i = 0; i < count; i++) {
		bool commands = i % 2 == 0;
		if (!trial_wait_settled(trial, place_in_flow(trial, i, count)) ||
		    !refuse_for_a_while(trial, commands ? "ACL SETUSER worker -xadd" : keys,
		                        commands ? "ACL SETUSER worker +xadd" : "ACL SETUSER worker resetkeys ~*"))
			return false;
	}
	return trial_conclude(trial);
}

/* The generator is refused as well, and tries on. */
bool run_memory_full(struct trial *trial)
{
	size_t count = rounds(trial, 1, 4);
	if (!trial_start_all(trial, PAIR) || !server_run(trial, "CONFIG SET maxmemory-policy noeviction"))
		return false;
	flow(trial, count);
	for (size_t i = 0; i < count; i++)
		if (!trial_wait_settled(trial, place_in_flow(trial, i, count)) ||
		    !refuse_for_a_while(trial, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"))
			return false;
	return trial_conclude(trial);
}

/* ---- data that go ---- */

static const char gone[] = "the consumer group or its topic is gone";

static bool topics_create_again(struct trial *trial)
{
	for (int kind = 0; kind < MSP_TOPIC_KINDS; kind++)
		if (!trial_create_topic(trial, (enum msp_topic_kind)kind))
			return false;
	return true;
}

/* Everything goes, results too. What was sent until then may be lost, and nothing after it. */
bool run_flushall(struct trial *trial)
{
	size_t count = rounds(trial, 1, 3), from = 0;
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t until = trial->messages * (i + 1) / (count + 1), before[PAIR];
		if (!load(trial, from, until))
			return false;
		log_count(trial, gone, before);
		trial->verifier.pardon = (struct pardon){.lost_before = until, .results_deleted = true};
		trial->kills++;
		if (!server_run(trial, "FLUSHALL") || !each_says(trial, gone, before) || !topics_create_again(trial))
			return false;
		from = until;
	}
	return trial_conclude(trial);
}

/* At least once the group is made anew, by whoever comes first, and who reads next only after that sees nothing of it;
 * exactly once every process asks for a decision. */
static bool group_comes_back(struct trial *trial, const size_t asked[PAIR], const size_t made[PAIR])
{
	const char *inputs = trial->topics.name[MSP_TOPIC_INPUTS], *group = trial->topics.group;
	const int interval_ms = 20, patience_ms = 20000;
	if (trial->guarantee == MSP_EXACTLY_ONCE)
		return each_says(trial, "type XGROUP CREATE", asked) &&
		       server_run(trial, "XGROUP CREATE %s %s 0", inputs, group);
	int64_t deadline_ms = msp_monotonic_ms() + patience_ms;
	size_t now[PAIR] = {made[0], made[1]};
	for (; now[0] + now[1] == made[0] + made[1]; log_count(trial, "every entry of the topic comes", now)) {
		if (msp_monotonic_ms() >= deadline_ms) {
			progress_fail(&trial->progress, "nobody said that everything comes again");
			return false;
		}
		progress_pause(&trial->progress, interval_ms);
	}
	return true;
}

/* The group forgets what was settled: all of it comes once more, whether msp or an operator decides so. */
bool run_group_deleted(struct trial *trial)
{
	size_t count = rounds(trial, 1, 2), from = 0;
	if (!trial_start_all(trial, PAIR))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t until = trial->messages * (i + 1) / (count + 1), asked[PAIR], made[PAIR];
		if (!load(trial, from, until))
			return false;
		log_count(trial, "type XGROUP CREATE", asked);
		log_count(trial, "every entry of the topic comes", made);
		trial->verifier.pardon = (struct pardon){.repeated_before = until, .repeats = i + 1};
		trial->kills++;
		if (!server_run(trial, "XGROUP DESTROY %s %s", trial->topics.name[MSP_TOPIC_INPUTS], trial->topics.group) ||
		    !group_comes_back(trial, asked, made))
			return false;
		from = until;
	}
	return trial_conclude(trial);
}
