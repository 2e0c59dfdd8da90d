/* The floors as a program, so that they are run and measured as msp is.
 * usage: kafka_floor relay|fused at_least_once|exactly_once BROKERS INPUTS OUTPUTS GROUP COUNT
 * COUNT 0: until SIGTERM. */
#include "bench.h"
#include "fused.h"
#include "kafka_relay.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	bench_must(argc == 8, "reading the arguments: relay|fused GUARANTEE BROKERS INPUTS OUTPUTS GROUP COUNT");
	struct kafka_relay_config config = {
	    .transactional = strcmp(argv[2], "exactly_once") == 0,
	    .brokers = argv[3],
	    .inputs = argv[4],
	    .outputs = argv[5],
	    .group = argv[6],
	    .count = strtoull(argv[7], NULL, 10),
	};
	if (strcmp(argv[1], "fused") == 0) {
		config.answer = fused_answer;
		config.context = fused_context();
	}
	kafka_relay(&config);
	return 0;
}
