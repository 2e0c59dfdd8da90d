/* What benches share: clocks, medians, processes measured from outside, and the line that ./dev bench collects. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the bench with exit status 2 and `what` on stderr unless `condition` holds. */
void bench_must(bool condition, const char *what);

double bench_wall_ns(void);
double bench_thread_cpu_ns(void);
double bench_process_cpu_ns(void);

/* Sorts `samples` and gives the middle one. */
double bench_median(double *samples, size_t count);

/* Prints the line for `ours` beside its `floor`, both in `unit` with that many decimals. `met` is yours to decide. */
void bench_report(const char *what, double floor, double ours, const char *unit, int decimals, bool met,
                  const char *target);
/* The same where there is no floor. */
void bench_report_alone(const char *what, double ours, const char *unit, int decimals, bool met, const char *target);

/* A process that has ended, as the operating system saw it. */
struct bench_usage {
	double wall_ns, cpu_ns;
	long max_rss_kib;
};

/* Runs a program to its end, stdin and stdout at these files (NULL: /dev/null). Ends the bench unless it exits with 0.
 */
struct bench_usage bench_run(const char *const argv[], const char *stdin_path, const char *stdout_path);
/* The same for a function in a child process. */
struct bench_usage bench_call(void (*function)(void), const char *stdin_path, const char *stdout_path);

/* The path of the program under test, from MSP_BUILD_DIR. Constant. */
const char *bench_program(void);
/* Makes a temporary directory and goes there; it is removed when the bench ends. */
void bench_enter_directory(void);

#endif
