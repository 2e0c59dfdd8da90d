/* A model for tests of core: {"n": integer} in, the same out. n above 1000 breaks the input schema. Some n make
 * trouble: see enum fake_n. */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include <msp/model.h>
#include <stdatomic.h>

enum fake_n {
	FAKE_N_FAILS_THE_CALL = 13, /* predict fails as a whole when this is among the inputs */
	FAKE_N_ITEM_ERROR = 14,     /* error_text "unlucky" */
	FAKE_N_INVALID_OUTPUT = 15, /* answers with an n of 5000 */
	FAKE_N_NO_MEMORY_ONCE = 16, /* MSP_E_NO_MEMORY in the first call that has it, and while memory_is_short */
	FAKE_N_HUNGRY = 17,         /* takes 1 MiB from the arena */
	FAKE_N_SLOW = 18,           /* takes 5 ms */
	FAKE_N_NO_MEMORY = 19,      /* MSP_E_NO_MEMORY, always */
	FAKE_N_HUNGRY_ITEM = 20,    /* as FAKE_N_HUNGRY, but error_text "no room" when there is none */
};

extern const struct msp_model_plugin fake_model_plugin;

/* What the instances of this test process have seen. */
extern struct fake_model_tally {
	_Atomic size_t calls;
	atomic_bool memory_was_refused;
	atomic_bool memory_is_short; /* set by the test */
	atomic_int open;
} fake_model_tally;

void fake_model_tally_reset(void);

#endif
