/* The SQLite transport: durable partitioned topics in one file, no server. URL: sqlite:PATH */
#ifndef MSP_TRANSPORT_SQLITE_H
#define MSP_TRANSPORT_SQLITE_H

#include <msp/transport.h>

extern const struct msp_transport_ops msp_transport_sqlite;

#endif
