/* What hardening.sh refuses: built with none of what it looks for. */
#include <stdio.h>

int main(void)
{
	return puts("soft") < 0;
}
