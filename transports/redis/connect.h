/* Opens a socket to an address. */
#ifndef REDIS_CONNECT_H
#define REDIS_CONNECT_H

#include <sys/socket.h>

/* A socket that does not block and is connecting, or -1 with errno. */
int redis_connect(const struct sockaddr_storage *address, socklen_t size);

#endif
