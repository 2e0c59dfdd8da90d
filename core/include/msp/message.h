/* A message as every broker sees it. */
#ifndef MSP_MESSAGE_H
#define MSP_MESSAGE_H

#include <msp/bytes.h>
#include <stdint.h>

/* A record header. Names may repeat and need not be UTF-8; a value may be absent. */
struct msp_header {
	struct msp_bytes name;
	struct msp_bytes value;
};

/* Headers that stand together; borrowed. */
struct msp_headers {
	const struct msp_header *items;
	size_t count;
};
#define MSP_NO_HEADERS ((struct msp_headers){NULL, 0})

#define MSP_TIMESTAMP_NONE INT64_MIN
#define MSP_PARTITION_ANY  (-1)
#define MSP_OFFSET_NONE    (-1)

/* Why a message that was received cannot be processed, whatever its value. */
enum msp_defect {
	MSP_DEFECT_NONE,
	MSP_DEFECT_EXPIRED, /* the broker dropped it before it was settled; only its position is left */
	/* It is not what this project's messages look like on that broker (Redis: unknown fields). Its key and value are
	 * what was found of them, and everything else is among its headers. */
	MSP_DEFECT_FOREIGN,
};

/* A message. Everything it points to is borrowed from whoever made it: a batch, a reader, the sender. */
struct msp_message {
	struct msp_bytes key;   /* absent: no key */
	struct msp_bytes value; /* absent: a null value (tombstone) */
	const struct msp_header *headers;
	size_t header_count;
	int64_t timestamp_ms; /* milliseconds since 1970 UTC, or MSP_TIMESTAMP_NONE */

	/* Where it stands. When publishing, only `partition` is read (MSP_PARTITION_ANY: by key). */
	const char *topic; /* NUL-terminated */
	int32_t partition; /* MSP_PARTITION_ANY on brokers that have none */
	int64_t offset;    /* MSP_OFFSET_NONE on brokers that name positions by id */
	const char *id;    /* NUL-terminated position where offsets do not exist (Redis: "1526919030474-55"), else NULL */
	/* How often it was delivered, this time included; 0 when the broker does not count. */
	int32_t attempts;
	enum msp_defect defect; /* of received messages only */
};

/* The bytes that count against a size limit: value, key, header names and values. */
size_t msp_message_size(const struct msp_message *message);

/* The partition that Java clients would choose for this key among `partition_count` > 0: murmur2 with seed 0x9747b28c,
 * sign bit cleared, modulo (org.apache.kafka.common.utils.Utils.murmur2). */
int32_t msp_partition_of_key(struct msp_bytes key, int32_t partition_count);

#endif
