#include "watch.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

/* The longest wait: a change by a program that does not notify is seen then. */
#define WAIT_MAX_MS   500
#define WAIT_BLIND_MS 5 /* without inotify */
#define EVENT_SPACE   4096

enum msp_status sqlite_watch_init(struct sqlite_watch *watch, const struct sqlite_file *file, struct msp_error *err)
{
	*watch = (struct sqlite_watch){.inotify = -1};
	watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->wake < 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no file descriptor to wait with: %s", strerror(errno));
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify >= 0 && inotify_add_watch(watch->inotify, file->path, IN_ATTRIB) < 0) {
		close(watch->inotify);
		watch->inotify = -1;
	}
	return MSP_OK;
}

void sqlite_watch_follow(struct sqlite_watch *watch, const struct sqlite_file *file)
{
	/* Should it fail, waits still end after WAIT_MAX_MS. */
	if (watch->inotify >= 0)
		(void)inotify_add_watch(watch->inotify, file->path, IN_ATTRIB);
}

void sqlite_watch_done(struct sqlite_watch *watch)
{
	if (watch->inotify >= 0)
		close(watch->inotify);
	if (watch->wake >= 0)
		close(watch->wake);
}

static void drain(int fd)
{
	char events[EVENT_SPACE];
	while (read(fd, events, sizeof(events)) > 0)
		continue;
}

void sqlite_watch_arm(struct sqlite_watch *watch)
{
	if (watch->inotify >= 0)
		drain(watch->inotify);
}

void sqlite_watch_wait(struct sqlite_watch *watch, int64_t timeout_ms)
{
	int limit_ms = watch->inotify >= 0 ? WAIT_MAX_MS : WAIT_BLIND_MS;
	if (timeout_ms > limit_ms)
		timeout_ms = limit_ms;
	/* poll ignores a negative descriptor */
	struct pollfd fds[] = {{.fd = watch->wake, .events = POLLIN}, {.fd = watch->inotify, .events = POLLIN}};
	(void)poll(fds, 2, timeout_ms > 0 ? (int)timeout_ms : 0);
}

void sqlite_watch_wake(struct sqlite_watch *watch)
{
	uint64_t one = 1;
	/* It fails only when the counter is full, and then the wait ends anyway. */
	while (write(watch->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

bool sqlite_watch_was_woken(struct sqlite_watch *watch)
{
	uint64_t count;
	return read(watch->wake, &count, sizeof(count)) > 0;
}
