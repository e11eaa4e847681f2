#define _GNU_SOURCE
#include "CDatagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 // linux/udp.h
#endif

// Adds one control message to `message`, whose control buffer has room for it.
static void append_control(struct msghdr *message, int level, int type, const void *value,
                           size_t length) {
    struct cmsghdr *header =
        (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(header), value, length);
    message->msg_controllen += CMSG_SPACE(length);
}

static void append_source(struct msghdr *message, const struct sockaddr *local) {
    if (local->sa_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)local;
        if (address->sin_addr.s_addr != htonl(INADDR_ANY)) {
            struct in_pktinfo info = {.ipi_spec_dst = address->sin_addr};
            append_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        }
    } else if (local->sa_family == AF_INET6) {
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)local;
        if (!IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr)) {
            struct in6_pktinfo info = {.ipi6_addr = address->sin6_addr};
            append_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        }
    }
}

// An IPv4 address inside an IPv6 one takes IPv4's control messages, even on a dual-stack socket.
static int is_ipv4(const struct sockaddr *address) {
    return address->sa_family == AF_INET ||
           (address->sa_family == AF_INET6 &&
            IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)address)->sin6_addr));
}

int warp_datagram_send(int fd, const struct sockaddr *remote, socklen_t remote_length,
                       const struct sockaddr *local, const void *bytes, size_t length,
                       uint16_t segment_length, uint8_t ecn) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)) +
                                          CMSG_SPACE(sizeof(struct in6_pktinfo))];
    memset(control, 0, sizeof(control));
    struct iovec data = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {
        .msg_name = (void *)remote,
        .msg_namelen = remote_length,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control,
    };
    if (segment_length != 0 && segment_length < length) {
        append_control(&message, IPPROTO_UDP, UDP_SEGMENT, &segment_length, sizeof(segment_length));
    }
    if (ecn != 0) {
        int traffic_class = ecn;
        if (is_ipv4(remote)) {
            append_control(&message, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class));
        } else {
            append_control(&message, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class));
        }
    }
    if (local != NULL) {
        append_source(&message, local);
    }
    if (message.msg_controllen == 0) {
        message.msg_control = NULL;
    }
    while (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int warp_datagram_route_mtu(const struct sockaddr *remote, socklen_t remote_length) {
    int fd = socket(remote->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    int level = is_ipv4(remote) ? IPPROTO_IP : IPPROTO_IPV6;
    int name = level == IPPROTO_IP ? IP_MTU : IPV6_MTU;
    int mtu = 0;
    socklen_t length = sizeof(mtu);
    // Connecting a datagram socket sends nothing: it only looks up the route.
    if (connect(fd, remote, remote_length) != 0 || getsockopt(fd, level, name, &mtu, &length) != 0) {
        mtu = 0;
    }
    close(fd);
    return mtu;
}

int warp_datagram_forbid_fragments(int fd, int family) {
    if (family == AF_INET6) {
        int probe6 = IPV6_PMTUDISC_PROBE;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof(probe6)) != 0) {
            return errno;
        }
    }
    // On a dual-stack socket the IPv4 option governs its IPv4 traffic.
    int probe = IP_PMTUDISC_PROBE;
    if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe)) != 0 && family == AF_INET) {
        return errno;
    }
    return 0;
}
