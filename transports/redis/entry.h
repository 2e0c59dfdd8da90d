/* A message as an entry of a stream.
 *
 *     value <bytes>     unless it is absent
 *     key <bytes>       likewise
 *     h:<name> <bytes>  one per header
 *     n:<name> ""       a header whose value is absent
 *     null ""           when there is nothing of the above, because an entry has at least one field
 *
 * The time of a message is that of its entry's id. */
#ifndef RDS_ENTRY_H
#define RDS_ENTRY_H

#include "link.h"
#include <msp/arena.h>
#include <msp/message.h>

#define RDS_ID_SIZE 48

/* How many fields the message's entry has: at least one. */
size_t rds_entry_fields(const struct msp_message *message);

enum rds_entry_parts { RDS_ENTRY_NAMES = 1, RDS_ENTRY_VALUES = 2, RDS_ENTRY_ALL = 3 };

/* Writes the words of these parts of every field. */
void rds_entry_put(struct rds_link *link, const struct msp_message *message, unsigned parts);
/* Whether both have fields of the same names. */
bool rds_entry_is_alike(const struct msp_message *a, const struct msp_message *b);
/* Why the server would never take this message as one entry, or NULL. */
const char *rds_entry_refusal(const struct msp_message *message);

/* Fills `message` from [id, fields], where fields is nil for an entry that was deleted; it borrows from them and from
 * `arena`. MSP_E_INTERNAL: this is no entry. */
enum msp_status rds_entry_parse(const redisReply *entry, struct msp_arena *arena, struct msp_message *message,
                                struct msp_error *err) MSP_NODISCARD;
/* Whether it is an id, "1526919030474-55". */
bool rds_id_is(const redisReply *reply);
/* <0, 0, >0 as ids are ordered. */
int rds_id_compare(const char *a, const char *b);

#endif
