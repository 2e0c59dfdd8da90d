/* A real redis-server for tests: on a port that was free, in a directory of its own. It ends with the thread that
 * started it. MSP_TEST_REDIS=redis://… in the environment: the server that runs there is used instead. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
	char directory[64];
	char url[256];
	int port;
	pid_t pid;                /* 0: it is not ours, or does not run */
	const char *const *flags; /* more words of its command line, ended by NULL; borrowed */
};

/* Starts it and waits until it answers. False, and why on stderr: it cannot be started. */
bool redis_server_start(struct redis_server *server, const char *const *flags);
/* Whether tests may kill it. */
bool redis_server_is_ours(const struct redis_server *server);
void redis_server_signal(const struct redis_server *server, int signal_number);
/* Ends it by a signal and waits for that. */
void redis_server_kill(struct redis_server *server, int signal_number);
/* Starts it again where it was, with the data that it kept. */
bool redis_server_restart(struct redis_server *server);
/* Kills it and removes its directory. */
void redis_server_stop(struct redis_server *server);

/* The URL of one server for the whole program, ended at its exit; NULL: it cannot be started. */
const char *redis_server_url(void);
/* Stops that server, so that it takes requests and answers none, or lets it go on. False: it is not ours. */
bool redis_server_hang(bool hangs);

#endif
