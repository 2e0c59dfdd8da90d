/* The transport contract: what a broker's client must do so that the pipeline keeps its promise on it.
 *
 * A transport is opened from a URL and yields four kinds of object: consumers (read a topic on behalf of a consumer
 * group and settle what was read), producers (publish only), readers (browse a topic without a group) and one admin.
 * Objects of one transport may be used by different threads at the same time, each object by one thread, its owner,
 * except where a slot says [any thread]. An object must be freed before its transport.
 *
 * Strings in the config structs are borrowed for the call; a transport copies what it keeps.
 *
 * A transport fills in the ops structs. Everybody else calls the functions behind each of them, msp_consumer_receive
 * and the like: they assert the order of calls and note how long a call overran its timeout. */
#ifndef MSP_TRANSPORT_H
#define MSP_TRANSPORT_H

#include <msp/message.h>
#include <msp/option.h>

enum msp_guarantee { MSP_AT_LEAST_ONCE, MSP_EXACTLY_ONCE };

/* ---- consumer ---- */

struct msp_consumer_config {
	const char *inputs, *outputs, *errors; /* topic names; outputs and errors NULL: nothing is ever published */
	const char *group;                     /* consumer group */
	const char *instance;                  /* this process's name for good, or NULL */
	int slot;                              /* number of this worker in its process, from 0 */
	enum msp_guarantee guarantee;
	int commit_interval_ms; /* how far committed offsets may lag under MSP_AT_LEAST_ONCE */
};

struct msp_receive_limits {
	size_t max_messages; /* > 0 */
	size_t max_bytes;    /* > 0; the first message is delivered whatever its size */
	int timeout_ms;      /* 0: what is there now */
};

/* Messages that were received together. The caller owns a batch until batch_free. At most two are alive at a time: one
 * in flight, one being computed. A batch stays readable through "lost", reconnects and whatever else happens to the
 * consumer. */
struct msp_batch {
	const struct msp_message *messages; /* owned by the batch */
	size_t count;                       /* > 0 */
};

enum msp_route { MSP_ROUTE_OUTPUTS, MSP_ROUTE_ERRORS };
enum msp_outgoing_state {
	MSP_OUTGOING_PENDING,
	MSP_OUTGOING_PUBLISHED,
	/* The broker will never take this one message: too large, refused by its policy for records. A topic that takes
	 * nothing at all (missing, wrong type, no right) is no reason: that is "again". */
	MSP_OUTGOING_REJECTED,
	/* Its input was settled already, by another consumer or by an earlier try whose answer was lost; nothing was
	 * published now. Brokers that settle entry by entry (Redis) know it; those that hold partitions answer "lost". */
	MSP_OUTGOING_ALREADY_SETTLED,
};

/* The one result of one input. */
struct msp_outgoing {
	enum msp_route route;
	/* What to publish. `partition` is the input's: the result goes to the partition of that number where the topic has
	 * it, otherwise to msp_partition_of_key, otherwise (no key) to any. topic, offset, id and attempts are not read. */
	struct msp_message message;
	/* Set to PENDING by core; the transport moves it on. After "rejected" core replaces a rejected one, makes it
	 * PENDING again and begins anew with the same array; PUBLISHED ones are never sent twice. */
	enum msp_outgoing_state state;
	/* Why it was rejected: one sentence, borrowed from the transport until the next settle_begin. */
	const char *reason;
	bool timestamp_refused; /* with REJECTED: it is the timestamp that the topic does not take */
};

