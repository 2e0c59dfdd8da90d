/* One live process per instance name. */
#ifndef KAFKA_INSTANCE_H
#define KAFKA_INSTANCE_H

#include "kafka.h"

/* Claims `name` within `group` on these brokers for as long as *ret_fd is open, or this process lives. MSP_E_CONFLICT:
 * another process of this machine has it. Brokers cannot tell us: to them a dead static member looks like a live one
 * until its session ends, and a second live one takes the place of the first. So on another machine the newcomer wins,
 * and the older process learns of it and ends. */
enum msp_status kafka_instance_claim(const struct kafka_settings *settings, const char *group, const char *name,
                                     int *ret_fd, struct msp_error *err) MSP_NODISCARD;

#endif
