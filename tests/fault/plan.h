/* The plan: every message that a trial sends, and what must become of it. A message follows from its id alone, so
 * whoever meets one can tell whether it is as it was sent. */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#include <msp/transport.h>

enum plan_kind {
	PLAN_VALID,      /* {"id": 17, "key": "k3", "seq": 5}: goes to outputs as it is */
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
};

struct plan {
	struct plan_item *items; /* by id; owned */
	size_t count;
	int64_t timestamp_ms; /* of id 0; each next one a millisecond later */
	bool any_timestamp;   /* the broker replaces them */
};

/* Messages of a kind that is not among the usual ones, spread over the plan. */
struct plan_special {
	enum plan_kind kind;
	size_t count;
};
#define PLAN_SPECIALS 2

/* False: no memory. */
bool plan_init(struct plan *plan, size_t count, uint64_t seed, const struct plan_special specials[PLAN_SPECIALS]);
void plan_done(struct plan *plan);

/* Where a message is written; caller storage, used again and again. */
struct plan_text {
	char value[PLAN_HUGE_BYTES + 128];
	char key[16];
	char id[24];
	struct msp_header headers[2];
};

/* The message of `id`; borrows `text`. */
void plan_write(const struct plan *plan, size_t id, struct plan_text *text, struct msp_message *ret_message);

/* Whether a message that was read from `route` is the result of one in the plan, byte for byte. When not, `reason` says
 * what is strange about it. */
bool plan_recognise(const struct plan *plan, enum msp_route route, const struct msp_message *message, size_t *ret_id,
                    char *reason, size_t reason_size);

#endif
