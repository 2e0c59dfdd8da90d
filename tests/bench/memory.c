#include "memory.h"

#include "bench.h"
#include "server.h"

#include <stdio.h>

#define DEADLINE_NS 600e9
#define LOOK_NS     50000000

struct memory memory_measure(const char *const command[], const struct stream *stream,
                             size_t (*outputs)(const struct stream *stream), size_t messages)
{
	struct memory memory = {0};
	size_t before = outputs(stream), done = 0;
	double give_up_ns = bench_wall_ns() + DEADLINE_NS;
	pid_t server = server_start(command);
	while (done < messages) {
		server_nap(LOOK_NS);
		server_must_run(server);
		bench_must(bench_wall_ns() < give_up_ns, "answering the backlog in time");
		double mib = server_resident_mib(server);
		done = outputs(stream) - before;
		if (done < messages / 4 && mib > memory.early_mib)
			memory.early_mib = mib;
		if (mib > memory.most_mib)
			memory.most_mib = mib;
	}
	server_stop(server);
	return memory;
}

void memory_report(const char *what, const struct memory *memory, size_t messages, int target_mib)
{
	char line[160], target[32];
	snprintf(line, sizeof(line), "%s, resident memory under a backlog", what);
	snprintf(target, sizeof(target), "<= %d MiB", target_mib);
	bench_report_alone(line, memory->most_mib, "MiB", 1, memory->most_mib <= target_mib, target);
	snprintf(line, sizeof(line), "%s, most memory in all %zu messages beside the first quarter", what, messages);
	bench_report(line, memory->early_mib, memory->most_mib, "MiB", 1, memory->most_mib <= 1.1 * memory->early_mib,
	             "flat");
}
