#ifndef PARTS_H
#define PARTS_H

int one(int depth);
int two(int depth);
int three(int depth);

#endif
