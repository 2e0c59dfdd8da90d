/* All of core, linked with what core itself asks for: what it names beyond libc and pthreads does not link. */
int main(void)
{
	return 0;
}
