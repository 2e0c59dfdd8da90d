/* A message as an entry of a stream.
 *
 *     value <bytes>     unless it is absent
 *     key <bytes>       likewise
 *     h:<name> <bytes>  one per header
 *     n:<name> ""       a header whose value is absent
 *     null ""           when there is nothing of the above, because an entry has at least one field
 *
 * The time of a message is that of its entry's id. */
#ifndef REDIS_ENTRY_H
#define REDIS_ENTRY_H

#include "command.h"
#include <hiredis/hiredis.h>
#include <msp/arena.h>
#include <msp/message.h>

#define REDIS_ID_SIZE 48

/* How many fields the message's entry has: at least one. */
size_t redis_entry_fields(const struct msp_message *message);

enum redis_entry_parts { REDIS_ENTRY_NAMES = 1, REDIS_ENTRY_VALUES = 2, REDIS_ENTRY_ALL = 3 };

/* Writes the words of these parts of every field. */
void redis_entry_put(struct redis_output *out, const struct msp_message *message, unsigned parts);
/* Whether both have fields of the same names. */
bool redis_entry_is_alike(const struct msp_message *a, const struct msp_message *b);
/* Why the server would never take this message as one entry, or NULL. */
const char *redis_entry_refusal(const struct msp_message *message);

/* Fills `message` from [id, fields], where fields is nil for an entry that was deleted; it borrows from them and from
 * `arena`. MSP_E_INTERNAL: this is no entry. */
enum msp_status redis_entry_parse(const redisReply *entry, struct msp_arena *arena, struct msp_message *message,
                                  struct msp_error *err) MSP_NODISCARD;
/* Whether it is an id, "1526919030474-55". */
bool redis_id_is(const redisReply *reply);
/* The milliseconds of an id. Whoever adds an entry may choose them, so those later than any time are the last one. */
int64_t redis_id_ms(const char *id);
/* Whether no id is greater. */
bool redis_id_is_last(const char *id);
/* <0, 0, >0 as ids are ordered. */
int redis_id_compare(const char *a, const char *b);

#endif
