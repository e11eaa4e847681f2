// ngtcp2's slabs, cut to what an idle connection needs of them.
//
// ngtcp2 0.12 keeps small objects of one kind in slabs of 64 (acknowledgements 32, skip list nodes 8), 1 to 12 KiB each. An
// idle connection has nine of more than 4 KiB and uses a tenth of them; what a busy one needs more comes slab by slab anyway.
#include <ngtcp2/ngtcp2.h>

// Every slab has room for a multiple of so many objects, each of a multiple of 16 bytes.
enum { SLAB_DIVISOR = 8 };

// The linker's option --wrap leads ngtcp2's calls of ngtcp2_balloc_init, which makes a kind's allocator, to __wrap_…, and
// those of __real_… to it.
void __real_ngtcp2_balloc_init(void *allocator, size_t slab_bytes, const ngtcp2_mem *memory);
void __wrap_ngtcp2_balloc_init(void *allocator, size_t slab_bytes, const ngtcp2_mem *memory);

void __wrap_ngtcp2_balloc_init(void *allocator, size_t slab_bytes, const ngtcp2_mem *memory) {
    __real_ngtcp2_balloc_init(allocator, slab_bytes / SLAB_DIVISOR, memory);
}
