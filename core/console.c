#include <msp/console.h>

#include "text.h"
#include <msp/clock.h>
#include <msp/thread.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define QUEUE_SIZE    ((size_t)1 << 18)
#define WRITE_WAIT_MS 100 /* how long a caller waits for the thread */
#define EXIT_FLUSH_MS 500

/* Lines wait in `queue`, from `taken` to `size`; it is refilled from its beginning after it has become empty. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t thread; /* writes what waits, and may block in write(2) */
	bool thread_runs;
	atomic_bool ending;
	bool stuck; /* a caller has waited in vain; until the queue is empty nobody waits again */
	uint64_t dropped;
	uint64_t bytes_queued, bytes_written; /* since start */
	size_t taken, size;
	char queue[QUEUE_SIZE];
} console = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t console_once = PTHREAD_ONCE_INIT;

/* ---- fork ---- */

static void fork_prepare(void)
{
	pthread_mutex_lock(&console.mutex);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&console.mutex);
}

/* A child has no threads but the one that forked, and what waits is its parent's to write. */
static void fork_child(void)
{
	console.thread_runs = false;
	console.dropped = 0;
	console.taken = console.size = 0;
	console.bytes_written = console.bytes_queued;
	pthread_mutex_init(&console.mutex, NULL);
	console.stuck = !msp_condition_init(&console.changed);
}

static void console_init(void)
{
	console.stuck = !msp_condition_init(&console.changed);
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static void console_lock(void)
{
	pthread_once(&console_once, console_init);
	pthread_mutex_lock(&console.mutex);
}

static void console_unlock(void)
{
	pthread_mutex_unlock(&console.mutex);
}

static bool console_is_idle(void)
{
	return console.taken == console.size && !console.dropped;
}

/* ---- writing at once ---- */

/* Writes what stderr takes without blocking. Its O_NONBLOCK is left alone: other processes share that flag. */
static ssize_t write_now(const char *text, size_t size)
{
	struct stat info;
	struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = size};
	if (fstat(STDERR_FILENO, &info) != 0)
		return -1;
	if (S_ISREG(info.st_mode))
		return write(STDERR_FILENO, text, size);
	if (S_ISSOCK(info.st_mode))
		return send(STDERR_FILENO, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return pwritev2(STDERR_FILENO, &piece, 1, -1, RWF_NOWAIT);
}

/* Terminals, and pipes of older kernels, cannot be asked not to block. */
static bool would_block(int error)
{
	return error == EAGAIN || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

/* Returns how much of the text is dealt with: written, or lost because nobody listens. */
static size_t text_write_now(const char *text, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t written = write_now(text + done, size - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 && would_block(errno) ? done : size;
		done += (size_t)written;
	}
	return size;
}

/* ---- the thread ---- */

static void cancel_pending_enable(bool enable)
{
	int before;
	pthread_setcancelstate(enable ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, &before);
}

static void writable_wait(void)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	poll(&ready, 1, WRITE_WAIT_MS);
}

/* May block for ever: whoever unloads this code cancels it, so that no variable here may need an address. */
static ssize_t write_cancellable(const char *text, size_t size)
{
	cancel_pending_enable(true);
	ssize_t written = write(STDERR_FILENO, text, size);
	int error = errno;
	cancel_pending_enable(false);
	errno = error;
	return written;
}

/* Writes everything, however long that takes. */
static void text_write_blocking(const char *text, size_t size)
{
	while (size > 0 && !atomic_load(&console.ending)) {
		ssize_t written = write_cancellable(text, size);
		if (written < 0 && errno == EAGAIN)
			writable_wait();
		else if (written > 0)
			text += written, size -= (size_t)written;
		else if (written == 0 || errno != EINTR)
			break; /* nobody listens: there is nowhere to say so */
	}
}

/* Writes the next line without holding the lock: lines are added behind it meanwhile. */
static void line_write(void)
{
	const char *line = console.queue + console.taken;
	const char *end = memchr(line, '\n', console.size - console.taken);
	size_t size = end ? (size_t)(end - line) + 1 : console.size - console.taken;
	console_unlock();
	text_write_blocking(line, size);
	console_lock();
	console.taken += size;
	console.bytes_written += size;
	pthread_cond_broadcast(&console.changed);
}

static void dropped_say(void)
{
	char time[MSP_TEXT_TIME_LENGTH + 1];
	uint64_t dropped = console.dropped;
	console.dropped = 0;
	msp_text_time(time, msp_wall_ms());
	int size = snprintf(console.queue, QUEUE_SIZE,
	                    "time=%s level=warn msg=\"stderr took nothing for a while: lines were dropped\" lines=%llu\n",
	                    time, (unsigned long long)dropped);
	console.size = (size_t)size;
	console.bytes_queued += (size_t)size;
}

static void *console_thread(void *argument)
{
	cancel_pending_enable(false);
	console_lock();
	while (!console.ending) {
		if (console.taken < console.size) {
			line_write();
			continue;
		}
		console.taken = console.size = 0;
		if (console.dropped > 0) {
			dropped_say();
			continue;
		}
		console.stuck = false;
		pthread_cond_broadcast(&console.changed);
		pthread_cond_wait(&console.changed, &console.mutex);
	}
	console_unlock();
	return argument;
}

static bool thread_ensure(void)
{
	if (!console.thread_runs && !console.ending)
		console.thread_runs = msp_thread_start(&console.thread, console_thread, NULL, NULL) == MSP_OK;
	return console.thread_runs;
}

/* ---- the queue ---- */

/* Once a line is dropped all are until the queue is empty, so that the gap is one. */
static bool queue_add(const char *text, size_t size)
{
	if (console.dropped > 0 || size > QUEUE_SIZE - console.size) {
		console.dropped++;
		return false;
	}
	memcpy(console.queue + console.size, text, size);
	console.size += size;
	console.bytes_queued += size;
	pthread_cond_broadcast(&console.changed);
	return true;
}

static void queue_wait_written(void)
{
	uint64_t until = console.bytes_queued;
	int64_t deadline_ms = msp_deadline_in(WRITE_WAIT_MS);
	while (console.bytes_written < until && !console.stuck)
		console.stuck = !msp_condition_wait(&console.changed, &console.mutex, deadline_ms);
}

/* No thread can be had, or any more: another process may fill the pipe in between, and then this blocks. */
static void text_write_when_ready(const char *text, size_t size)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	if (poll(&ready, 1, 0) != 1 || write(STDERR_FILENO, text, size) < 0)
		console.dropped++;
}

