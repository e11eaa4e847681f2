// What ngtcp2 0.12 must not be given.
#ifndef CQUIC_FRAME_GUARD_H
#define CQUIC_FRAME_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Makes frames, the payload of a 1-RTT packet, such that ngtcp2 may read them: each NEW_CONNECTION_ID (RFC 9000 §19.15)
// becomes a PING. ngtcp2 retires some connection IDs twice while a client moves, and more of them than it can keep in mind
// when the client does not acknowledge that; both end the process. So the peer's first ID stays the only one, and nothing
// is ever retired. A client whose address changes is followed all the same, with the ID that it had (§9.5); one that asks
// first whether the new path works (§9.1) gets no answer by it.
//
// False when one asks for connection IDs to be retired, which no known peer does unless it is told to: the connection cannot
// go on.
//
// The first frame that is malformed or unknown becomes one that ngtcp2 does not know either: it reads nothing that was not
// looked at, and ends the connection with FRAME_ENCODING_ERROR.
//
// Takes note of PATH_CHALLENGE and PATH_RESPONSE (urgent_frames.h).
bool warp_frames_make_bearable(uint8_t *payload, size_t length);

#endif
