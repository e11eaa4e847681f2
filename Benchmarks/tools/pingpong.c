// The latency client: one thing at a time over TCP, each timed in nanoseconds, one JSON object at the end.
//
//   pingpong ping    HOST PORT SECONDS    64 bytes there and back over one connection
//   pingpong split   HOST PORT SECONDS    the same in two writes of 32 bytes, as many protocols write head and body
//   pingpong connect HOST PORT SECONDS    a new connection each time: connect, 64 bytes there and back, close
//   pingpong first   HOST PORT SECONDS    says "waiting", then tries until the first byte comes back
//
// Times in the answer are microseconds; "at" is CLOCK_MONOTONIC.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_bytes = 64, warm_up_rounds = 50, samples_at_most = 8000000 };

static struct sockaddr_in peer;
static char message[message_bytes];

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

// A connected socket, or -1. No read or write waits longer than `patience` seconds.
static int connected(int patience) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct timeval limit = {.tv_sec = patience};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool receive(int fd, size_t length) {
    size_t received = 0;
    while (received < length) {
        ssize_t count = recv(fd, message, length - received, 0);
        if (count <= 0) return false;
        received += (size_t)count;
    }
    return true;
}

static bool round_trip(int fd, bool split) {
    ssize_t piece = split ? message_bytes / 2 : message_bytes;
    if (send(fd, message, (size_t)piece, MSG_NOSIGNAL) != piece) return false;
    if (split && send(fd, message, (size_t)piece, MSG_NOSIGNAL) != piece) return false;
    return receive(fd, message_bytes);
}

static bool connect_and_echo(void) {
    int fd = connected(10);
    if (fd < 0) return false;
    bool well = round_trip(fd, false);
    close(fd);
    return well;
}

static int wait_for_first_byte(int64_t limit) {
    puts("waiting");
    fflush(stdout);
    int64_t deadline = now() + limit;
    for (int attempts = 1; now() < deadline; attempts++) {
        int fd = connected(2);
        if (fd >= 0 && send(fd, message, 1, MSG_NOSIGNAL) == 1 && receive(fd, 1)) {
            printf("{\"at\": %lld, \"attempts\": %d}\n", (long long)now(), attempts);
            return 0;
        }
        if (fd >= 0) close(fd);
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    fprintf(stderr, "no byte came back in time\n");
    return 1;
}

static double microseconds(const int64_t *samples, size_t count, double share) {
    size_t index = (size_t)(share * (double)count);
    return (double)samples[index < count ? index : count - 1] / 1000;
}

int main(int argc, char **argv) {
    if (argc != 5 || inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1) {
        fprintf(stderr, "usage: pingpong ping|split|connect|first HOST PORT SECONDS\n");
        return 64;
    }
    peer.sin_family = AF_INET;
    peer.sin_port = htons((uint16_t)atoi(argv[3]));
    int64_t duration = (int64_t)(atof(argv[4]) * 1e9);
    if (strcmp(argv[1], "first") == 0) return wait_for_first_byte(duration);

    bool fresh = strcmp(argv[1], "connect") == 0, split = strcmp(argv[1], "split") == 0;
    int64_t *samples = malloc(sizeof *samples * samples_at_most);
    int fd = fresh ? -1 : connected(10);
    if (samples == NULL || (!fresh && fd < 0)) {
        fprintf(stderr, "cannot connect: %s\n", strerror(errno));
        return 1;
    }

    size_t count = 0, errors = 0;
    int warm_up = fresh ? warm_up_rounds / 10 : warm_up_rounds;
    for (int64_t started = now(), before; (before = now()) - started < duration && count < samples_at_most;) {
        bool well = fresh ? connect_and_echo() : round_trip(fd, split);
        if (!well) {
            errors++;
            if (!fresh || errors > 100) break;
        } else if (warm_up > 0) {
            warm_up--;
        } else {
            samples[count++] = now() - before;
        }
    }
    if (count == 0 || (errors > 0 && !fresh)) {
        fprintf(stderr, "the exchange broke after %zu round trips: %s\n", count, strerror(errno));
        return 1;
    }
    qsort(samples, count, sizeof *samples, ascending);
    printf("{\"count\": %zu, \"errors\": %zu, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n", count, errors,
           microseconds(samples, count, 0.5), microseconds(samples, count, 0.99), microseconds(samples, count, 1));
    return 0;
}
