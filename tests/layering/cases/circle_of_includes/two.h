#ifndef TWO_H
#define TWO_H

#include "one.h"

int two(void);

#endif
