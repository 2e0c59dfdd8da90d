/* Any bytes as what a server answers to a consumer: replies become messages and verdicts on what was published. Every
 * byte of an entry is in its message; what is no entry becomes none; a batch ends with a verdict on each of its
 * messages; and memory is linear in the bytes.
 *
 * The first byte is the consumer, bits of CONSUMER_…; the rest are chunks. A chunk that begins with '<' is for the
 * connection that reads, if that one waits for an answer. */
#include "consumer.h"
#include "redis_link.h"
#include "transport.h"
#include <msp/log.h>

#define CONSUMER_EXACTLY_ONCE 1
#define CONSUMER_REPLICAS     2
#define CONSUMER_SMALL        4 /* batches */

#define ROUNDS_PER_CHUNK 4
/* A header for a field, which takes 12 bytes; a message for [id, fields], which takes 19; and the first block. */
#define BYTES_PER_BYTE (sizeof(struct msp_message) / 19 + sizeof(struct msp_header) / 12 + 2)
#define FIRST_BLOCK    4096

struct fixture {
	struct redis_transport transport;
	struct redis_consumer *consumer;
	struct msp_receive_limits limits;
	int reads, writes; /* the server's ends */
	struct msp_bytes input;
	size_t size; /* of all input */
};

static void fixture_init(struct fixture *fixture, int flags, struct msp_bytes input)
{
	/* Nothing waits; a lost connection cannot be made again. */
	*fixture = (struct fixture){
	    .transport.endpoint = {.address = {.path = "/nowhere/redis.sock", .name = "unix:///nowhere/redis.sock"},
	                           .options = {.timeout_ms = 10000,
	                                       .lease_ms = 10000,
	                                       .wait_replicas = flags & CONSUMER_REPLICAS ? 1 : 0}},
	    .limits = {.max_messages = flags & CONSUMER_SMALL ? 2 : 1000,
	               .max_bytes = flags & CONSUMER_SMALL ? 64 : 1 << 20},
	    .input = input,
	    .size = input.size,
	};
	struct redis_endpoint *endpoint = &fixture->transport.endpoint;
	struct msp_consumer_config config = {
	    .inputs = "m.inputs",
	    .outputs = "m.outputs",
	    .errors = "m.errors",
	    .group = "m",
	    .guarantee = flags & CONSUMER_EXACTLY_ONCE ? MSP_EXACTLY_ONCE : MSP_AT_LEAST_ONCE,
	};
	redis_resolver_init(&endpoint->resolver, &endpoint->address);
	redis_heartbeat_init(&fixture->transport.heartbeat, endpoint);
	must(redis_consumer_new(&fixture->transport, &config, &fixture->consumer, NULL) == MSP_OK, "there is memory");
	struct redis_session *session = &fixture->consumer->session;
	session->lease.consumer = strdup("one/0");
	must(session->lease.consumer != NULL, "there is memory");
	fixture->reads = link_plug(&session->reads, SOCK_STREAM);
	fixture->writes = link_plug(&session->writes, SOCK_STREAM);
}

static void fixture_done(struct fixture *fixture)
{
	msp_consumer_free(&fixture->consumer->base);
	redis_heartbeat_done(&fixture->transport.heartbeat);
	redis_resolver_done(&fixture->transport.endpoint.resolver);
	close(fixture->reads);
	close(fixture->writes);
}

/* The server answers; false: it has nothing left to say, or nobody listens. */
static bool server_speaks(struct fixture *fixture)
{
	const struct redis_link *reads = &fixture->consumer->session.reads, *writes = &fixture->consumer->session.writes;
	struct msp_bytes chunk;
	if (!redis_link_is_up(reads) || !redis_link_is_up(writes))
		return false;
	if (reads->count == 0 && writes->count == 0)
		return fixture->input.size > 0; /* nothing was asked */
	if (!chunk_next(&fixture->input, &chunk))
		return false;
	bool to_reads = chunk.size > 0 && *(const char *)chunk.data == '<';
	if (to_reads)
		chunk = msp_bytes_of((const char *)chunk.data + 1, chunk.size - 1);
	to_reads = writes->count == 0 || (to_reads && reads->count > 0);
	(void)!send(to_reads ? fixture->reads : fixture->writes, chunk.data, chunk.size, MSG_NOSIGNAL);
	return true;
}

static void check_parser(const struct fixture *fixture, const struct redis_link *link)
{
	if (!link->parser.reader)
		return;
	const redisReply *unfinished = link->parser.reader->reply;
	must(!unfinished || unfinished->elements <= REDIS_PARSER_ELEMENTS_MAX, "an answer announces a bounded number");
	must(link->parser.reader->len <= fixture->size, "what is kept is what came");
}

/* ---- messages ---- */

static bool is_at(struct msp_bytes bytes, const redisReply *word)
{
	return bytes.data == word->str && bytes.size == (size_t)word->len;
}

