/* Topic names: <prefix>.<qualified_name>.<major>.<minor>.inputs|outputs|errors */
#ifndef MSP_TOPIC_H
#define MSP_TOPIC_H

#include <msp/model.h>

/* The longest topic name in bytes (Kafka's limit). */
#define MSP_TOPIC_MAX            249
#define MSP_TOPIC_PREFIX_DEFAULT "model_stream_processor"

enum msp_topic_kind { MSP_TOPIC_INPUTS, MSP_TOPIC_OUTPUTS, MSP_TOPIC_ERRORS };
#define MSP_TOPIC_KINDS 3

/* The names that belong to one model, and its default consumer group "<prefix>.<name>.<major>.<minor>". */
struct msp_topics {
	char name[MSP_TOPIC_KINDS][MSP_TOPIC_MAX + 1];
	char group[MSP_TOPIC_MAX + 1];
};

/* Builds the names. `wrap` is two characters to put around the common part, or NULL (see msp_transport_ops.topic_wrap).
 * MSP_E_INVALID: the qualified name is not [A-Za-z0-9_-]+, the prefix not [A-Za-z0-9._-]+ (neither "." nor ".."), or
 * a name passes MSP_TOPIC_MAX. */
enum msp_status msp_topics_init(struct msp_topics *topics, const char *prefix, const struct msp_model_info *info,
                                const char *wrap, struct msp_error *err) MSP_NODISCARD;

/* True when the two names are one to Kafka: equal after '.' became '_'. */
bool msp_topic_collides(const char *a, const char *b);

/* "inputs", "outputs", "errors". */
const char *msp_topic_kind_name(enum msp_topic_kind kind);

/* MSP_E_INVALID unless `name` is [A-Za-z0-9._{}-]+ of at most MSP_TOPIC_MAX bytes and neither "." nor "..". */
enum msp_status msp_topic_check(const char *name, struct msp_error *err) MSP_NODISCARD;

#endif
