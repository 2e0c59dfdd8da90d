/* Where the server is and who we are to it: what a URL says. */
#ifndef REDIS_ADDRESS_H
#define REDIS_ADDRESS_H

#include <msp/status.h>

struct redis_address {
	char *storage;           /* owned; what the others point into */
	const char *path;        /* of a unix socket, or NULL */
	const char *host, *port; /* unless there is a path */
	const char *user;        /* or NULL */
	char *password;          /* or NULL; never logged */
	int database;
	char name[128]; /* for people: "redis://host:port/0", without secrets */
};

/* redis://[[user]:password@]host[:port][/database] or unix://[[user]:password@]/path[?db=N]; user, password and path
 * may hold %XX. No error text shows the URL, because it may hold a password. */
enum msp_status redis_address_parse(const char *url, struct redis_address *address,
                                    struct msp_error *err) MSP_NODISCARD;
void redis_address_done(struct redis_address *address);

#endif
