/* The plan: every message that a trial sends, and what must become of it. A message follows from its id alone, so
 * whoever meets one can tell whether it is as it was sent. */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#include <msp/codec.h>
#include <msp/transport.h>

enum plan_kind {
	PLAN_VALID,      /* {"id": 17, "key": "k3", "seq": 5} in the codec's encoding: goes to outputs as it is */
	PLAN_BROKEN,     /* half of it: malformed */
	PLAN_NOT_OBJECT, /* [17]: schema_violation */
	PLAN_NULL,       /* no value: missing_value */
	PLAN_SLOW,       /* valid, and the model takes PLAN_SLOW_MS for it */
	PLAN_ABORT,      /* the model ends its process: delivery_limit */
	PLAN_BIG,        /* valid, with an output of PLAN_BIG_BYTES that its topic refuses: output_rejected */
	PLAN_HUGE,       /* so large that the error record is refused too: output_rejected without the value */
};

#define PLAN_KEYS       64
#define PLAN_SLOW_MS    3000
#define PLAN_BIG_BYTES  4000
#define PLAN_HUGE_BYTES 20000

struct plan_item {
	uint32_t sequence; /* within its key */
	uint16_t key;
	uint8_t kind; /* enum plan_kind */
	uint32_t value_size;
	size_t value_begin; /* in the plan's values */
};

struct plan {
	struct plan_item *items; /* by id; owned */
	size_t count;
	struct msp_buffer values; /* all, encoded */
	int64_t timestamp_ms;     /* of id 0; each next one a millisecond later */
	bool any_timestamp;       /* the broker replaces them */
};

/* Messages of a kind that is not among the usual ones, spread over the plan. */
struct plan_special {
	enum plan_kind kind;
	size_t count;
};
#define PLAN_SPECIALS 2

/* The encodings that a plan can be written in, ended by NULL. */
extern const struct msp_codec_ops *const plan_codecs[];

/* Writes values as `codec` does, so that the output of a model which answers with its input has the same bytes. False:
 * no memory. plan_done in any case. */
bool plan_init(struct plan *plan, const struct msp_codec_ops *codec, size_t count, uint64_t seed,
               const struct plan_special specials[PLAN_SPECIALS]);
void plan_done(struct plan *plan);

/* Where a message is written; caller storage, used again and again. */
struct plan_text {
	char key[16];
	char id[24];
	struct msp_header headers[2];
};

/* The message of `id`; borrows `text` and, for its value, `plan`. */
void plan_write(const struct plan *plan, size_t id, struct plan_text *text, struct msp_message *ret_message);

/* False: it has no id of the plan. */
bool plan_id_read(const struct plan *plan, const struct msp_message *message, size_t *ret_id);

/* Whether a message that was read from `route` is the result of one in the plan, byte for byte. When not, `reason` says
 * what is strange about it. */
bool plan_recognise(const struct plan *plan, enum msp_route route, const struct msp_message *message, size_t *ret_id,
                    char *reason, size_t reason_size);

#endif
