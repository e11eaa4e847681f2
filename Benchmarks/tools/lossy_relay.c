// A long, lossy path between two network namespaces: a TUN device in each, and this program in between, which delays,
// limits and drops IP packets. Where the kernel has no netem, and equal to UDP and TCP.
//
//   lossy_relay LEFT_NAMESPACE RIGHT_NAMESPACE DEVICE DELAY_MS LOSS RATE_MBIT QUEUE_MS SEED
//
// Namespaces are paths such as /run/netns/NAME. Each direction by itself: a packet is lost with the probability LOSS,
// waits for its turn on a line of RATE_MBIT, is dropped when that would take longer than QUEUE_MS, and arrives DELAY_MS
// after it has left. The same seed loses the same packets of the same sequence. Prints "ready" when both devices are
// there; they go when this program ends, which SIGTERM asks for. Then it says what became of the packets.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// A direction holds rate × (delay + queue): 32,768 packets of 1,500 bytes are 500 Mbit/s for 0.78 s.
enum { packet_bytes = 2048, capacity = 32768, reads_at_once = 64 };

struct packet {
    int64_t arrives;
    uint32_t length;
    char bytes[packet_bytes];
};

struct direction {
    int from, to;
    int64_t line_is_free; // when the last packet has left the line
    uint64_t random;
    uint32_t first, count; // ring
    struct packet *ring;
    uint64_t forwarded, lost, overflowed;
};

static int64_t delay, queue_limit;
static volatile sig_atomic_t is_ending;
static double loss, nanoseconds_per_byte;

static void die(const char *what) {
    fprintf(stderr, "lossy_relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int tun_in(const char *namespace, const char *device) {
    int place = open(namespace, O_RDONLY | O_CLOEXEC);
    if (place < 0 || setns(place, CLONE_NEWNET) != 0) die(namespace);
    close(place);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) die("/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(fd, TUNSETIFF, &request) != 0) die("TUNSETIFF");
    return fd;
}

// splitmix64, as a number from 0 up to 1.
static double next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static void take_in(struct direction *direction) {
    for (int reads = 0; reads < reads_at_once; reads++) {
        static char spare[packet_bytes];
        struct packet *slot = &direction->ring[(direction->first + direction->count) % capacity];
        char *place = direction->count < capacity ? slot->bytes : spare;
        ssize_t length = read(direction->from, place, packet_bytes);
        if (length <= 0) return;

        if (next_random(&direction->random) < loss) {
            direction->lost++;
            continue;
        }
        int64_t time = now();
        int64_t start = direction->line_is_free > time ? direction->line_is_free : time;
        if (place == spare || start - time > queue_limit) {
            direction->overflowed++;
            continue;
        }
        direction->line_is_free = start + (int64_t)((double)length * nanoseconds_per_byte);
        slot->arrives = direction->line_is_free + delay;
        slot->length = (uint32_t)length;
        direction->count++;
    }
}

// Delivers what is due. Returns when the next packet is, or INT64_MAX.
static int64_t deliver(struct direction *direction) {
    while (direction->count > 0) {
        struct packet *packet = &direction->ring[direction->first];
        if (packet->arrives > now()) return packet->arrives;
        if (write(direction->to, packet->bytes, packet->length) < 0 && errno != EINVAL && errno != EIO) die("write");
        direction->forwarded++;
        direction->first = (direction->first + 1) % capacity;
        direction->count--;
    }
    return INT64_MAX;
}

static void end(int number) {
    (void)number;
    is_ending = 1;
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fprintf(stderr, "usage: lossy_relay LEFT_NAMESPACE RIGHT_NAMESPACE DEVICE DELAY_MS LOSS RATE_MBIT QUEUE_MS "
                        "SEED\n");
        return 64;
    }
    delay = (int64_t)(atof(argv[4]) * 1e6);
    loss = atof(argv[5]);
    nanoseconds_per_byte = 8000 / atof(argv[6]);
    queue_limit = (int64_t)(atof(argv[7]) * 1e6);
    uint64_t seed = strtoull(argv[8], NULL, 10);

    signal(SIGTERM, end);
    // A path does not wait for a processor. Without the privilege it has to.
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    prctl(PR_SET_TIMERSLACK, 1);
    int left = tun_in(argv[1], argv[3]), right = tun_in(argv[2], argv[3]);
    struct direction directions[2] = {
        {.from = left, .to = right, .random = seed},
        {.from = right, .to = left, .random = seed ^ 0x5deece66d},
    };
    for (int index = 0; index < 2; index++) {
        if ((directions[index].ring = malloc(sizeof(struct packet) * capacity)) == NULL) die("malloc");
    }
    puts("ready");
    fflush(stdout);

    struct pollfd sides[2] = {{.fd = left, .events = POLLIN}, {.fd = right, .events = POLLIN}};
    while (!is_ending) {
        int64_t next = deliver(&directions[0]), other = deliver(&directions[1]);
        if (other < next) next = other;
        int64_t wait = next == INT64_MAX ? 1000000000 : next - now();
        if (wait < 0) wait = 0;
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        if (ppoll(sides, 2, &timeout, NULL) < 0 && errno != EINTR) die("ppoll");
        for (int index = 0; index < 2; index++) {
            if (sides[index].revents & (POLLERR | POLLNVAL)) die("device");
            if (sides[index].revents & POLLIN) take_in(&directions[index]);
        }
    }
    for (int index = 0; index < 2; index++) {
        fprintf(stderr, "direction %d: %llu forwarded, %llu lost, %llu overflowed\n", index,
                (unsigned long long)directions[index].forwarded, (unsigned long long)directions[index].lost,
                (unsigned long long)directions[index].overflowed);
    }
    return 0;
}
