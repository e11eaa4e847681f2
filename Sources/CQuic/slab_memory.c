#include "slab_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// The largest slab has 12,184 bytes; smaller blocks than the smallest slab are malloc's.
#define LARGEST_SLAB_BYTES ((size_t)(3 * 4096))
#define SMALLEST_SLAB_BYTES ((size_t)4096)
// A page more than the largest slab: were all slabs to begin at a page's start, what is in use of them would share a
// few sets of the processor's caches. Each slot's block begins some cache lines further in than the one's before.
#define SLOT_BYTES ((size_t)(4 * 4096))
#define COLOUR_BYTES ((size_t)128)
#define COLOURS 24
// Address space, not memory: 4 GiB, for the slabs of some 29,000 connections. malloc serves the rest.
#define SLOT_COUNT ((size_t)262144)
// So many unused slots keep their memory, 4 MiB at most: streams that come and go need no system call.
#define WARM_SLOTS 256

_Static_assert((COLOURS - 1) * COLOUR_BYTES + LARGEST_SLAB_BYTES <= SLOT_BYTES, "a slot has room for every colour");

typedef struct slots {
    size_t count;
    uint32_t numbers[WARM_SLOTS];
} slots;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *first_slot; // NULL where the system grants no such address space
static size_t fresh;        // slots from here on were never used
static slots warm;
// Unused slots whose memory went back: a stack as large as it can get, in address space of its own.
static uint32_t *cold;
static size_t cold_count;

static void reserve(void) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *stack = mmap(NULL, SLOT_COUNT * sizeof(*cold), PROT_READ | PROT_WRITE, flags, -1, 0);
    void *space = mmap(NULL, SLOT_COUNT * SLOT_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (stack == MAP_FAILED || space == MAP_FAILED) {
        return;
    }
    // A huge page would give memory to 128 slots when the first of them is used.
    madvise(space, SLOT_COUNT * SLOT_BYTES, MADV_NOHUGEPAGE);
    cold = stack;
    first_slot = space;
}

static bool is_slot(const void *block) {
    const uint8_t *address = block;
    return first_slot != NULL && address >= first_slot && address < first_slot + SLOT_COUNT * SLOT_BYTES;
}

static uint8_t *slot(size_t number) { return first_slot + number * SLOT_BYTES; }

// Returns NULL when there is none.
static void *take_block(void) {
    size_t number = SLOT_COUNT;
    pthread_mutex_lock(&lock);
    if (warm.count > 0) {
        number = warm.numbers[--warm.count];
    } else if (cold_count > 0) {
        number = cold[--cold_count];
    } else if (first_slot != NULL && fresh < SLOT_COUNT) {
        number = fresh++;
    }
    pthread_mutex_unlock(&lock);
    return number < SLOT_COUNT ? slot(number) + number % COLOURS * COLOUR_BYTES : NULL;
}

static void give_block_back(const uint8_t *block) {
    uint32_t number = (uint32_t)((size_t)(block - first_slot) / SLOT_BYTES);
    pthread_mutex_lock(&lock);
    if (warm.count < WARM_SLOTS) {
        warm.numbers[warm.count++] = number;
    } else {
        madvise(slot(number), SLOT_BYTES, MADV_DONTNEED);
        cold[cold_count++] = number;
    }
    pthread_mutex_unlock(&lock);
}

static void *slab_malloc(size_t size, void *user_data) {
    (void)user_data;
    void *block = size >= SMALLEST_SLAB_BYTES && size <= LARGEST_SLAB_BYTES ? take_block() : NULL;
    return block != NULL ? block : malloc(size);
}

static void slab_free(void *block, void *user_data) {
    (void)user_data;
    if (is_slot(block)) {
        give_block_back(block);
    } else {
        free(block);
    }
}

static void *slab_calloc(size_t count, size_t size, void *user_data) {
    (void)user_data;
    return calloc(count, size);
}

static void *slab_realloc(void *block, size_t size, void *user_data) {
    if (!is_slot(block)) {
        return realloc(block, size);
    }
    void *larger = malloc(size);
    if (larger != NULL) {
        memcpy(larger, block, size < LARGEST_SLAB_BYTES ? size : LARGEST_SLAB_BYTES);
        slab_free(block, user_data);
    }
    return larger;
}

const ngtcp2_mem *warp_slab_memory(void) {
    static const ngtcp2_mem memory = {NULL, slab_malloc, slab_free, slab_calloc, slab_realloc};
    pthread_once(&once, reserve);
    return &memory;
}