enum msp_settle_answer {
	/* Every result is PUBLISHED durably (or ALREADY_SETTLED) and every input consumed; under MSP_AT_LEAST_ONCE the
	 * committed offset follows within commit_interval_ms, or at free. */
	MSP_SETTLE_OK,
	/* Those in state REJECTED can never be published; a result for all of them in one answer. Under MSP_EXACTLY_ONCE
	 * those PENDING are not published, and those PUBLISHED are so together with their inputs' offsets. */
	MSP_SETTLE_REJECTED,
	MSP_SETTLE_AGAIN,  /* not yet: the timeout passed, or the broker cannot now (err says why; err->status is MSP_OK
	                      when it is only slow). Call again; the transport repairs its own clients */
	MSP_SETTLE_LOST,   /* the batch is no longer ours. Everything received and not settled is void; the consumer
	                      reads again from the last settled position of whatever it still holds. A batch that was
	                      received before the loss and is settled after it answers LOST as well */
	MSP_SETTLE_FAILED, /* no waiting will mend it (a damaged file); err says what */
};

struct msp_consumer {
	const struct msp_consumer_ops *ops; /* set by the transport; the rest is zero at open and belongs to the wrappers */
	const struct msp_batch *in_flight;  /* from settle_begin to the answer */
	int batches;                        /* alive: received and not freed */
	int longest_overrun_ms;             /* most by which a call took longer than its timeout */
};

/* What a consumer knows of its connections; -1 where it does not. */
struct msp_consumer_stats {
	int connections_up, connections_down;
	uint64_t connects; /* since open */
	int64_t prefetched_messages, prefetched_bytes;
	int64_t round_trip_us;
};

struct msp_consumer_ops {
	/* Takes the next messages. Required. May read ahead up to the limits of the last call, so that a call with timeout
	 * 0 has something to give; what was read ahead counts as received and unsettled. Blocks at most limits->timeout_ms;
	 * returns as soon as one message is there with what is there by then. MSP_OK with *ret_batch NULL: nothing came, or
	 * wake was called. A retriable error: the broker cannot now, call again later. Serves the group's duties. May be
	 * called while one batch is in flight. [owner thread] The caller owns the batch. */
	enum msp_status (*receive)(struct msp_consumer *consumer, const struct msp_receive_limits *limits,
	                           struct msp_batch **ret_batch, struct msp_error *err);
	/* Serves the group's duties without taking a message: membership, leases, what is asked of members. Blocks at most
	 * timeout_ms; returns early on wake. Required. Called with no batch in flight, for as long as the worker holds a
	 * batch that it cannot compute yet, which may be hours: nothing may be lost by that alone. [owner thread] A
	 * retriable error: the broker cannot now. */
	enum msp_status (*serve)(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err);
	/* Frees a batch that is not in flight. Required. Not blocking. [owner thread] A batch freed unsettled is not
	 * consumed: it comes back after "lost", or to whoever is the next to open or take over its place in the group. */
	void (*batch_free)(struct msp_consumer *consumer, struct msp_batch *batch);
	/* Begins to publish `outgoing` (one per message of `batch`, in its order) and to mark the batch consumed. Required.
	 * Never waits for the broker; a transport may do short work of its own here or have a thread that carries on.
	 * `outgoing` NULL: nothing to publish, only to consume. At most one batch is in flight. Borrows `batch` and
	 * `outgoing` until settle_wait has given an answer other than AGAIN; a client library that may still send after
	 * LOST has its own copy. [owner thread] */
	void (*settle_begin)(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing);
	/* Waits at most timeout_ms for what settle_begin began; serves the group's duties meanwhile, which may exceed the
	 * timeout by the little that giving up partitions takes. Required. [owner thread] `err` is written for AGAIN when
	 * the broker cannot, for LOST and for FAILED. */
	enum msp_settle_answer (*settle_wait)(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err);
	/* Makes a blocked or the next receive or serve return early. Required. Not blocking. [any thread] */
	void (*wake)(struct msp_consumer *consumer);
	/* What is known of connections and of what was read ahead. Optional: all unknown. Not blocking. [any thread] */
	void (*stats)(struct msp_consumer *consumer, struct msp_consumer_stats *ret_stats);
	/* Leaves the group, commits the offsets of what was settled, frees everything. Required. May
	 * block for a bounded time. A batch in flight is abandoned. [owner thread, or any after the owner has ended] */
	void (*free)(struct msp_consumer *consumer);
};

