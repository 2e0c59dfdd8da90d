/* Exactly once: a thread that carries a settle out while the worker computes the next batch. A transaction is several
 * round trips one after another, and librdkafka begins none of them by itself. Handing the results over is the thread's
 * work too: the worker is what limits the rate. */
#include "consumer.h"

#include <assert.h>
#include <time.h>

/* How long one turn holds the lock, and how long the owner has it between two. */
#define TURN_MS  5
#define PAUSE_MS 1
/* The same while something stands in the way, doubled from turn to turn: a try may be a new client with a new login. */
#define TROUBLE_MS     20
#define TROUBLE_MAX_MS 1000

void kafka_drive_init(struct kafka_drive *drive)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&drive->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&drive->lock, NULL);
}

void kafka_drive_done(struct kafka_drive *drive)
{
	pthread_cond_destroy(&drive->changed);
	pthread_mutex_destroy(&drive->lock);
}

void kafka_drive_wait(struct kafka_drive *drive, int timeout_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&drive->changed, &drive->lock, &until);
}

static int next_pause_ms(int pause_ms, const struct msp_error *why)
{
	if (why->status == MSP_OK)
		return PAUSE_MS;
	if (pause_ms < TROUBLE_MS)
		return TROUBLE_MS;
	return pause_ms < TROUBLE_MAX_MS / 2 ? 2 * pause_ms : TROUBLE_MAX_MS;
}

static void *drive_main(void *context)
{
	int pause_ms = PAUSE_MS;
	struct kafka_consumer *consumer = context;
	struct kafka_drive *drive = &consumer->drive;
	const struct kafka_settle *settle = &consumer->settle;
	pthread_mutex_lock(&drive->lock);
	while (!drive->stopping) {
		if (!kafka_settle_is_under_way(settle)) {
			pthread_cond_wait(&drive->changed, &drive->lock);
			continue;
		}
		kafka_settle_advance(consumer, TURN_MS);
		pause_ms = next_pause_ms(pause_ms, &settle->why);
		if (kafka_settle_is_under_way(settle))
			kafka_drive_wait(drive, pause_ms);
		else
			pthread_cond_broadcast(&drive->changed);
	}
	pthread_mutex_unlock(&drive->lock);
	return NULL;
}

enum msp_status kafka_drive_start(struct kafka_consumer *consumer, struct msp_error *err)
{
	struct kafka_drive *drive = &consumer->drive;
	assert(!drive->runs);
	int code = pthread_create(&drive->thread, NULL, drive_main, consumer);
	if (code != 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no thread for transactions: %s", strerror(code));
	drive->runs = true;
	return MSP_OK;
}

void kafka_drive_stop(struct kafka_drive *drive)
{
	if (!drive->runs)
		return;
	pthread_mutex_lock(&drive->lock);
	drive->stopping = true;
	pthread_cond_broadcast(&drive->changed);
	pthread_mutex_unlock(&drive->lock);
	pthread_join(drive->thread, NULL);
	drive->runs = false;
}
