/* msp and kcat on the same topics: what one writes the other reads, and both print the same. */
#include "invocation.h"
#include "kafka_broker.h"

#include <stdlib.h>
#include <unistd.h>

/* `shell` lines know the broker as $BROKER, and two topics of this test as $A and $B. */
static void topics_create(int partitions)
{
	static int count;
	char name[64], url[256];
	assert_true(kafka_broker_find(url, sizeof(url)));
	setenv("BROKER", url + strlen("kafka://"), 1);
	setenv("MSP_BROKER", url, 1);
	snprintf(name, sizeof(name), "interop_%d_%d", (int)getpid(), count++);
	setenv("A", name, 1);
	snprintf(name, sizeof(name), "interop_%d_%d", (int)getpid(), count++);
	setenv("B", name, 1);
	struct result result = expect_shell(0, "$MSP topics create -t $A -t $B -p %d", partitions);
	result_free(&result);
}

static int topics_delete(void **state)
{
	struct result result = shell("$MSP topics delete -t $A -t $B");
	result_free(&result);
	return leave_directory(state);
}

static void run_line(const char *line)
{
	struct result result = expect_shell(0, "%s", line);
	result_free(&result);
}

/* Both lines end alike and write the same bytes. */
static void same(const char *kcat, const char *ours)
{
	struct result theirs = shell("%s", kcat), result = shell("%s", ours);
	if (theirs.status != result.status || theirs.out_size != result.out_size ||
	    memcmp(theirs.out, result.out, result.out_size) != 0)
		fail_msg("%s: %d\n%s%s\n%s: %d\n%s%s", kcat, theirs.status, theirs.out, theirs.err, ours, result.status,
		         result.out, result.err);
	result_free(&theirs);
	result_free(&result);
}

/* The flags that both have, on partition 0 of $A and in the order of the partitions on all of it. */
static void same_flags(const char *flags)
{
	char kcat[1024], ours[1024];
	snprintf(kcat, sizeof(kcat), "kcat -C -b $BROKER -q -t $A %s", flags);
	snprintf(ours, sizeof(ours), "$MSP receive -t $A %s", flags);
	same(kcat, ours);
}

#define FULL_FORMAT "-f '%t|%p|%o|%T|%k|%K|%s|%S|%h|\\n'"

static void what_kcat_sends_is_printed_alike(void **state)
{
	(void)state;
	static const char *const flags[] = {
	    "-p 0 -e",
	    ("-p 0 -e " FULL_FORMAT),
	    ("-p 0 -e -Z " FULL_FORMAT),
	    "-p 0 -e -f '%R%s\\x41\\t%%\\n'",
	    "-p 0 -e -D ';' -K =",
	    "-p 0 -e -Z -K '\\t'",
	    "-p 0 -e -o beginning -c 3",
	    "-p 0 -o -3 -c 2",
	    "-p 0 -e -o -3",
	    "-p 0 -e -o 5",
	    "-p 0 -e -o 500",
	    "-p 0 -e -o end",
	    "-p 0 -e -o -500 -c 4 -u",
	    "-p 7 -e",
	    ("-e " FULL_FORMAT " | sort"),
	};
	topics_create(2);
	run_line("printf 'k1:v1\\nk2:\\n:empty key\\nno key\\nkey:with:colons\\n' |"
	         "kcat -P -b $BROKER -t $A -p 0 -K: -Z -H a=1 -H b= -H c -H a=2");
	run_line("seq 20 | kcat -P -b $BROKER -t $A -p 0");
	run_line("seq 5 | kcat -P -b $BROKER -t $A -p 1 -k same");
	run_line("printf '\\000\\377\\n binary' >file; kcat -P -b $BROKER -t $A -p 0 file");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		same_flags(flags[i]);
}

static void what_we_send_is_what_kcat_would_have_sent(void **state)
{
	(void)state;
	topics_create(1);
	run_line("for i in 1 2 3; do printf 'k%s:v\\nk:\\n:x\\nnone\\n' $i; done >lines; printf '\\000\\377\\n' >file");
	run_line("kcat -P -b $BROKER -t $A -l -K: -Z -H a=1 -H b= -H c lines && kcat -P -b $BROKER -t $A file");
	run_line("$MSP send -t $B -l -K: -Z -H a=1 -H b= -H c lines && $MSP send -t $B file");
	run_line("printf 'x;y;z' | kcat -P -b $BROKER -t $A -D ';' -k key -c 2");
	run_line("printf 'x;y;z' | $MSP send -t $B -D ';' -k key -c 2");
	same("kcat -C -b $BROKER -q -t $A -e -f '%p|%o|%k|%K|%s|%S|%h|'",
	     "kcat -C -b $BROKER -q -t $B -e -f '%p|%o|%k|%K|%s|%S|%h|'");
}

