#ifndef TWO_H
#define TWO_H

int two(void);

#endif
