#define HERE_FOURTH 4

int here_first(void);
