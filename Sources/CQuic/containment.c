#include "containment.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// A connection that is given up takes its memory with it for good: 30 KiB when it is idle, its receive window at the most.
// After so many, a failed assertion ends the process as it would anywhere else.
enum { MAXIMUM_FAILURES = 100 };

_Thread_local jmp_buf *warp_containment;

static _Thread_local char failure[256];

const char *warp_failed_assertion(void) { return failure; }

// The linker's option --wrap leads the calls of X to __wrap_X, and those of __real_X to X.
_Noreturn void __real___assert_fail(const char *assertion, const char *file, unsigned line, const char *function);
_Noreturn void __real_ngtcp2_unreachable_fail(const char *file, int line, const char *function);

// Debian builds ngtcp2 in the folder of its sources; this folder's are compiled with their path.
static bool is_in_ngtcp2(const char *file) { return strncmp(file, "ngtcp2_", strlen("ngtcp2_")) == 0; }

// Leaves the call into ngtcp2 that is under way, if it may be left. `file` is where it has failed.
static void leave(const char *assertion, const char *file, unsigned line, const char *function) {
    static atomic_uint count;
    jmp_buf *start = warp_containment;
    if (start == NULL || !is_in_ngtcp2(file) || atomic_fetch_add(&count, 1) >= MAXIMUM_FAILURES) {
        return;
    }
    snprintf(failure, sizeof(failure), "%s (%s, %s:%u)", assertion, function, file, line);
    warp_containment = NULL;
    _longjmp(*start, 1);
}

_Noreturn void __wrap___assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    leave(assertion, file, line, function);
    __real___assert_fail(assertion, file, line, function);
}

// ngtcp2 calls it where it believes that it cannot come.
_Noreturn void __wrap_ngtcp2_unreachable_fail(const char *file, int line, const char *function) {
    leave("unreachable", file, (unsigned)line, function);
    __real_ngtcp2_unreachable_fail(file, line, function);
}
