// Keeping memory and giving it back to the kernel: what glibc and the dynamic linker know, and Swift does not see.
#ifndef CMEMORY_H
#define CMEMORY_H

#include <stddef.h>

// Lets malloc keep so many bytes of freed memory at each heap's end, and in its heaps even blocks as large, so that what
// comes and goes with every batch of packets is not given back and faulted in again each time. At most 32 MiB; to be called
// before much is allocated.
void warp_memory_keep_freed_heap(int bytes);

// What malloc holds of freed memory, in bytes, over all of its arenas; what it has given back since counts too.
size_t warp_memory_free_heap(void);

// Gives the pages of freed memory back (malloc_trim(3)), also those at the end of the calling thread's heap. The next use of
// them faults pages in.
void warp_memory_trim_heap(void);

// Unmaps the resident pages of the code and constants of this program and its libraries. They stay in the kernel's page
// cache, so that whatever is used next is mapped again by a minor fault, 64 KB at a time.
void warp_memory_release_program_pages(void);

#endif