/* The slots, for callers. batch_free and free accept NULL. */
enum msp_status msp_consumer_receive(struct msp_consumer *consumer, const struct msp_receive_limits *limits,
                                     struct msp_batch **ret_batch, struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_consumer_serve(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err) MSP_NODISCARD;
void msp_consumer_batch_free(struct msp_consumer *consumer, struct msp_batch *batch);
void msp_consumer_settle_begin(struct msp_consumer *consumer, struct msp_batch *batch, struct msp_outgoing *outgoing);
enum msp_settle_answer msp_consumer_settle_wait(struct msp_consumer *consumer, int timeout_ms, struct msp_error *err);
void msp_consumer_wake(struct msp_consumer *consumer);
void msp_consumer_stats(struct msp_consumer *consumer, struct msp_consumer_stats *ret_stats);
void msp_consumer_free(struct msp_consumer *consumer);

/* ---- producer ---- */

struct msp_producer {
	const struct msp_producer_ops *ops;
};

struct msp_producer_ops {
	/* Publishes a batch to `topic` in order and waits until every message has its result or timeout_ms has passed.
	 * Required. `outgoing[i].route` is not read. MSP_OK: none is PENDING (some may be REJECTED). A retriable error:
	 * those still PENDING may be sent again with the same array. [owner thread] */
	enum msp_status (*send)(struct msp_producer *producer, const char *topic, struct msp_outgoing *outgoing,
	                        size_t count, int timeout_ms, struct msp_error *err);
	/* Required. [owner thread] */
	void (*free)(struct msp_producer *producer);
};

enum msp_status msp_producer_send(struct msp_producer *producer, const char *topic, struct msp_outgoing *outgoing,
                                  size_t count, int timeout_ms, struct msp_error *err) MSP_NODISCARD;
void msp_producer_free(struct msp_producer *producer);

/* ---- reader ---- */

enum msp_start {
	MSP_START_BEGINNING,
	MSP_START_END,
	MSP_START_POSITION,  /* `number` is an offset, or `id` a stream id */
	MSP_START_TAIL,      /* `number` messages before the end of each partition */
	MSP_START_TIMESTAMP, /* first message at or after `number` (ms since 1970) */
};

struct msp_reader_config {
	const char *topic;
	int32_t partition; /* MSP_PARTITION_ANY: all */
	enum msp_start start;
	int64_t number;
	const char *id; /* with MSP_START_POSITION on brokers that name positions by id, else NULL */
	int64_t
	    end_timestamp_ms; /* stop each partition before the first message at or after it; MSP_TIMESTAMP_NONE: none */
	bool stop_at_end;     /* stop each partition at the end it had at open */
};

struct msp_reader {
	const struct msp_reader_ops *ops;
};

struct msp_reader_ops {
	/* Reads on. Required. As receive of a consumer: MSP_OK with *ret_count 0 when nothing came in time. *ret_messages
	 * is borrowed until the next call. *ret_end becomes true when nothing more will ever come. [owner thread] */
	enum msp_status (*read)(struct msp_reader *reader, const struct msp_receive_limits *limits,
	                        const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
	                        struct msp_error *err);
	/* Makes a blocked or the next read return early. Required. [any thread] */
	void (*wake)(struct msp_reader *reader);
	/* Required. [owner thread] */
	void (*free)(struct msp_reader *reader);
};

enum msp_status msp_reader_read(struct msp_reader *reader, const struct msp_receive_limits *limits,
                                const struct msp_message **ret_messages, size_t *ret_count, bool *ret_end,
                                struct msp_error *err) MSP_NODISCARD;
void msp_reader_wake(struct msp_reader *reader);
void msp_reader_free(struct msp_reader *reader);

/* ---- admin ---- */

struct msp_property {
	const char *name;
	const char *value;
};

struct msp_topic_spec {
	const char *name;
	int32_t partitions;       /* > 0; ignored by brokers without partitions */
	int32_t replication;      /* 0: the broker's default */
	size_t max_message_bytes; /* 0: the broker's default */
	bool append_time; /* messages get the time at which they come; no effect on brokers that know no other choice */
	const struct msp_property *properties; /* the broker's own topic settings */
	size_t property_count;
	const char *group; /* consumer group to create with the topic where a broker needs that, or NULL */
};

struct msp_partition_info {
	int32_t partition;
	int64_t oldest;                    /* offset of the oldest message; MSP_OFFSET_NONE where positions are ids */
	int64_t newest;                    /* offset that the next message gets; likewise */
	char oldest_id[48], newest_id[48]; /* positions as ids where offsets do not exist, else "" */
	int64_t count;                     /* messages present, or -1 when the broker does not say */
	int64_t waiting; /* behind `newest`: an open transaction keeps them from readers. 0 on brokers without such */
};

/* Ends in the partitions of a topic; owned by the caller, freed with free(). */
struct msp_topic_info {
	size_t partition_count;
	struct msp_partition_info partitions[];
};

/* What a consumer group has not settled yet in one partition. */
struct msp_partition_lag {
	int32_t partition;
	/* 0 as soon as nothing is left that the group could receive; until then a broker may count more than it has
	 * (offsets between messages). */
	int64_t messages;
	/* Timestamp of the oldest of them, read or not; MSP_TIMESTAMP_NONE: there is none, or the broker does not say. */
	int64_t oldest_timestamp_ms;
};

/* Owned by the caller, freed with free(). */
struct msp_group_lag {
	size_t partition_count;
	struct msp_partition_lag partitions[];
};

/* The messages of all partitions. */
int64_t msp_group_lag_messages(const struct msp_group_lag *lag);

struct msp_admin {
	const struct msp_admin_ops *ops;
};

struct msp_admin_ops {
	/* MSP_E_EXISTS when the topic is there. Required. All slots: [owner thread], block at most timeout_ms. */
	enum msp_status (*topic_create)(struct msp_admin *admin, const struct msp_topic_spec *spec, int timeout_ms,
	                                struct msp_error *err);
	/* MSP_E_NOT_FOUND when there is none. Required. */
	enum msp_status (*topic_delete)(struct msp_admin *admin, const char *topic, int timeout_ms, struct msp_error *err);
	/* Calls `visit` for each topic in order of name; the name is borrowed for the call. Required. */
	enum msp_status (*topic_list)(struct msp_admin *admin, void (*visit)(void *context, const char *topic),
	                              void *context, int timeout_ms, struct msp_error *err);
	/* The partitions in order. Required. The caller owns *ret_info (free()). MSP_E_NOT_FOUND when there is no topic. */
	enum msp_status (*topic_describe)(struct msp_admin *admin, const char *topic, struct msp_topic_info **ret_info,
	                                  int timeout_ms, struct msp_error *err);
	/* What the group has not settled of the messages before the ends in `until` (from topic_describe; NULL: the ends of
	 * now), partition by partition. Required. A group that never was has settled nothing. What was deleted, by itself
	 * or with its topic, does not count. The caller owns *ret_lag (free()). One admin answers for any number of groups
	 * and topics in turn, every second, without opening a client for a question. */
	enum msp_status (*group_lag)(struct msp_admin *admin, const char *group, const char *topic,
	                             const struct msp_topic_info *until, struct msp_group_lag **ret_lag, int timeout_ms,
	                             struct msp_error *err);
	/* Required. */
	void (*free)(struct msp_admin *admin);
};

enum msp_status msp_admin_topic_create(struct msp_admin *admin, const struct msp_topic_spec *spec, int timeout_ms,
                                       struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_admin_topic_delete(struct msp_admin *admin, const char *topic, int timeout_ms,
                                       struct msp_error *err);
enum msp_status msp_admin_topic_list(struct msp_admin *admin, void (*visit)(void *context, const char *topic),
                                     void *context, int timeout_ms, struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_admin_topic_describe(struct msp_admin *admin, const char *topic, struct msp_topic_info **ret_info,
                                         int timeout_ms, struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_admin_group_lag(struct msp_admin *admin, const char *group, const char *topic,
                                    const struct msp_topic_info *until, struct msp_group_lag **ret_lag, int timeout_ms,
                                    struct msp_error *err) MSP_NODISCARD;
void msp_admin_free(struct msp_admin *admin);

/* ---- transport ---- */

struct msp_transport_config {
	const char *url;
	/* The transport's own options, a struct that ops->options has filled, or NULL for their defaults. */
	const void *options;
	/* Settings under the transport's prefix that its table does not have, for transports that pass them on. */
	const struct msp_property *properties;
	size_t property_count;
	const char *instance; /* this process's name for good, or NULL; also tells the broker who we are */
};

struct msp_transport {
	const struct msp_transport_ops *ops;
};

struct msp_transport_ops {
	const char *name;                       /* "sqlite"; also the prefix of its options: "sqlite.synchronous" */
	const char *const *schemes;             /* NULL-terminated: {"sqlite", NULL} */
	const struct msp_option_table *options; /* NULL: none */
	bool single_copy;                       /* topics have no replication factor: msp_topic_spec's is ignored */

	/* Two characters to put around what the names of a model's topics share, or NULL: none. Optional. `options` is a
	 * struct that the table has filled. [any thread] */
	const char *(*topic_wrap)(const void *options);
	/* Judges a setting under the prefix that `options` does not have: MSP_E_NOT_FOUND when it is unknown, MSP_E_INVALID
	 * when it must not be set or not so, with the reason, which begins with its key. Such settings go to
	 * config->properties, and open judges them again. Asks no broker. Optional: without it there are none. [any thread]
	 */
	enum msp_status (*property_check)(const struct msp_property *property, struct msp_error *err);
	/* Opens; cheap where possible: a broker that is not there is reported by the first call that needs it, with a
	 * retriable error. Bad URLs and options are refused here; what is refused for a setting begins with its key.
	 * Required. */
	enum msp_status (*open)(const struct msp_transport_config *config, struct msp_transport **ret_transport,
	                        struct msp_error *err);
	/* Required, like the next three. [any thread] MSP_E_CONFLICT: another live process has this instance name.
	 * MSP_E_NOT_FOUND: a topic does not exist (retriable: it may be created any time). */
	enum msp_status (*consumer_open)(struct msp_transport *transport, const struct msp_consumer_config *config,
	                                 struct msp_consumer **ret_consumer, struct msp_error *err);
	enum msp_status (*producer_open)(struct msp_transport *transport, struct msp_producer **ret_producer,
	                                 struct msp_error *err);
	enum msp_status (*reader_open)(struct msp_transport *transport, const struct msp_reader_config *config,
	                               struct msp_reader **ret_reader, struct msp_error *err);
	enum msp_status (*admin_open)(struct msp_transport *transport, struct msp_admin **ret_admin, struct msp_error *err);
	/* Required. Blocks until the transport's own threads have ended. */
	void (*free)(struct msp_transport *transport);
};

enum msp_status msp_transport_consumer_open(struct msp_transport *transport, const struct msp_consumer_config *config,
                                            struct msp_consumer **ret_consumer, struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_transport_producer_open(struct msp_transport *transport, struct msp_producer **ret_producer,
                                            struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_transport_reader_open(struct msp_transport *transport, const struct msp_reader_config *config,
                                          struct msp_reader **ret_reader, struct msp_error *err) MSP_NODISCARD;
enum msp_status msp_transport_admin_open(struct msp_transport *transport, struct msp_admin **ret_admin,
                                         struct msp_error *err) MSP_NODISCARD;
void msp_transport_free(struct msp_transport *transport);

#endif
