// How the kernel shares a processor out: what glibc has no function for until 2.41.
#ifndef CSCHEDULING_H
#define CSCHEDULING_H

#include <stdint.h>

// Asks for a time slice of so many nanoseconds for the calling thread, and for those that it starts from then on; its policy
// and nice value stay. The kernel takes the nearest of 100 µs to 100 ms, and 0 for its own choice. Before Linux 6.12 it
// ignores this.
//
// Returns 0 or an error number: EINVAL for a thread whose policy knows no slices.
int warp_scheduling_set_slice(uint64_t nanoseconds);

#endif
