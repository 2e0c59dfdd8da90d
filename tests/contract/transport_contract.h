/* What every transport must do. */
#ifndef TRANSPORT_CONTRACT_H
#define TRANSPORT_CONTRACT_H

#include <brokers.h>

/* Runs the suite on a broker, with the fixture's guarantee; returns what main returns, 77 (ctest: skipped) when there
 * is no broker. */
int transport_contract_run(const struct test_broker *broker);

#endif
