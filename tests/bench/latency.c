#include "latency.h"

#include "bench.h"
#include "server.h"

#include <stdio.h>

#define WARM_UP      1000 /* outputs, before */
#define SAMPLES      3000 /* are measured */
#define FIRST_MS     30000
#define DRAIN_MS     1000
#define STALL_MS     10000
#define PERCENTILE99 (SAMPLES * 99 / 100)

struct latency latency_measure(const char *const command[], const struct probe_ops *ops, const struct stream *stream)
{
	static double samples[SAMPLES];
	struct probe_sight sight;
	pid_t server = server_start(command);
	struct probe *probe = probe_start(ops, stream, LATENCY_PER_SECOND);
	for (int i = 0; i < WARM_UP; i++)
		bench_must(probe_next(probe, FIRST_MS, &sight), "seeing the first outputs in time");
	for (int i = 0; i < SAMPLES; i++) {
		bench_must(probe_next(probe, STALL_MS, &sight), "seeing outputs in time");
		samples[i] = (sight.seen_ns - sight.sent_ns) / 1e6;
	}
	probe_stop(probe);
	while (probe_next(probe, DRAIN_MS, &sight))
		continue;
	server_stop(server);
	probe_free(probe);
	double p50_ms = bench_median(samples, SAMPLES);
	/* The median has sorted them. */
	struct latency latency = {p50_ms, samples[PERCENTILE99]};
	fprintf(stderr, "%s: p50 %.2f ms, p99 %.2f ms\n", stream->prefix, latency.p50_ms, latency.p99_ms);
	return latency;
}
