/* The memory of `msp run` with iris while it works off a backlog on Redis. */
#include "bench.h"
#include "memory.h"
#include "program.h"
#include "redis_stream.h"

#define MESSAGES   ((size_t)2000000)
#define TARGET_MIB 48

int main(void)
{
	static const char *const guarantees[] = {"at_least_once", "exactly_once"};
	static const char *const names[] = {"Redis, iris, at least once", "Redis, iris, exactly once"};
	size_t messages = stream_backlog(MESSAGES);
	struct stream stream;
	bench_enter_directory();
	redis_stream_enter();
	redis_stream_create(&stream, "memory", "iris_model.0.1");
	redis_stream_fill(&stream, flower_json, messages);
	for (int i = 0; i < 2; i++) {
		struct program program = {
		    .broker = redis_stream_url(),
		    .stream = &stream,
		    .group = redis_stream_rewind(&stream),
		    .guarantee = guarantees[i],
		};
		struct memory memory = memory_measure(program_command(&program), &stream, redis_stream_outputs, messages);
		memory_report(names[i], &memory, messages, TARGET_MIB);
	}
	return 0;
}
