/* How long a dead server is missed, amid a trickle of inputs. */
#ifndef BENCH_RECOVERY_H
#define BENCH_RECOVERY_H

#include "probe.h"

/* Begins a trickle of 1,000 inputs per second, and waits until it is served. */
struct probe *recovery_probe_start(const struct probe_ops *ops, const struct stream *stream);
/* Seconds from the kill to the first output of an input that was sent after it, on every partition. */
double recovery_await_s(struct probe *probe, int partitions, double killed_ns);
/* The same for a command that serves the stream: it is started, killed amid its work, and started again. */
double recovery_restart_s(const char *const command[], const struct probe_ops *ops, const struct stream *stream);

double recovery_longest(const double *samples, int count);

#endif
