/* Programs that run until they are told to stop, under measurement. Every failure ends the bench. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <sys/types.h>

/* Starts argv[0] (a path) with stdin from /dev/null. It dies with the bench. */
pid_t server_start(const char *const argv[]);
/* Waits until the file is there, at most so many seconds. */
void server_await_file(pid_t server, const char *path, double seconds);
/* Ends it with SIGTERM, and it must end with status 0. */
void server_stop(pid_t server);
/* Ends it with SIGKILL. */
void server_kill(pid_t server);
void server_must_run(pid_t server);

/* As the operating system sees it now. */
double server_resident_mib(pid_t server);
double server_cpu_ns(pid_t server);

void server_nap(long ns);

#endif
