// Counts a program's allocations: whatever links this has its malloc, calloc, realloc and aligned relatives, for the
// libraries that it uses too.
#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

#include <stdint.h>

// How many blocks have been asked for since the program started, of all threads.
uint64_t bench_allocation_count(void);

// Calls `body` with `context`. A name that callgrind can be told to count within: --toggle-collect=bench_measured_section
void bench_measured_section(void (*body)(void *context), void *context);

#endif
