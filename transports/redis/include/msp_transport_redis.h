/* The Redis transport: a topic is a stream. URLs: redis://[user:password@]host[:port][/db], unix://PATH[?db=N] */
#ifndef MSP_TRANSPORT_REDIS_H
#define MSP_TRANSPORT_REDIS_H

#include <msp/transport.h>

extern const struct msp_transport_ops msp_transport_redis;

#endif