/* Without -p the key chooses, as in Java clients; kcat has to be told. */
static void keys_choose_the_same_partitions(void **state)
{
	(void)state;
	topics_create(5);
	run_line("for i in $(seq 40); do echo key-$i:$i; done >lines; printf ':\\n' >>lines");
	run_line(
	    "kcat -P -b $BROKER -t $A -K: -l -X topic.partitioner=murmur2_random lines && $MSP send -t $B -K: -l lines");
	same("kcat -C -b $BROKER -q -t $A -e -f '%p %k\\n' | grep key | sort",
	     "kcat -C -b $BROKER -q -t $B -e -f '%p %k\\n' | grep key | sort");
}

static void times_choose_the_same_messages(void **state)
{
	(void)state;
	topics_create(1);
	/* Times of our choice: kcat sends none. */
	run_line("for i in 1 2 3 4 5; do echo '{\"payload\": \"'$i'\", \"ts\": '$i'000}'; done | $MSP send -t $A -J");
	static const char *const flags[] = {"-p 0 -e -o s@2500", "-p 0 -e -o s@3000",  "-p 0 -e -o s@3000 -o e@5000",
	                                    "-p 0 -e -o e@3000", "-p 0 -e -o s@99000", "-p 0 -e -o s@0 -f '%T %s\\n'",
	                                    "-p 0 -o e@3001"};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		same_flags(flags[i]);
}

/* kcat's envelopes are taken, ours carry the same, and both say the same about a message that went through them. */
static void envelopes_go_round(void **state)
{
	(void)state;
	topics_create(2);
	run_line("printf 'k1:v1\\nk2:\\n:x\\nnone\\n' | kcat -P -b $BROKER -t $A -p 1 -K: -Z -H a=1 -H b= -H c -H a=2");
	run_line("kcat -C -b $BROKER -q -t $A -e -J >theirs && $MSP receive -t $A -e -J >ours");
	run_line("$MSP send -t $B -J -l theirs && $MSP send -t $B -J -l ours");
	same("kcat -C -b $BROKER -q -t $A -p 1 -e -f '%T|%k|%K|%s|%S|%h|\\n'",
	     "kcat -C -b $BROKER -q -t $B -p 1 -o 0 -c 4 -f '%T|%k|%K|%s|%S|%h|\\n'");
	same("kcat -C -b $BROKER -q -t $B -p 1 -o 0 -c 4 -f '%T|%k|%K|%s|%S|%h|\\n'",
	     "kcat -C -b $BROKER -q -t $B -p 1 -o 4 -c 4 -f '%T|%k|%K|%s|%S|%h|\\n'");
	/* Bytes that are no text: kcat writes them into its JSON as they are, which nobody can read back. */
	run_line(
	    "printf '\\377\\000' >file; $MSP send -t $B -p 0 file; $MSP receive -t $B -p 0 -e -J | $MSP send -t $B -J");
	same("printf '\\377\\000\\377\\000'", "kcat -C -b $BROKER -q -t $B -p 0 -e -D ''");
	struct result result = expect_shell(1, "kcat -C -b $BROKER -q -t $B -p 0 -e -J | $MSP send -t $A -J");
	assert_contains(result.err, "not UTF-8");
	result_free(&result);
}

/* One after the other in one group, each goes on where the other has stopped. */
static void groups_are_shared(void **state)
{
	(void)state;
	static const char kcat[] = "timeout 60 kcat -b $BROKER -G $A -X auto.offset.reset=earliest -q -c 2 $A";
	topics_create(1);
	run_line("seq 8 | $MSP send -t $A");
	same("seq 1 2", kcat);
	same("seq 3 4", "$MSP receive -t $A -g $A -c 2 -q");
	same("seq 5 6", kcat);
	same("seq 7 8", "$MSP receive -t $A -g $A -e -q");
	same("true", "$MSP receive -t $A -g $A -e -q");
}

static void compressed_batches_are_read(void **state)
{
	(void)state;
	topics_create(1);
	run_line("seq 1000 >lines; for codec in gzip snappy lz4 zstd; do"
	         " kcat -P -b $BROKER -t $A -z $codec -l lines || exit 1; done");
	same("for i in 1 2 3 4; do cat lines; done", "$MSP receive -t $A -e");
	run_line("for codec in none gzip snappy lz4 zstd; do"
	         " $MSP send -t $B -X kafka.compression.type=$codec -l lines || exit 1; done");
	same("for i in 1 2 3 4 5; do cat lines; done", "kcat -C -b $BROKER -q -t $B -e");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, enter_directory, topics_delete)
	const struct CMUnitTest tests[] = {
	    CASE(what_kcat_sends_is_printed_alike),
	    CASE(what_we_send_is_what_kcat_would_have_sent),
	    CASE(keys_choose_the_same_partitions),
	    CASE(times_choose_the_same_messages),
	    CASE(envelopes_go_round),
	    CASE(groups_are_shared),
	    CASE(compressed_batches_are_read),
	};
	return cmocka_run_group_tests_name("kafka_interop", tests, NULL, NULL);
}
