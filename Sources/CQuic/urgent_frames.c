#include "urgent_frames.h"

_Thread_local bool warp_has_urgent_frames;

bool warp_take_urgent_frames(void) {
    bool has = warp_has_urgent_frames;
    warp_has_urgent_frames = false;
    return has;
}

// The linker's option --wrap leads ngtcp2's calls of ngtcp2_log_pkt_lost to __wrap_…, and those of __real_… to it.
void __real_ngtcp2_log_pkt_lost(void *log, int64_t number, uint8_t type, uint8_t flags, ngtcp2_tstamp sent_at);
void __wrap_ngtcp2_log_pkt_lost(void *log, int64_t number, uint8_t type, uint8_t flags, ngtcp2_tstamp sent_at);

// ngtcp2 calls it for each packet that it finds to be lost, before it queues what was in it.
void __wrap_ngtcp2_log_pkt_lost(void *log, int64_t number, uint8_t type, uint8_t flags, ngtcp2_tstamp sent_at) {
    warp_has_urgent_frames = true;
    __real_ngtcp2_log_pkt_lost(log, number, type, flags, sent_at);
}
