/* Opens a socket to a server. */
#ifndef RDS_CONNECT_H
#define RDS_CONNECT_H

#include "address.h"
#include <stddef.h>

/* A socket that does not block and is connecting, or -1. A host may have several addresses: `index`, less than their
 * number, picks one; *ret_more says whether there is one behind it. Looking up a host name blocks as long as the
 * system's resolver does. */
int rds_connect(const struct rds_address *address, size_t index, bool *ret_more, struct msp_error *err);

#endif
