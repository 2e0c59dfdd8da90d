/* Fault points in what settles a batch: amid_publish, before_commit, after_commit. Loaded with LD_PRELOAD, it stands
 * before the sending of commands. Results are published by XADD or, with their inputs' mark, by EVALSHA; the mark alone
 * is XACK. Amid means that the server has got the first half of the commands. */
#include "fault_point.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#define INTERPOSED __attribute__((visibility("default")))

typedef ssize_t send_fn(int descriptor, const void *bytes, size_t size, int flags);

static send_fn *next_send(void)
{
	void *symbol = dlsym(RTLD_NEXT, "send");
	send_fn *function;
	if (!symbol) {
		fprintf(stderr, "no function send to stand before\n");
		abort();
	}
	memcpy(&function, &symbol, sizeof(function));
	return function;
}

static bool has_command(const void *bytes, size_t size, const char *command)
{
	return memmem(bytes, size, command, strlen(command)) != NULL;
}

INTERPOSED ssize_t send(int descriptor, const void *bytes, size_t size, int flags)
{
	send_fn *next = next_send();
	bool scripts = has_command(bytes, size, "\r\nEVALSHA\r\n");
	bool publishes = scripts || has_command(bytes, size, "\r\nXADD\r\n");
	bool commits = scripts || has_command(bytes, size, "\r\nXACK\r\n");
	if (!publishes && !commits)
		return next(descriptor, bytes, size, flags);
	if (commits)
		fault_point("before_commit");
	ssize_t half = next(descriptor, bytes, size / 2, flags);
	if (half < (ssize_t)(size / 2))
		return half;
	if (publishes)
		fault_point("amid_publish");
	ssize_t rest = next(descriptor, (const char *)bytes + half, size - (size_t)half, flags);
	if (commits && rest == (ssize_t)(size - (size_t)half))
		fault_point("after_commit");
	return rest < 0 ? half : half + rest;
}
