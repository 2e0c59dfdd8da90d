/* What a consumer group has not settled yet. */
#ifndef SQLITE_LAG_H
#define SQLITE_LAG_H

#include "db.h"
#include <msp/transport.h>

/* As group_lag of msp_admin_ops. In a transaction. */
enum msp_status sqlite_lag_read(struct sqlite_db *db, const char *group, const char *topic,
                                const struct msp_topic_info *until, struct msp_group_lag **ret_lag,
                                struct msp_error *err) MSP_NODISCARD;

#endif
