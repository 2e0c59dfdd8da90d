#include "stop.h"

#include "complain.h"

#include <errno.h>
#include <msp/clock.h>
#include <msp/console.h>
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
#define NO_LIMIT        (-1)
#define LAST_WORDS_MS   200 /* how long stderr may take them */

struct stop {
	pthread_t thread;
	int signals; /* signalfd */
	int asked_event;
	int change_event; /* `ending`, `begun_ms` or `limit_ms` has changed */
	atomic_bool is_asked, ending;
	_Atomic int64_t begun_ms; /* since when the limit counts, 0: not yet */
	atomic_int limit_ms;      /* NO_LIMIT: none */
	int64_t asked_ms;         /* of the stop's own thread */
	pthread_mutex_t lock;     /* of all below */
	void (*asked)(void *context);
	void *context;
	void (*last_words)(void *context);
	void *last_words_context;
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

static void event_take(int event)
{
	uint64_t count;
	ssize_t size = read(event, &count, sizeof(count));
	(void)size; /* one that was not raised has nothing to take */
}

/* The first call counts. */
static void begin_at(struct stop *stop, int64_t now)
{
	int64_t not_yet = 0;
	atomic_compare_exchange_strong(&stop->begun_ms, &not_yet, now);
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
	begin_at(stop, now);
	event_raise(stop->asked_event);
	pthread_mutex_lock(&stop->lock);
	if (stop->asked)
		stop->asked(stop->context);
	pthread_mutex_unlock(&stop->lock);
}

/* Whatever hangs, hangs on: its memory and its locks are left to it. */
static void process_leave(struct stop *stop)
{
	complain("not stopped after %d ms: ended without waiting any longer; what was in hand is not settled",
	         atomic_load(&stop->limit_ms));
	if (pthread_mutex_trylock(&stop->lock) == 0 && stop->last_words)
		stop->last_words(stop->last_words_context);
	msp_console_flush(LAST_WORDS_MS);
	_exit(EXIT_SOME_FAILED);
}

/* How long until the limit is over, for poll. */
static int limit_left_ms(const struct stop *stop)
{
	int64_t begun_ms = atomic_load(&stop->begun_ms);
	int limit_ms = atomic_load(&stop->limit_ms);
	return begun_ms == 0 || limit_ms == NO_LIMIT ? -1 : msp_deadline_left_ms(begun_ms + limit_ms);
}

static void *stop_thread(void *argument)
{
	struct stop *stop = argument;
	struct pollfd ready[2] = {{.fd = stop->signals, .events = POLLIN}, {.fd = stop->change_event, .events = POLLIN}};
	while (!atomic_load(&stop->ending)) {
		int left_ms = limit_left_ms(stop);
		if (left_ms == 0)
			process_leave(stop);
		if (poll(ready, 2, left_ms) < 0 && errno != EINTR)
			break;
		if (ready[1].revents)
			event_take(stop->change_event);
		if (ready[0].revents)
			signal_take(stop);
	}
	return NULL;
}

static void descriptors_close(struct stop *stop)
{
	const int descriptors[] = {stop->signals, stop->asked_event, stop->change_event};
	for (size_t i = 0; i < 3; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

/* nohup has set it so; a signalfd would see the signal nevertheless. */
static bool is_ignored(int signal)
{
	struct sigaction action;
	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

struct stop *stop_new(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (!is_ignored(SIGHUP))
		sigaddset(&signals, SIGHUP);
	struct stop *stop = calloc(1, sizeof(*stop));
	if (!stop) {
		complain("out of memory");
		return NULL;
	}
	pthread_mutex_init(&stop->lock, NULL);
	stop->limit_ms = NO_LIMIT;
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	stop->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	stop->asked_event = eventfd(0, EFD_CLOEXEC);
	stop->change_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop->signals >= 0 && stop->asked_event >= 0 && stop->change_event >= 0 &&
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
	atomic_store(&stop->ending, true);
	event_raise(stop->change_event);
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

void stop_limit(struct stop *stop, int limit_ms, void (*last_words)(void *context), void *context)
{
	pthread_mutex_lock(&stop->lock);
	stop->last_words = last_words;
	stop->last_words_context = context;
	pthread_mutex_unlock(&stop->lock);
	atomic_store(&stop->limit_ms, limit_ms);
	event_raise(stop->change_event);
}

void stop_begin(struct stop *stop)
{
	begin_at(stop, msp_monotonic_ms());
	event_raise(stop->change_event);
}

bool stop_wait_ms(struct stop *stop, int timeout_ms)
{
	struct pollfd asked = {.fd = stop->asked_event, .events = POLLIN};
	if (poll(&asked, 1, timeout_ms) < 0 && errno != EINTR)
		return true;
	return stop_is_asked(stop);
}
