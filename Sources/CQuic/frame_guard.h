// What ngtcp2 0.12 must not be given.
#ifndef CQUIC_FRAME_GUARD_H
#define CQUIC_FRAME_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether ngtcp2 may read these frames, the payload of a 1-RTT packet. It may not when one is a NEW_CONNECTION_ID that asks
// for connection IDs to be retired (RFC 9000 §19.15): two that say the same end the process
// (ngtcp2_conn_track_retired_dcid_seq; later versions look first). None of the known peers ever asks.
//
// Looks no further than the first frame that is malformed or unknown, as ngtcp2 does.
bool warp_frames_are_bearable(const uint8_t *payload, size_t length);

#endif
