// The targets of the benchmark: small, fast TCP services in one thread, so that they cost as little as possible of the
// two cores that everything shares.
//
//   bench_target KIND:PORT …       prints "ready" when all ports listen, ends on SIGTERM
//
// echo      sends back what comes
// message   sends 64 bytes back once 64 bytes have come, as a service with messages does: it shows Nagle's stalls
// http      answers every request with 200 and 13 bytes, and closes after one that says "Connection: close"
// source    sends without end
// stall     accepts and never reads

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { message_bytes = 64, request_limit = 2048, buffer_bytes = 65536, events_at_once = 256 };

enum kind { echo, message, http, source, stall, kind_count };

static const char *const kind_names[kind_count] = {"echo", "message", "http", "source", "stall"};

struct connection {
    int fd;
    bool is_listener;
    enum kind kind;
    size_t length; // message: bytes of the current message; http: bytes in `request`
    char *request; // http only
};

static char buffer[buffer_bytes];
static int poller;

static void die(const char *what) {
    fprintf(stderr, "bench_target: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) != 0) die("epoll_ctl");
}

static struct connection *new_connection(int fd, enum kind kind, bool is_listener) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) die("calloc");
    connection->fd = fd;
    connection->kind = kind;
    connection->is_listener = is_listener;
    if (kind == http && !is_listener && (connection->request = malloc(request_limit + 1)) == NULL) die("malloc");
    return connection;
}

static void end(struct connection *connection) {
    close(connection->fd);
    free(connection->request);
    free(connection);
}

static void listen_on(enum kind kind, int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) die("socket");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
    if (listen(fd, 4096) != 0) die("listen");
    watch(new_connection(fd, kind, true), EPOLLIN);
}

static void accept_all(struct connection *listener) {
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return;
            die("accept"); // out of descriptors is a mistake of the harness
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        uint32_t events = listener->kind == stall    ? EPOLLRDHUP
                          : listener->kind == source ? EPOLLOUT | EPOLLRDHUP
                                                     : EPOLLIN;
        watch(new_connection(fd, listener->kind, false), events);
    }
}

// Sends all of it. Answers are small, so waiting for one connection is rare and short; one second is given up on.
static bool send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
            continue;
        }
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        if (errno != EAGAIN || poll(&writable, 1, 1000) != 1) return false;
    }
    return true;
}

static bool answer_message(struct connection *connection, size_t received) {
    connection->length += received;
    while (connection->length >= message_bytes) {
        connection->length -= message_bytes;
        if (!send_all(connection->fd, buffer, message_bytes)) return false;
    }
    return true;
}

// Answers every whole request in the buffer. False when the connection is to end.
static bool answer_http(struct connection *connection, size_t received) {
    static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
                               "\r\nHello, world\n";
    static const char closed[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
                                 "Connection: close\r\n\r\nHello, world\n";
    if (connection->length + received > request_limit) return false;
    memcpy(connection->request + connection->length, buffer, received);
    connection->length += received;
    connection->request[connection->length] = '\0';

    char *end_of_head;
    while ((end_of_head = strstr(connection->request, "\r\n\r\n")) != NULL) {
        size_t head = (size_t)(end_of_head - connection->request) + 4;
        *end_of_head = '\0';
        bool last = strcasestr(connection->request, "\r\nconnection: close") != NULL;
        if (!send_all(connection->fd, last ? closed : kept, (last ? sizeof closed : sizeof kept) - 1) || last) {
            return false;
        }
        connection->length -= head;
        memmove(connection->request, connection->request + head, connection->length + 1);
    }
    return true;
}

// One readiness of a connection. False when the connection is to end.
static bool serve(struct connection *connection, uint32_t events) {
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) return false;
    if (connection->kind == source) {
        ssize_t sent;
        while ((sent = send(connection->fd, buffer, sizeof buffer, MSG_NOSIGNAL)) == sizeof buffer) {}
        return sent >= 0 || errno == EAGAIN;
    }
    ssize_t received = recv(connection->fd, buffer, sizeof buffer, 0);
    if (received <= 0) return received < 0 && errno == EAGAIN;
    switch (connection->kind) {
    case message: return answer_message(connection, (size_t)received);
    case http: return answer_http(connection, (size_t)received);
    default: return send_all(connection->fd, buffer, (size_t)received);
    }
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
    for (int index = 1; index < argc; index++) {
        char *colon = strchr(argv[index], ':');
        int kind = 0;
        if (colon != NULL) *colon = '\0';
        while (kind < kind_count && strcmp(argv[index], kind_names[kind]) != 0) kind++;
        if (colon == NULL || kind == kind_count) {
            fprintf(stderr, "usage: bench_target KIND:PORT …\n");
            return 64;
        }
        listen_on((enum kind)kind, atoi(colon + 1));
    }
    puts("ready");
    fflush(stdout);

    struct epoll_event events[events_at_once];
    for (;;) {
        int count = epoll_wait(poller, events, events_at_once, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection->is_listener) {
                accept_all(connection);
            } else if (!serve(connection, events[index].events)) {
                end(connection);
            }
        }
    }
}
