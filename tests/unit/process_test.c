#include <msp/process.h>

#include "check.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_living_process_is_alive(void **state)
{
	struct msp_process self;
	(void)state;
	msp_process_self(&self);
	assert_int_equal(msp_process_life(self.text), MSP_LIFE_ALIVE);
	char longer[sizeof(self.text) + 8];
	snprintf(longer, sizeof(longer), "%s/12", self.text);
	assert_int_equal(msp_process_life(longer), MSP_LIFE_ALIVE);
}

static void an_ended_process_is_dead(void **state)
{
	int fds[2];
	struct msp_process child;
	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		msp_process_self(&child);
		_exit(write(fds[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
	}
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(msp_process_life(child.text), MSP_LIFE_DEAD);
	close(fds[0]);
	close(fds[1]);
}

static void what_cannot_be_told_is_not_told(void **state)
{
	struct msp_process self;
	char other[sizeof(self.text)];
	(void)state;
	msp_process_self(&self);
	assert_int_equal(msp_process_life("00000000-0000-0000-0000-000000000000/1/1/1"), MSP_LIFE_OTHER_BOOT);
	assert_int_equal(msp_process_life(""), MSP_LIFE_OTHER_BOOT);
	snprintf(other, sizeof(other), "%.*s/1/1/1", (int)strcspn(self.text, "/"), self.text);
	assert_int_equal(msp_process_life(other), MSP_LIFE_UNKNOWN);
}

/* As it is for one whose /proc entry we may not read. */
static void a_process_out_of_sight_is_not_dead(void **state)
{
	struct msp_process self;
	char blind[sizeof(self.text)];
	struct rlimit before;
	(void)state;
	msp_process_self(&self);
	snprintf(blind, sizeof(blind), "%.*s/0", (int)(strrchr(self.text, '/') - self.text), self.text);
	assert_int_equal(msp_process_life(blind), MSP_LIFE_UNKNOWN);
	/* Without a file descriptor nothing can be read at all. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum msp_life life = msp_process_life(self.text);
	msp_process_self(&self);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(life, MSP_LIFE_UNKNOWN);
	assert_int_equal(msp_process_life(self.text), MSP_LIFE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_living_process_is_alive),
	    cmocka_unit_test(an_ended_process_is_dead),
	    cmocka_unit_test(a_process_out_of_sight_is_not_dead),
	    cmocka_unit_test(what_cannot_be_told_is_not_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
