#include "wakeup.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum msp_status redis_wakeup_init(struct redis_wakeup *wakeup, struct msp_error *err)
{
	atomic_init(&wakeup->woken, false);
	wakeup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup->fd < 0)
		return msp_error_set(err, MSP_E_NO_MEMORY, "no file descriptor to wait with: %s", strerror(errno));
	return MSP_OK;
}

void redis_wakeup_done(struct redis_wakeup *wakeup)
{
	if (wakeup->fd >= 0)
		close(wakeup->fd);
	wakeup->fd = -1;
}

void redis_wakeup_wake(struct redis_wakeup *wakeup)
{
	atomic_store(&wakeup->woken, true);
	uint64_t one = 1;
	/* It fails only when the counter is full, and then the wait ends anyway. */
	while (write(wakeup->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

bool redis_wakeup_take(struct redis_wakeup *wakeup)
{
	if (!atomic_exchange(&wakeup->woken, false))
		return false;
	uint64_t count;
	while (read(wakeup->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	return true;
}