void msp_console_write(const char *text, size_t size)
{
	int saved_errno = errno;
	size_t all = size < MSP_CONSOLE_TEXT_SIZE ? size : MSP_CONSOLE_TEXT_SIZE;
	console_lock();
	size_t done = console_is_idle() ? text_write_now(text, all) : 0;
	if (done < all && !thread_ensure())
		text_write_when_ready(text + done, all - done);
	else if (done < all && queue_add(text + done, all - done))
		queue_wait_written();
	console_unlock();
	errno = saved_errno;
}

void msp_console_offer(const char *text, size_t size)
{
	int saved_errno = errno;
	console_lock();
	if (console_is_idle() && size <= MSP_CONSOLE_TEXT_SIZE) {
		size_t done = text_write_now(text, size);
		if (done < size && thread_ensure())
			queue_add(text + done, size - done);
	}
	console_unlock();
	errno = saved_errno;
}

static bool console_wait_idle(int timeout_ms)
{
	int64_t deadline_ms = msp_deadline_in(timeout_ms);
	while (console.thread_runs && !console_is_idle())
		if (!msp_condition_wait(&console.changed, &console.mutex, deadline_ms))
			break;
	return console_is_idle();
}

bool msp_console_flush(int timeout_ms)
{
	console_lock();
	bool idle = console_wait_idle(timeout_ms);
	console_unlock();
	return idle;
}

/* The thread must be gone before its code is. */
__attribute__((destructor)) static void console_end(void)
{
	console_lock();
	console_wait_idle(EXIT_FLUSH_MS);
	bool thread_runs = console.thread_runs;
	console.ending = true;
	console.thread_runs = false;
	pthread_cond_broadcast(&console.changed);
	console_unlock();
	if (!thread_runs)
		return;
	pthread_cancel(console.thread);
	pthread_join(console.thread, NULL);
}
