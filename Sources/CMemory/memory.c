#define _GNU_SOURCE
#include "CMemory.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's default (mallopt(3)).
#define TRIM_THRESHOLD (128 * 1024)
// glibc asks at the release of a block of 64 KB or more whether the heap is to be trimmed.
#define TRIMMING_BLOCK (128 * 1024)

static int kept_bytes = TRIM_THRESHOLD;

void warp_memory_keep_freed_heap(int bytes) {
    kept_bytes = bytes;
    mallopt(M_TRIM_THRESHOLD, bytes);
    mallopt(M_MMAP_THRESHOLD, bytes);
}

size_t warp_memory_free_heap(void) { return mallinfo2().fordblks; }

void warp_memory_trim_heap(void) {
    malloc_trim(0);
    // That leaves the end of every heap but the main thread's, which only the release of a large block looks at.
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    void *volatile block = malloc(TRIMMING_BLOCK);
    free(block);
    mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

// Whether the linker has written into read-only segments: their pages are not the file's any more.
static bool has_text_relocations(const struct dl_phdr_info *object) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL)) return true;
        }
    }
    return false;
}

// A segment that is never written to holds exactly what its file does, so dropping its pages loses nothing. RELRO lies
// in a writable segment, and so is left alone.
static int release(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size, (void)context;
    bool is_file = object->dlpi_name[0] == '\0' || object->dlpi_name[0] == '/'; // the vDSO has another name
    if (!is_file || has_text_relocations(object)) return 0;
    uintptr_t page = (uintptr_t)getpagesize();
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        uintptr_t first = start & ~(page - 1);
        // Fails where pages are locked: then they are meant to stay.
        madvise((void *)first, start + segment->p_memsz - first, MADV_DONTNEED);
    }
    return 0;
}

void warp_memory_release_program_pages(void) { dl_iterate_phdr(release, NULL); }
