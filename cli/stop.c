#include "stop.h"

#include "complain.h"

#include <errno.h>
#include <msp/clock.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* timeout(1) sends its signal twice, to its child and to its group: what comes this soon is no second request. */
#define SAME_REQUEST_MS 250

struct stop {
	pthread_t thread;
	int signals; /* signalfd */
	int asked_event;
	int end_event;
	atomic_bool is_asked;
	int64_t asked_ms;     /* of the stop's own thread */
	pthread_mutex_t lock; /* of the two below */
	void (*asked)(void *context);
	void *context;
};

bool stop_is_asked(const struct stop *stop)
{
	return atomic_load(&stop->is_asked);
}

static void event_raise(int event)
{
	uint64_t one = 1;
	ssize_t written = write(event, &one, sizeof(one));
	(void)written; /* an eventfd that is at its limit is raised already */
}

static void signal_take(struct stop *stop)
{
	struct signalfd_siginfo info;
	if (read(stop->signals, &info, sizeof(info)) != sizeof(info))
		return;
	int64_t now = msp_monotonic_ms();
	if (stop_is_asked(stop) && now < stop->asked_ms + SAME_REQUEST_MS)
		return;
	if (atomic_exchange(&stop->is_asked, true))
		_exit(EXIT_INTERRUPTED);
	stop->asked_ms = now;
	event_raise(stop->asked_event);
	pthread_mutex_lock(&stop->lock);
	if (stop->asked)
		stop->asked(stop->context);
	pthread_mutex_unlock(&stop->lock);
}

static void *stop_thread(void *argument)
{
	struct stop *stop = argument;
	struct pollfd ready[2] = {{.fd = stop->signals, .events = POLLIN}, {.fd = stop->end_event, .events = POLLIN}};
	while (poll(ready, 2, -1) >= 0 || errno == EINTR) {
		if (ready[1].revents)
			break;
		if (ready[0].revents)
			signal_take(stop);
	}
	return NULL;
}

static void descriptors_close(struct stop *stop)
{
	const int descriptors[] = {stop->signals, stop->asked_event, stop->end_event};
	for (size_t i = 0; i < 3; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

struct stop *stop_new(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	struct stop *stop = calloc(1, sizeof(*stop));
	if (!stop) {
		complain("out of memory");
		return NULL;
	}
	pthread_mutex_init(&stop->lock, NULL);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	stop->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	stop->asked_event = eventfd(0, EFD_CLOEXEC);
	stop->end_event = eventfd(0, EFD_CLOEXEC);
	if (stop->signals >= 0 && stop->asked_event >= 0 && stop->end_event >= 0 &&
	    !pthread_create(&stop->thread, NULL, stop_thread, stop))
		return stop;
	complain("cannot wait for signals: %s", strerror(errno));
	descriptors_close(stop);
	pthread_mutex_destroy(&stop->lock);
	free(stop);
	return NULL;
}

/* The signals stay blocked: what comes now changes nothing any more. */
void stop_free(struct stop *stop)
{
	if (!stop)
		return;
	event_raise(stop->end_event);
	pthread_join(stop->thread, NULL);
	descriptors_close(stop);
	pthread_mutex_destroy(&stop->lock);
	free(stop);
}

void stop_watch(struct stop *stop, void (*asked)(void *context), void *context)
{
	pthread_mutex_lock(&stop->lock);
	stop->asked = asked;
	stop->context = context;
	if (asked && stop_is_asked(stop))
		asked(context);
	pthread_mutex_unlock(&stop->lock);
}

bool stop_wait_ms(struct stop *stop, int timeout_ms)
{
	struct pollfd asked = {.fd = stop->asked_event, .events = POLLIN};
	if (poll(&asked, 1, timeout_ms) < 0 && errno != EINTR)
		return true;
	return stop_is_asked(stop);
}
