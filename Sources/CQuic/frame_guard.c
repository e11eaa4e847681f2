#include "frame_guard.h"

#include "urgent_frames.h"

#include <ngtcp2/ngtcp2.h>
#include <string.h>

enum { PING = 0x01, NEW_CONNECTION_ID = 0x18, PATH_CHALLENGE = 0x1a, PATH_RESPONSE = 0x1b, UNKNOWN = 0x20 };

typedef struct reader {
    const uint8_t *next;
    const uint8_t *end;
} reader;

// RFC 9000 §16.
static bool read_integer(reader *r, uint64_t *value) {
    if (r->next == r->end) {
        return false;
    }
    size_t length = (size_t)1 << (*r->next >> 6);
    if ((size_t)(r->end - r->next) < length) {
        return false;
    }
    *value = *r->next & 0x3f;
    for (size_t i = 1; i < length; i++) {
        *value = *value << 8 | r->next[i];
    }
    r->next += length;
    return true;
}

static bool skip_integers(reader *r, uint64_t count) {
    uint64_t ignored;
    for (; count > 0; count--) {
        if (!read_integer(r, &ignored)) {
            return false;
        }
    }
    return true;
}

static bool skip(reader *r, uint64_t length) {
    if ((uint64_t)(r->end - r->next) < length) {
        return false;
    }
    r->next += length;
    return true;
}

// Bytes behind their length.
static bool skip_bytes(reader *r) {
    uint64_t length;
    return read_integer(r, &length) && skip(r, length);
}

static bool skip_ack(reader *r, bool has_ecn) {
    uint64_t ranges;
    // Each range takes two bytes or more, so a count that lies ends the loop soon.
    return skip_integers(r, 2) && read_integer(r, &ranges) && skip_integers(r, 1) &&
           ranges <= (uint64_t)(r->end - r->next) && skip_integers(r, 2 * ranges) && (!has_ecn || skip_integers(r, 3));
}

static bool skip_stream(reader *r, uint8_t type) {
    bool has_offset = type & 0x04, has_length = type & 0x02;
    if (!skip_integers(r, has_offset ? 2 : 1)) {
        return false;
    }
    return has_length ? skip_bytes(r) : skip(r, (uint64_t)(r->end - r->next));
}

// RFC 9000 §19, RFC 9221 §4. False for a frame that is malformed or unknown.
static bool skip_frame(reader *r, uint8_t type) {
    switch (type) {
    case 0x00: // PADDING
    case PING:
    case 0x1e: // HANDSHAKE_DONE
        return true;
    case 0x02: // ACK
    case 0x03:
        return skip_ack(r, type == 0x03);
    case 0x04: // RESET_STREAM
        return skip_integers(r, 3);
    case 0x05: // STOP_SENDING
    case 0x11: // MAX_STREAM_DATA
    case 0x15: // STREAM_DATA_BLOCKED
        return skip_integers(r, 2);
    case 0x06: // CRYPTO
        return skip_integers(r, 1) && skip_bytes(r);
    case 0x07: // NEW_TOKEN
    case 0x31: // DATAGRAM with a length
        return skip_bytes(r);
    case 0x08: // STREAM
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d:
    case 0x0e:
    case 0x0f:
        return skip_stream(r, type);
    case 0x10: // MAX_DATA
    case 0x12: // MAX_STREAMS
    case 0x13:
    case 0x14: // DATA_BLOCKED
    case 0x16: // STREAMS_BLOCKED
    case 0x17:
    case 0x19: // RETIRE_CONNECTION_ID
        return skip_integers(r, 1);
    case PATH_CHALLENGE:
    case PATH_RESPONSE:
        return skip(r, 8);
    case 0x1c: // CONNECTION_CLOSE
        return skip_integers(r, 2) && skip_bytes(r);
    case 0x1d:
        return skip_integers(r, 1) && skip_bytes(r);
    case 0x30: // DATAGRAM to the end
        return skip(r, (uint64_t)(r->end - r->next));
    default:
        return false;
    }
}

// Behind its type. `asks` is whether it asks to retire connection IDs. False for one that is malformed.
static bool skip_new_connection_id(reader *r, bool *asks) {
    uint64_t retire_prior_to;
    if (!skip_integers(r, 1) || !read_integer(r, &retire_prior_to) || r->next == r->end) {
        return false;
    }
    *asks = retire_prior_to > 0;
    uint8_t length = *r->next;
    return length >= NGTCP2_MIN_CIDLEN && length <= NGTCP2_MAX_CIDLEN &&
           skip(r, 1 + (uint64_t)length + NGTCP2_STATELESS_RESET_TOKENLEN);
}

bool warp_frames_make_bearable(uint8_t *payload, size_t length) {
    reader r = {payload, payload + length};
    while (r.next < r.end) {
        uint8_t *frame = payload + (r.next - payload);
        uint8_t type = *r.next++;
        bool asks = false;
        if (!(type == NEW_CONNECTION_ID ? skip_new_connection_id(&r, &asks) : skip_frame(&r, type))) {
            *frame = UNKNOWN;
            return true;
        }
        if (asks) {
            return false;
        }
        if (type == PATH_CHALLENGE || type == PATH_RESPONSE) { // a response may lead to another challenge
            warp_has_urgent_frames = true;
        }
        if (type == NEW_CONNECTION_ID) {
            memset(frame, 0, (size_t)(r.next - frame)); // PADDING
            *frame = PING;                              // so that it is acknowledged
        }
    }
    return true;
}
