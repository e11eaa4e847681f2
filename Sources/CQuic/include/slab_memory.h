// Memory for ngtcp2: its slabs cost no more than what of them is in use.
#ifndef CQUIC_SLAB_MEMORY_H
#define CQUIC_SLAB_MEMORY_H

#include <ngtcp2/ngtcp2.h>

// ngtcp2 0.12 keeps small objects in slabs of 4 to 12 KiB, each filled from its start. An idle connection holds nine
// and uses a tenth of them. Slabs from here begin in a page of their own that nobody has written to: the kernel gives
// memory to those pages only that are used, where malloc would hand out what a handshake has written to before.
//
// All other sizes are malloc's. May be used by several threads. Lives as long as the program.
const ngtcp2_mem *warp_slab_memory(void);

#endif
