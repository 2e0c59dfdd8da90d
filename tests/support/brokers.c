#include "brokers.h"

#include <msp_transport_sqlite.h>

#include <string.h>

static const char *sqlite_start(void)
{
	return "sqlite:broker.db";
}

static void sqlite_stop(void)
{
}

static const struct test_broker brokers[] = {
    {"sqlite", &msp_transport_sqlite, sqlite_start, sqlite_stop},
};

const struct test_broker *test_broker_find(const char *name)
{
	for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++)
		if (strcmp(brokers[i].name, name) == 0)
			return &brokers[i];
	return NULL;
}
