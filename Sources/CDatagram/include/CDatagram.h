// sendmsg(2) with the control messages that QUIC wants. SwiftNIO's DatagramChannel reads our sockets,
// but it closes the whole channel when one datagram cannot be routed, and it cannot choose the source
// address of a reply: a listener must survive the first and needs the second.
#ifndef CDATAGRAM_H
#define CDATAGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// Sends `length` bytes to `remote`, cut by the kernel into datagrams of `segment_length` bytes
// (UDP_SEGMENT; 0 = one datagram), with `ecn` in the two ECN bits (RFC 3168), from the address `local`
// when that is not NULL and names one. Returns 0 or an errno value. Never blocks, never raises SIGPIPE.
int warp_datagram_send(int fd, const struct sockaddr *remote, socklen_t remote_length,
                       const struct sockaddr *local, const void *bytes, size_t length,
                       uint16_t segment_length, uint8_t ecn);

// The MTU of the route to `remote`, in bytes with the IP header, as this machine knows it; 0 if it does not.
int warp_datagram_route_mtu(const struct sockaddr *remote, socklen_t remote_length);

// Never fragments, and never takes an ICMP message's word for the path MTU (RFC 9000 §14).
// Returns 0 or an errno value.
int warp_datagram_forbid_fragments(int fd, int family);

#endif
