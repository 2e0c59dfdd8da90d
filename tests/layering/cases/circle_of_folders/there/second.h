#define THERE_SECOND 2

int there_third(void);
