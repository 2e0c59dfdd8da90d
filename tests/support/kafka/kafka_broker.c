#include "kafka_broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the environment, else from the file where the fixture's script has left it. */
static const char *broker_address(char *text, size_t size)
{
	const char *address = getenv("MSP_TEST_KAFKA");
	if (address && *address)
		return address;
	FILE *file = fopen(KAFKA_BROKER_ADDRESS_FILE, "r");
	if (!file)
		return NULL;
	address = fgets(text, (int)size, file);
	fclose(file);
	if (address)
		text[strcspn(text, "\n")] = '\0';
	return address;
}

bool kafka_broker_find(char *url, size_t size)
{
	char text[128];
	const char *address = broker_address(text, sizeof(text));
	if (address)
		snprintf(url, size, "kafka://%s", address);
	return address != NULL;
}
