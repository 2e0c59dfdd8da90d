#ifndef ONE_H
#define ONE_H
#include "two.h"
#endif