static bool holds(const struct msp_message *message, const redisReply *name, const redisReply *value)
{
	if (is_at(message->value, value) || is_at(message->key, value))
		return true;
	for (size_t i = 0; i < message->header_count; i++) {
		const struct msp_header *header = &message->headers[i];
		const char *end = (const char *)header->name.data + header->name.size;
		if (end == name->str + name->len)
			return header->value.data ? is_at(header->value, value) : value->len == 0;
	}
	return false;
}

static void check_message(const struct msp_message *message, const redisReply *entry)
{
	const redisReply *fields = entry->element[1];
	must(message->id == entry->element[0]->str && strpbrk(message->id, "-"), "a message has its entry's id");
	must(message->attempts >= 1, "a message was delivered");
	if (message->defect == MSP_DEFECT_EXPIRED) {
		must(fields->type == REDIS_REPLY_NIL && !message->value.data, "an entry is gone when the server says so");
		return;
	}
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		bool is_nothing = fields->element[i + 1]->len == 0 && strcmp(fields->element[i]->str, "null") == 0;
		must(is_nothing || holds(message, fields->element[i], fields->element[i + 1]), "no byte of an entry is lost");
	}
	must(fields->elements % 2 == 0, "fields have values");
}

static void check_batch(const struct fixture *fixture, const struct redis_batch *batch)
{
	const struct redis_entries *all = batch->entries;
	must(batch->base.count > 0 && batch->base.count <= fixture->limits.max_messages, "a batch is within the limits");
	must(msp_arena_used(&all->arena) <= FIRST_BLOCK + BYTES_PER_BYTE * fixture->size, "memory is linear in the bytes");
	/* [how often, entries] or [[topic, entries]] */
	const redisReply *entries = all->redelivered ? all->reply->element[1] : all->reply->element[0]->element[1];
	must(entries->elements == all->count, "every entry is a message");
	for (size_t i = 0; i < batch->base.count; i++) {
		const struct msp_message *message = &batch->base.messages[i];
		check_message(message, entries->element[message - all->messages]);
	}
}

/* ---- settling ---- */

static void check_settled(const struct msp_outgoing *outgoing, size_t count)
{
	for (size_t i = 0; i < count; i++)
		must(outgoing[i].state == MSP_OUTGOING_PUBLISHED || outgoing[i].state == MSP_OUTGOING_ALREADY_SETTLED,
		     "what is settled was published, now or before");
}

/* Sends each message on, every other one as an error. False: it remains in flight. */
static bool settle(struct fixture *fixture, struct msp_batch *batch, struct msp_outgoing *outgoing)
{
	struct msp_consumer *consumer = &fixture->consumer->base;
	enum msp_settle_answer answer;
	for (size_t i = 0; i < batch->count; i++)
		outgoing[i] =
		    (struct msp_outgoing){.route = i % 2 ? MSP_ROUTE_ERRORS : MSP_ROUTE_OUTPUTS, .message = batch->messages[i]};
	msp_consumer_settle_begin(consumer, batch, outgoing);
	do {
		bool speaks = server_speaks(fixture);
		struct msp_error err = {.status = MSP_OK};
		answer = msp_consumer_settle_wait(consumer, 0, &err);
		check_parser(fixture, &fixture->consumer->session.writes);
		if (answer == MSP_SETTLE_AGAIN && !speaks)
			return false;
	} while (answer == MSP_SETTLE_AGAIN);
	if (answer == MSP_SETTLE_OK)
		check_settled(outgoing, batch->count);
	return true;
}

/* ---- the target ---- */

/* False: the server has said what it had to say. */
static bool receive_and_settle(struct fixture *fixture)
{
	struct msp_consumer *consumer = &fixture->consumer->base;
	struct msp_batch *batch = NULL;
	struct msp_error err = {.status = MSP_OK};
	bool speaks = server_speaks(fixture);
	if (msp_consumer_receive(consumer, &fixture->limits, &batch, &err) != MSP_OK)
		must(err.text[0] != '\0' && err.retriable, "what a server says is a reason to try again");
	check_parser(fixture, &fixture->consumer->session.reads);
	if (!batch)
		return speaks;
	struct msp_outgoing *outgoing = calloc(batch->count, sizeof(*outgoing));
	must(outgoing != NULL, "there is memory");
	check_batch(fixture, (struct redis_batch *)batch);
	bool is_settled = settle(fixture, batch, outgoing);
	if (is_settled)
		msp_consumer_batch_free(consumer, batch);
	free(outgoing);
	return is_settled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture fixture;
	if (size == 0)
		return 0;
	msp_log_set_level(MSP_LOG_ERROR);
	fixture_init(&fixture, data[0], msp_bytes_of(data + 1, size - 1));
	size_t rounds = ROUNDS_PER_CHUNK;
	for (size_t i = 1; i < size; i++)
		rounds += data[i] == '~' ? ROUNDS_PER_CHUNK : 0;
	while (rounds-- > 0 && receive_and_settle(&fixture))
		continue;
	fixture_done(&fixture);
	return 0;
}
