#include <msp/clock.h>

#include <limits.h>
#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t msp_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t msp_monotonic_ms(void)
{
	return msp_monotonic_ns() / 1000000;
}

int64_t msp_wall_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

int64_t msp_deadline_in(int timeout_ms)
{
	return msp_monotonic_ms() + timeout_ms;
}

int msp_deadline_left_ms(int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - msp_monotonic_ms();
	return left_ms <= 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
