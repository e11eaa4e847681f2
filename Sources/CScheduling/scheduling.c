#define _GNU_SOURCE
#include "CScheduling.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

// `struct sched_attr` of sched_setattr(2), as it was first.
typedef struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
} attributes;

int warp_scheduling_set_slice(uint64_t nanoseconds) {
    attributes current;
    if (syscall(SYS_sched_getattr, 0, &current, sizeof(current), 0) != 0) {
        return errno;
    }
    if (current.policy != SCHED_OTHER && current.policy != SCHED_BATCH) {
        return EINVAL;
    }
    current.runtime = nanoseconds;
    return syscall(SYS_sched_setattr, 0, &current, 0) == 0 ? 0 : errno;
}
