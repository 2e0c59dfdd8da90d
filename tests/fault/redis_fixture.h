/* What tests of the Redis transport share: a server of their own, and a client that talks to it behind msp's back. */
#ifndef REDIS_FIXTURE_H
#define REDIS_FIXTURE_H

#include "redis_server.h"
#include "transport_fixture.h"
#include <hiredis/hiredis.h>

extern struct redis_server redis_fixture_server;

/* Starts the server with these flags and runs the tests on it; returns what main returns. Prints nothing but results.
 */
int redis_fixture_run(const char *name, const struct CMUnitTest *tests, size_t count, const char *const *flags);

/* Runs a command, formatted as by printf, as the server's default user, and returns its answer; free it. Asserts that
 * it is no error. A space ends a word. */
#define redis_run(...) redis_run_line(redis_format(__VA_ARGS__))
/* The same, for its number. */
#define redis_number(...) redis_number_of(redis_format(__VA_ARGS__))

extern char redis_line[512];
#define redis_format(...) (snprintf(redis_line, sizeof(redis_line), __VA_ARGS__), redis_line)
redisReply *redis_run_line(char *line);
long long redis_number_of(char *line);

/* A number that INFO says after `name`, "field:"; 0: it is not there. */
long long redis_info_number(const char *name);

/* A consumer of the fixture's topics with a guarantee; `url` NULL: the server's. */
struct msp_consumer *consumer_open_with(struct fixture *fixture, enum msp_guarantee guarantee, const char *instance);

/* Waits for AGAIN with an error, and returns it. */
struct msp_error settle_again(struct msp_consumer *consumer);
/* Waits for a receive that fails, drops what comes before, and returns why. */
struct msp_error receive_failure(struct msp_consumer *consumer);

#endif
