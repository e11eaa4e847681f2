// Keeps a failed assertion of ngtcp2 to the connection that it is about.
//
// Debian builds ngtcp2 with its assertions, and peers could make some of those that 0.12 has false. What is known of that is
// refused before ngtcp2 sees it (frame_guard.h, MigrationGate and others); this is for what is not. ngtcp2's calls of
// __assert_fail, and of its own function for what it believes impossible, are led to containment.c by the linker: they leave
// the call into ngtcp2 that was under way, and that connection is never touched again. ngtcp2 keeps no state that connections
// share; what GnuTLS and the callbacks hold at that moment is given up with it.
#ifndef CQUIC_CONTAINMENT_H
#define CQUIC_CONTAINMENT_H

#include "ngtcp2_shims.h"

#include <setjmp.h>
#include <stddef.h>

// Where the thread's call into ngtcp2 has begun; NULL when there is none. Calls that read or write are not nested: ngtcp2
// forbids them within its callbacks.
extern _Thread_local jmp_buf *warp_containment;

// Returns the value of `call`, or WARP_ERR_ASSERTION.
#define RETURN_CONTAINED(call)             \
    do {                                   \
        jmp_buf start;                     \
        if (_setjmp(start) != 0) {         \
            return WARP_ERR_ASSERTION;     \
        }                                  \
        warp_containment = &start;         \
        __auto_type value = (call);        \
        warp_containment = NULL;           \
        return value;                      \
    } while (0)

#endif
