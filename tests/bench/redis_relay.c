#include "redis_relay.h"

#include "bench.h"
#include "fused.h"
#include "redis_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       ((size_t)1000)
#define BLOCK       "100"
#define FIELDS_MAX  16
#define SCRIPT_HEAD 6 /* words before the first message's */

/* ARGV: group, then id and value of each. */
static const char script[] = "local call, argv, inputs, outputs, added = redis.call, ARGV, KEYS[1], KEYS[2], 0 "
                             "local group = argv[1] "
                             "for i = 2, #argv, 2 do "
                             "  if call('XACK', inputs, group, argv[i]) == 1 then "
                             "    call('XADD', outputs, '*', 'value', argv[i + 1]) "
                             "    added = added + 1 "
                             "  end "
                             "end "
                             "return added";

struct relay {
	const struct redis_relay_config *config;
	redisContext *client;
	char script[41]; /* its name */
	size_t asked;    /* messages, in all */
	/* A command of one word per message and more. */
	const char *words[2 * BATCH + SCRIPT_HEAD];
	size_t sizes[2 * BATCH + SCRIPT_HEAD];
	size_t word_count;
	char results[BATCH][FUSED_RESULT_SIZE];
};

/* Entries whose results are on their way. */
struct batch {
	redisReply *reply;    /* owned */
	redisReply **entries; /* [id, fields] */
	size_t count;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* ---- commands ---- */

static void put(struct relay *relay, const char *word, size_t size)
{
	relay->words[relay->word_count] = word;
	relay->sizes[relay->word_count++] = size;
}

static void put_string(struct relay *relay, const char *word)
{
	put(relay, word, strlen(word));
}

static void put_end(struct relay *relay)
{
	bench_must(redisAppendCommandArgv(relay->client, (int)relay->word_count, relay->words, relay->sizes) == REDIS_OK,
	           "memory");
	relay->word_count = 0;
}

/* ---- reading ---- */

static void batch_ask(struct relay *relay)
{
	const struct redis_relay_config *config = relay->config;
	size_t left = config->count - relay->asked, most = config->count && left < BATCH ? left : BATCH;
	char count[24];
	snprintf(count, sizeof(count), "%zu", most);
	const char *const words[] = {"XREADGROUP", "GROUP", config->group, "floor", "COUNT", count};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put_string(relay, words[i]);
	if (!config->two_in_flight) {
		put_string(relay, "BLOCK");
		put_string(relay, BLOCK);
	}
	put_string(relay, "STREAMS");
	put_string(relay, config->inputs);
	put_string(relay, ">");
	put_end(relay);
	relay->asked += most;
}

/* Answers are nil or [[stream, entries]]. */
static struct batch batch_take(struct relay *relay)
{
	void *reply = NULL;
	bench_must(redisGetReply(relay->client, &reply) == REDIS_OK, relay->client->errstr);
	struct batch batch = {.reply = reply};
	bench_must(batch.reply->type != REDIS_REPLY_ERROR, batch.reply->str);
	if (batch.reply->type == REDIS_REPLY_ARRAY) {
		const redisReply *entries = batch.reply->element[0]->element[1];
		batch.entries = entries->element;
		batch.count = entries->elements;
	}
	return batch;
}

static void batch_free(struct batch *batch)
{
	if (batch->reply)
		freeReplyObject(batch->reply);
	*batch = (struct batch){.count = 0};
}

/* ---- results ---- */

static void value_put(struct relay *relay, const redisReply *value, char *result)
{
	const struct redis_relay_config *config = relay->config;
	if (config->answer)
		put(relay, result, config->answer(config->context, value->str, (size_t)value->len, result));
	else
		put(relay, value->str, (size_t)value->len);
}

static void result_add(struct relay *relay, const redisReply *fields, char *result)
{
	bench_must(fields->elements <= FIELDS_MAX, "reading an input");
	put(relay, "XADD", 4);
	put_string(relay, relay->config->outputs);
	put(relay, "*", 1);
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		const redisReply *name = fields->element[i], *value = fields->element[i + 1];
		put(relay, name->str, (size_t)name->len);
		if (strcmp(name->str, "value") == 0)
			value_put(relay, value, result);
		else
			put(relay, value->str, (size_t)value->len);
	}
	put_end(relay);
}

static void settle_by_pipeline(struct relay *relay, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		result_add(relay, batch->entries[i]->element[1], relay->results[i]);
	put(relay, "XACK", 4);
	put_string(relay, relay->config->inputs);
	put_string(relay, relay->config->group);
	for (size_t i = 0; i < batch->count; i++)
		put(relay, batch->entries[i]->element[0]->str, (size_t)batch->entries[i]->element[0]->len);
	put_end(relay);
}

static void settle_by_script(struct relay *relay, const struct batch *batch)
{
	const char *const head[SCRIPT_HEAD] = {
	    "EVALSHA", relay->script, "2", relay->config->inputs, relay->config->outputs, relay->config->group};
	for (size_t i = 0; i < SCRIPT_HEAD; i++)
		put_string(relay, head[i]);
	for (size_t i = 0; i < batch->count; i++) {
		const redisReply *id = batch->entries[i]->element[0], *fields = batch->entries[i]->element[1];
		put(relay, id->str, (size_t)id->len);
		value_put(relay, fields->element[1], relay->results[i]);
	}
	put_end(relay);
}

static void results_check(struct relay *relay, struct batch *batch)
{
	if (batch->count > 0) {
		if (!relay->config->by_script)
			for (size_t i = 0; i < batch->count; i++)
				freeReplyObject(redis_client_answer(relay->client, REDIS_REPLY_STRING));
		bench_must(redis_client_number(relay->client) == (long long)batch->count, "settling a batch");
	}
	batch_free(batch);
}

/* ---- the loop ---- */

static bool relay_has_more(const struct relay *relay)
{
	return relay->config->count == 0 ? !stopping : relay->asked < relay->config->count;
}

/* Takes the batch that was asked for and sends its results. */
static struct batch relay_turn(struct relay *relay)
{
	struct batch batch = batch_take(relay);
	if (relay->config->two_in_flight && relay_has_more(relay)) {
		batch_ask(relay);
		redis_client_flush(relay->client); /* the server reads it while we work on this one */
	}
	if (batch.count > 0)
		(relay->config->by_script ? settle_by_script : settle_by_pipeline)(relay, &batch);
	redis_client_flush(relay->client);
	return batch;
}

static void relay_run(struct relay *relay)
{
	struct batch last = {.count = 0};
	size_t taken = 0;
	batch_ask(relay);
	while (relay->config->count ? taken < relay->config->count : !stopping) {
		struct batch batch = relay_turn(relay);
		taken += batch.count;
		results_check(relay, &last);
		last = batch;
		if (relay->config->two_in_flight)
			continue;
		results_check(relay, &last);
		if (relay_has_more(relay))
			batch_ask(relay);
	}
	results_check(relay, &last);
}

void redis_relay(const struct redis_relay_config *config)
{
	bench_must(config->count > 0 || !config->two_in_flight, "ending with two in flight");
	struct relay *relay = calloc(1, sizeof(*relay));
	bench_must(relay != NULL, "memory");
	relay->config = config;
	relay->client = redis_client_new(config->port);
	signal(SIGTERM, stop);
	redisReply *reply = redis_client_ask(relay->client, "SCRIPT LOAD %s", script);
	snprintf(relay->script, sizeof(relay->script), "%s", reply->str);
	freeReplyObject(reply);
	relay_run(relay);
	redisFree(relay->client);
	free(relay);
}
