/* The floors as a program, so that they are run and measured as msp is.
 * usage: redis_floor relay|script|fused 1|2 PORT INPUTS OUTPUTS GROUP COUNT
 * The second word is the number of batches in flight. COUNT 0: until SIGTERM. */
#include "bench.h"
#include "fused.h"
#include "redis_relay.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	bench_must(argc == 8, "reading the arguments: relay|script|fused FLIGHTS PORT INPUTS OUTPUTS GROUP COUNT");
	struct redis_relay_config config = {
	    .by_script = strcmp(argv[1], "script") == 0,
	    .two_in_flight = strcmp(argv[2], "2") == 0,
	    .port = atoi(argv[3]),
	    .inputs = argv[4],
	    .outputs = argv[5],
	    .group = argv[6],
	    .count = strtoull(argv[7], NULL, 10),
	};
	if (strcmp(argv[1], "fused") == 0) {
		config.answer = fused_answer;
		config.context = fused_context();
	}
	redis_relay(&config);
	return 0;
}
