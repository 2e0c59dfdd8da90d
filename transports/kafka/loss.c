#include "loss.h"

#include <msp/clock.h>

/* The client looks for topics every ten seconds (client.c). */
#define LATELY_MS 15000

static size_t lately(const struct kafka_loss *loss)
{
	return msp_monotonic_ms() - loss->at_ms < LATELY_MS ? loss->unsettled : 0;
}

void kafka_loss_note(struct kafka_loss *loss, size_t unsettled)
{
	if (unsettled <= lately(loss))
		return;
	loss->unsettled = unsettled;
	loss->at_ms = msp_monotonic_ms();
}

size_t kafka_loss_take(struct kafka_loss *loss, size_t unsettled)
{
	size_t before = lately(loss);
	loss->unsettled = 0;
	return unsettled > before ? unsettled : before;
}
