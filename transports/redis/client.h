/* A client that waits: a link for those who ask and want the answer, with a deadline. [owner thread] */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include "link.h"

struct redis_client {
	struct redis_link link;
	int wake;       /* an eventfd that ends a wait early, or -1; borrowed */
	bool woken;     /* it did */
	bool was_down;  /* the link went down since the last ready */
	bool is_denied; /* and no waiting mends that */
	/* Takes each answer to what was written; NULL: the last one is kept in `reply`. */
	void (*on_reply)(void *context, size_t index, redisReply *reply);
	void *context;
	redisReply *reply; /* owned */
};

void redis_client_init(struct redis_client *client, struct redis_endpoint *endpoint, const char *name);
void redis_client_done(struct redis_client *client);

/* Waits until the link is up. A server that cannot be reached is tried again until the deadline. */
enum msp_status redis_client_ready(struct redis_client *client, int64_t deadline_ms,
                                   struct msp_error *err) MSP_NODISCARD;
/* Waits until everything that was written has been answered. MSP_OK with answers missing when it was woken. After a
 * failure the answers that are missing never come; after the deadline the link is closed for that reason. */
enum msp_status redis_client_finish(struct redis_client *client, int64_t deadline_ms,
                                    struct msp_error *err) MSP_NODISCARD;
/* As finish, but answers that are missing at the deadline may still come: MSP_OK, and link.count is not 0. */
enum msp_status redis_client_wait(struct redis_client *client, int64_t deadline_ms,
                                  struct msp_error *err) MSP_NODISCARD;
/* Finishes, and returns the one answer; free it. An error that the server answers is a failure that begins with
 * `what`. */
enum msp_status redis_client_result(struct redis_client *client, const char *what, int64_t deadline_ms,
                                    redisReply **ret_reply, struct msp_error *err) MSP_NODISCARD;
/* What XINFO STREAM says; free it. MSP_E_NOT_FOUND, retriable: there is no such topic. */
enum msp_status redis_client_describe(struct redis_client *client, const char *topic, int64_t deadline_ms,
                                      redisReply **ret_info, struct msp_error *err) MSP_NODISCARD;

#endif
