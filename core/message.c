#include <msp/message.h>

#include <assert.h>

size_t msp_message_size(const struct msp_message *message)
{
	size_t size = message->value.size + message->key.size;
	for (size_t i = 0; i < message->header_count; i++)
		size += message->headers[i].name.size + message->headers[i].value.size;
	return size;
}

/* Four bytes, least significant first on every machine. */
static uint32_t load_u32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* org.apache.kafka.common.utils.Utils.murmur2, which is Austin Appleby's MurmurHash2 with a fixed seed. */
static uint32_t murmur2(const unsigned char *data, size_t size)
{
	const uint32_t multiplier = 0x5bd1e995;
	uint32_t hash = 0x9747b28c ^ (uint32_t)size;
	const unsigned char *tail = data + (size & ~(size_t)3);
	for (; data < tail; data += 4) {
		uint32_t word = load_u32(data) * multiplier;
		hash = (hash * multiplier) ^ ((word ^ word >> 24) * multiplier);
	}
	size_t rest = size & 3;
	if (rest) {
		for (size_t i = 0; i < rest; i++)
			hash ^= (uint32_t)tail[i] << (8 * i);
		hash *= multiplier;
	}
	hash = (hash ^ hash >> 13) * multiplier;
	return hash ^ hash >> 15;
}

int32_t msp_partition_of_key(struct msp_bytes key, int32_t partition_count)
{
	assert(partition_count > 0);
	static const unsigned char none[1];
	uint32_t positive = murmur2(key.data ? key.data : none, key.size) & 0x7fffffff;
	return (int32_t)(positive % (uint32_t)partition_count);
}
