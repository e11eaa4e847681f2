// What ngtcp2 has to send without delay.
//
// ngtcp2 reckons with a write after each read, and does not tell whether it is needed. We can do without most of them, for an
// acknowledgement can wait for data to travel with (RFC 9000 §13.2.1). What should wait for nothing but the congestion window
// and the pacer is what was found to be lost (§13.3) and the answers to PATH_CHALLENGE and PATH_RESPONSE (§8.2.2).
#ifndef CQUIC_URGENT_FRAMES_H
#define CQUIC_URGENT_FRAMES_H

#include "ngtcp2_shims.h"

// Behind warp_take_urgent_frames.
extern _Thread_local bool warp_has_urgent_frames;

#endif
