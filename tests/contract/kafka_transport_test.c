#include "kafka_broker.h"
#include "transport_contract.h"
#include <msp_transport_kafka.h>

int main(void)
{
	/* A message that is too large is too large compressed as well. */
	static const struct msp_property settings[] = {
	    {"session.timeout.ms", "1500"}, {"compression.type", "none"}, {NULL, NULL}};
	return transport_contract_run(
	    &(struct transport_contract){&msp_transport_kafka, TRANSPORT_LACKS_ATTEMPTS, kafka_broker_url, settings, 1500});
}
