// Giving memory back to the kernel: what glibc and the dynamic linker know, and Swift does not see.
#ifndef CMEMORY_H
#define CMEMORY_H

#include <stddef.h>

// What malloc holds of freed memory, in bytes, over all of its arenas; what it has given back since counts too.
size_t warp_memory_free_heap(void);

// Gives the pages of freed memory back (malloc_trim(3)). The heap stays as it is; the next use of it faults pages in.
void warp_memory_trim_heap(void);

// Unmaps the resident pages of the code and constants of this program and its libraries. They stay in the kernel's page
// cache, so that whatever is used next is mapped again by a minor fault, 64 KB at a time.
void warp_memory_release_program_pages(void);

#endif
