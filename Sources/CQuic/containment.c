#define _GNU_SOURCE // dladdr, RTLD_NEXT
#include "containment.h"

#include <assert.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

// A connection that is given up takes its memory with it for good: 60 KiB when it is idle, its receive window at the most.
// After so many, a failed assertion ends the process as it would anywhere else.
enum { MAXIMUM_FAILURES = 100 };

_Thread_local jmp_buf *warp_containment;

static _Thread_local char failure[256];

const char *warp_failed_assertion(void) { return failure; }

static bool is_in_ngtcp2(const void *code) {
    Dl_info caller, library;
    return dladdr(code, &caller) != 0 && dladdr(ngtcp2_version(0), &library) != 0 &&
           caller.dli_fbase == library.dli_fbase;
}

// Whether `caller`, an address in the code, may end the call under way instead of the process.
static bool may_leave(const void *caller) {
    static atomic_uint count;
    return warp_containment != NULL && is_in_ngtcp2(caller) && atomic_fetch_add(&count, 1) < MAXIMUM_FAILURES;
}

static _Noreturn void leave(void) {
    jmp_buf *start = warp_containment;
    warp_containment = NULL;
    _longjmp(*start, 1);
}

// These two in place of the C library's.

void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    if (may_leave(__builtin_return_address(0))) {
        snprintf(failure, sizeof(failure), "%s (%s, %s:%u)", assertion, function, file, line);
        leave();
    }
    void (*original)(const char *, const char *, unsigned, const char *) = dlsym(RTLD_NEXT, "__assert_fail");
    if (original != NULL) {
        original(assertion, file, line, function);
    }
    abort();
}

// ngtcp2 calls it where it believes that it cannot come, and has said where on standard error.
void abort(void) {
    if (may_leave(__builtin_return_address(0))) {
        snprintf(failure, sizeof(failure), "unreachable, see standard error");
        leave();
    }
    void (*original)(void) = dlsym(RTLD_NEXT, "abort");
    if (original != NULL) {
        original();
    }
    raise(SIGABRT);
    __builtin_trap();
}
