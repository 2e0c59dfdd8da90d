#include "recovery.h"

#include "bench.h"
#include "server.h"

#define PER_SECOND 1000
#define WARM_UP    1000 /* outputs, before the kill */
#define FIRST_MS   30000
#define MISSING_MS 90000

struct probe *recovery_probe_start(const struct probe_ops *ops, const struct stream *stream)
{
	struct probe *probe = probe_start(ops, stream, PER_SECOND);
	struct probe_sight sight;
	for (int i = 0; i < WARM_UP; i++)
		bench_must(probe_next(probe, FIRST_MS, &sight), "seeing the first outputs in time");
	return probe;
}

double recovery_await_s(struct probe *probe, int partitions, double killed_ns)
{
	bool back[STREAM_PARTITIONS] = {false};
	double last_ns = killed_ns;
	int missing = partitions;
	struct probe_sight sight;
	while (missing > 0) {
		bench_must(bench_wall_ns() < killed_ns + MISSING_MS * 1e6, "getting back to work");
		if (!probe_next(probe, FIRST_MS, &sight) || sight.sent_ns < killed_ns || back[sight.partition])
			continue;
		back[sight.partition] = true;
		last_ns = sight.seen_ns;
		missing--;
	}
	return (last_ns - killed_ns) / 1e9;
}

double recovery_restart_s(const char *const command[], const struct probe_ops *ops, const struct stream *stream)
{
	pid_t server = server_start(command);
	struct probe *probe = recovery_probe_start(ops, stream);
	double killed_ns = bench_wall_ns();
	server_kill(server);
	server = server_start(command);
	double took_s = recovery_await_s(probe, stream->partitions, killed_ns);
	probe_free(probe);
	server_stop(server);
	return took_s;
}

double recovery_longest(const double *samples, int count)
{
	double most = 0;
	for (int i = 0; i < count; i++)
		most = samples[i] > most ? samples[i] : most;
	return most;
}
