// Holds many connections, for the memory scenarios.
//
//   hold idle|download|upload HOST PORT COUNT
//
// idle      each sends one byte, waits for its echo, and rests: then its relay stands from end to end
// download  waits for the first byte and reads none of it
// upload    sends until it is blocked and stays so
//
// Prints "ready HELD FAILED" when all stand (uploads: and none has sent for half a second), holds them until its
// standard input ends, closes them with a reset and prints "closed".

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { opening_at_once = 64, quiet_milliseconds = 500, patience_milliseconds = 20000, chunk_bytes = 65536 };

enum mode { idle, download, upload };

static struct sockaddr_in peer;
static enum mode mode;
static int poller, wanted, opened, held, failed;
static int *sockets;
static bool *stands;
static char chunk[chunk_bytes];

static void open_next(void) {
    int index = opened++;
    int fd = sockets[index] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0 && errno != EINPROGRESS)) {
        failed++;
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)index};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void change(int index, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)index};
    epoll_ctl(poller, EPOLL_CTL_MOD, sockets[index], &event);
}

static void give_up(int index) {
    if (stands[index]) held--;
    failed++;
    close(sockets[index]);
    sockets[index] = -1;
}

static void stand(int index) {
    stands[index] = true;
    held++;
}

static void advance(int index, uint32_t events) {
    int fd = sockets[index];
    char byte = 'x';
    if (events & (EPOLLERR | EPOLLHUP)) {
        give_up(index);
    } else if (mode == upload) {
        if (!stands[index]) stand(index);
        while (send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) > 0) {}
        if (errno != EAGAIN) give_up(index);
    } else if (events & EPOLLOUT) {
        if (mode == idle && send(fd, &byte, 1, MSG_NOSIGNAL) != 1) {
            give_up(index);
        } else {
            change(index, EPOLLIN);
        }
    } else if (mode == idle && recv(fd, &byte, 1, 0) != 1) {
        give_up(index);
    } else {
        stand(index);
        change(index, 0);
    }
}

int main(int argc, char **argv) {
    static const char *const names[] = {"idle", "download", "upload"};
    bool known = false;
    for (int index = 0; argc == 5 && index < 3; index++) {
        if (strcmp(argv[1], names[index]) == 0) mode = (enum mode)index, known = true;
    }
    if (!known || inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1) {
        fprintf(stderr, "usage: hold idle|download|upload HOST PORT COUNT\n");
        return 64;
    }
    peer.sin_family = AF_INET;
    peer.sin_port = htons((uint16_t)atoi(argv[3]));
    wanted = atoi(argv[4]);
    sockets = calloc((size_t)wanted, sizeof *sockets);
    stands = calloc((size_t)wanted, sizeof *stands);
    poller = epoll_create1(0);
    signal(SIGPIPE, SIG_IGN);

    struct epoll_event events[256];
    for (;;) {
        while (opened < wanted && opened - held - failed < opening_at_once) open_next();
        bool all_stand = held + failed >= wanted;
        if (all_stand && mode != upload) break;
        int count = epoll_wait(poller, events, 256, all_stand ? quiet_milliseconds : patience_milliseconds);
        if (count <= 0) break;
        for (int index = 0; index < count; index++) advance((int)events[index].data.u32, events[index].events);
    }
    printf("ready %d %d\n", held, wanted - held);
    fflush(stdout);
    while (read(STDIN_FILENO, chunk, sizeof chunk) > 0) {}
    for (int index = 0; index < opened; index++) {
        if (sockets[index] < 0) continue;
        // With a reset: after a FIN a relay whose target is stalled would rightly keep what was sent until it is taken.
        struct linger reset = {.l_onoff = 1};
        setsockopt(sockets[index], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(sockets[index]);
    }
    puts("closed");
    return 0;
}
