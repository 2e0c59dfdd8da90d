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
	FAKE_N_AWAY = 21,           /* MSP_E_UNAVAILABLE while is_away */
	FAKE_N_BLOCKS = 22,         /* the call waits until wake, then answers MSP_E_UNAVAILABLE */
	FAKE_N_VIOLATES = 23,       /* error_text with the code schema_violation, at /n */
	FAKE_N_CRASHES = 24,        /* error_text with the code model_crashed */
	FAKE_N_HANGS = 25,          /* error_text with the code model_timeout */
};

extern const struct msp_model_plugin fake_model_plugin;

/* What the instances of this test process have seen. */
extern struct fake_model_tally {
	_Atomic size_t calls;
	atomic_bool memory_was_refused;
	atomic_bool memory_is_short; /* set by the test */
	atomic_bool is_away;         /* set by the test; open answers MSP_E_UNAVAILABLE then, too */
	_Atomic size_t refused;      /* calls that answered MSP_E_UNAVAILABLE */
	atomic_bool is_woken, is_blocked;
	atomic_int open;
} fake_model_tally;

void fake_model_tally_reset(void);

#endif
