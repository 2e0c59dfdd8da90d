#include "check.h"

#include <msp/message.h>

static void size_counts_value_key_and_headers(void **state)
{
	(void)state;
	struct msp_message message = {0};
	assert_int_equal(msp_message_size(&message), 0);
	const struct msp_header headers[] = {
	    {MSP_BYTES_LITERAL("name"), MSP_BYTES_LITERAL("value")},
	    {MSP_BYTES_LITERAL("n"), MSP_BYTES_ABSENT},
	};
	message = (struct msp_message){
	    .key = MSP_BYTES_LITERAL("key"), .value = MSP_BYTES_LITERAL("{}"), .headers = headers, .header_count = 2};
	assert_int_equal(msp_message_size(&message), 3 + 2 + 4 + 5 + 1);
}

struct vector {
	struct msp_bytes key;
	uint32_t hash;
};

#define VECTOR(key, hash)                                                                                              \
	{                                                                                                                  \
		{key, sizeof(key) - 1}, (hash)                                                                                 \
	}

/* The first six are those of Apache Kafka's UtilsTest.testMurmur2; the others were computed with kafka-python 3.0.12
 * (kafka.partitioner.default.murmur2). All rests of the size modulo four, and bytes above 127, are there. */
static const struct vector vectors[] = {
    VECTOR("21", (uint32_t)-973932308),
    VECTOR("foobar", (uint32_t)-790332482),
    VECTOR("a-little-bit-long-string", (uint32_t)-985981536),
    VECTOR("a-little-bit-longer-string", (uint32_t)-1486304829),
    VECTOR("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", (uint32_t)-58897971),
    VECTOR("abc", 479470107u),
    VECTOR("", 275646681u),
    VECTOR("a", 2731586172u),
    VECTOR("ab", 316155434u),
    VECTOR("abcd", 2971317748u),
    VECTOR("setosa", 1697730671u),
    VECTOR("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 1431860170u),
    VECTOR("\0", 375494588u),
    VECTOR("\xff\xff\xff", 1548199422u),
    VECTOR("key-0", 29210041u),
    VECTOR("key-1", 193331640u),
};

static void partitions_are_those_of_java_clients(void **state)
{
	(void)state;
	static const int32_t counts[] = {1, 2, 3, 4, 12, 1000, INT32_MAX};
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint32_t positive = vectors[i].hash & 0x7fffffffu;
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			assert_int_equal(msp_partition_of_key(vectors[i].key, counts[j]), positive % (uint32_t)counts[j]);
	}
}

static void a_long_key(void **state)
{
	(void)state;
	unsigned char key[256];
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	assert_int_equal(msp_partition_of_key(msp_bytes_of(key, sizeof(key)), INT32_MAX), 2346620022u & 0x7fffffffu);
}

static void an_absent_key_is_as_an_empty_one(void **state)
{
	(void)state;
	assert_int_equal(msp_partition_of_key(MSP_BYTES_ABSENT, 12), msp_partition_of_key(MSP_BYTES_LITERAL(""), 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(size_counts_value_key_and_headers),
	    cmocka_unit_test(partitions_are_those_of_java_clients),
	    cmocka_unit_test(a_long_key),
	    cmocka_unit_test(an_absent_key_is_as_an_empty_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
