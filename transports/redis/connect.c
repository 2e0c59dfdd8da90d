#include "connect.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int socket_connect(int family, const struct sockaddr *to, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	int one = 1;
	if (family != AF_UNIX) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	if (connect(fd, to, size) == 0 || errno == EINPROGRESS)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int connect_path(const struct rds_address *address, struct msp_error *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (strlen(address->path) >= sizeof(to.sun_path)) {
		msp_error_set(err, MSP_E_INVALID, "%s: the path is too long for a socket", address->name);
		return -1;
	}
	memcpy(to.sun_path, address->path, strlen(address->path) + 1);
	int fd = socket_connect(AF_UNIX, (const struct sockaddr *)&to, sizeof(to));
	if (fd < 0)
		msp_error_set(err, MSP_E_UNAVAILABLE, "%s: %s", address->name, strerror(errno));
	return fd;
}

int rds_connect(const struct rds_address *address, size_t index, bool *ret_more, struct msp_error *err)
{
	*ret_more = false;
	if (address->path)
		return connect_path(address, err);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	int code = getaddrinfo(address->host, address->port, &hints, &all);
	if (code != 0) {
		msp_error_set(err, MSP_E_UNAVAILABLE, "%s: %s", address->name, gai_strerror(code));
		return -1;
	}
	const struct addrinfo *chosen = all;
	for (; index > 0 && chosen->ai_next; index--)
		chosen = chosen->ai_next;
	*ret_more = chosen->ai_next != NULL;
	int fd = socket_connect(chosen->ai_family, chosen->ai_addr, chosen->ai_addrlen);
	if (fd < 0)
		msp_error_set(err, MSP_E_UNAVAILABLE, "%s: %s", address->name, strerror(errno));
	freeaddrinfo(all);
	return fd;
}
