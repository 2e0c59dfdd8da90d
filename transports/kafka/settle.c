#include "settle.h"

#include <assert.h>

void kafka_settle_begin(struct kafka_settle *settle, bool publishes)
{
	assert(settle->next == KAFKA_DO_NOTHING);
	settle->publishes = publishes;
	settle->outcome_unknown = settle->topic_gone = false;
	settle->next = KAFKA_DO_PREPARE;
}

static void settle_end(struct kafka_settle *settle, enum msp_settle_answer answer)
{
	settle->answer = answer;
	settle->next = KAFKA_DO_ANSWER;
}

/* What a failed client left open is aborted by the broker when the new one inits its transactions. */
static void settle_recreate(struct kafka_settle *settle)
{
	settle->producer_invalid = true;
	settle->transaction_open = false;
	settle->next = KAFKA_DO_RECREATE;
}

/* With a client that is as it should be. */
static enum kafka_action first_of_batch(const struct kafka_settle *settle)
{
	if (settle->transactional)
		return KAFKA_DO_BEGIN;
	return settle->publishes ? KAFKA_DO_PRODUCE : KAFKA_DO_STORE;
}

static void settle_abort(struct kafka_settle *settle, enum kafka_action after)
{
	settle->after_abort = after;
	settle->next = settle->transaction_open ? KAFKA_DO_ABORT : after;
}

static void prepare_saw(struct kafka_settle *settle, enum kafka_saw saw)
{
	if (saw == KAFKA_SAW_INVALID || settle->producer_invalid)
		settle_recreate(settle);
	else
		settle->next = first_of_batch(settle);
}

static void produce_saw(struct kafka_settle *settle, enum kafka_saw saw)
{
	switch (saw) {
	case KAFKA_SAW_DONE:
		settle->next = settle->transactional ? KAFKA_DO_SEND_OFFSETS : KAFKA_DO_STORE;
		break;
	case KAFKA_SAW_REJECTED:
		settle->answer = MSP_SETTLE_REJECTED;
		settle_abort(settle, KAFKA_DO_ANSWER);
		break;
	case KAFKA_SAW_REFUSED:
		/* That the transaction is over by then spares the new client a wait: librdkafka asks only every half second
		 * whether the broker has ended it. */
		settle_abort(settle, KAFKA_DO_RECREATE);
		break;
	case KAFKA_SAW_FAILED:
		settle->producer_invalid |= settle->transactional;
		settle->transaction_open = false;
		settle->next = KAFKA_DO_PREPARE;
		break;
	default:
		settle_recreate(settle);
		break;
	}
}

static void done_saw(struct kafka_settle *settle)
{
	switch (settle->next) {
	case KAFKA_DO_RECREATE:
		settle->producer_invalid = false;
		settle->next = settle->transactional ? KAFKA_DO_INIT : first_of_batch(settle);
		break;
	case KAFKA_DO_INIT:
		settle->next = settle->outcome_unknown ? KAFKA_DO_CHECK : KAFKA_DO_BEGIN;
		break;
	case KAFKA_DO_BEGIN:
		settle->transaction_open = true;
		settle->next = settle->publishes ? KAFKA_DO_PRODUCE : KAFKA_DO_SEND_OFFSETS;
		break;
	case KAFKA_DO_SEND_OFFSETS:
		settle->outcome_unknown = true;
		settle->next = KAFKA_DO_COMMIT;
		break;
	case KAFKA_DO_COMMIT:
	case KAFKA_DO_STORE:
		settle->transaction_open = false;
		settle_end(settle, MSP_SETTLE_OK);
		break;
	default:
		break;
	}
}

static void check_saw(struct kafka_settle *settle, enum kafka_saw saw)
{
	if (saw == KAFKA_SAW_COMMITTED) {
		settle_end(settle, MSP_SETTLE_OK);
	} else {
		settle->outcome_unknown = false;
		settle->next = KAFKA_DO_BEGIN;
	}
}

static void abort_saw(struct kafka_settle *settle, enum kafka_saw saw)
{
	settle->transaction_open = false;
	if (saw == KAFKA_SAW_INVALID || settle->after_abort == KAFKA_DO_RECREATE)
		settle->producer_invalid = true;
	settle->next = settle->after_abort;
}

/* No abort while the membership is lost: it may hang. */
static void lost_saw(struct kafka_settle *settle)
{
	if (settle->transaction_open || settle->next == KAFKA_DO_INIT || settle->next == KAFKA_DO_CHECK)
		settle->producer_invalid = true;
	settle->transaction_open = false;
	settle_end(settle, MSP_SETTLE_LOST);
}

static void revoked_saw(struct kafka_settle *settle)
{
	if (settle->next == KAFKA_DO_INIT || settle->next == KAFKA_DO_CHECK)
		settle->producer_invalid = true;
	settle->answer = MSP_SETTLE_LOST;
	settle_abort(settle, KAFKA_DO_ANSWER);
}

void kafka_settle_see(struct kafka_settle *settle, enum kafka_saw saw)
{
	assert(settle->next != KAFKA_DO_NOTHING && settle->next != KAFKA_DO_ANSWER);
	if (saw == KAFKA_SAW_NOT_YET)
		return;
	if (saw == KAFKA_SAW_LOST) {
		lost_saw(settle);
	} else if (saw == KAFKA_SAW_REVOKED) {
		revoked_saw(settle);
	} else if (saw == KAFKA_SAW_FATAL) {
		settle->transaction_open = false;
		settle_end(settle, MSP_SETTLE_FAILED);
	} else if (saw == KAFKA_SAW_TOPIC_GONE) {
		/* Not tried again: the offsets must not come to another topic of the same name. */
		settle->topic_gone = settle->producer_invalid = true;
		settle->transaction_open = false;
		settle_end(settle, MSP_SETTLE_LOST);
	} else if (settle->next == KAFKA_DO_ABORT) {
		abort_saw(settle, saw);
	} else if (settle->next == KAFKA_DO_PREPARE) {
		prepare_saw(settle, saw);
	} else if (settle->next == KAFKA_DO_PRODUCE) {
		produce_saw(settle, saw);
	} else if (settle->next == KAFKA_DO_CHECK) {
		check_saw(settle, saw);
	} else if (saw == KAFKA_SAW_INVALID) {
		settle_recreate(settle);
	} else {
		done_saw(settle);
	}
}
