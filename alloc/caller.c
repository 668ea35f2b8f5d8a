/* Compares a return address with the code segments of three objects, found once from their program headers.
 *
 * Locks: none. Allocation: none. caller_prepare asks the loader, so it may not run inside malloc. */
#include "alloc/caller.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "alloc/guard.h"
#include "alloc/page_heap.h"
#include "base/atomic.h"
#include "base/os.h"

#define REFUSED_NANOSECONDS ((int64_t)10000000000)

struct code {
    uintptr_t start, limit;
};

static struct code libc, loader, own; /* written by prepare */
static _Atomic bool allowed;

/* The code segments of the object whose first page is at `base`. */
static struct code code_of(uintptr_t base) {
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)base;
    struct code code = {UINTPTR_MAX, 0};
    if (!base)
        return (struct code){0, 0};
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(base + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uintptr_t start = base + segments[i].p_vaddr, limit = start + segments[i].p_memsz;
        if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X))
            continue;
        code.start = start < code.start ? start : code.start;
        code.limit = limit > code.limit ? limit : code.limit;
    }
    return code;
}

static struct code code_around(const void *function) {
    Dl_info object;
    return code_of(dladdr(function, &object) ? (uintptr_t)object.dli_fbase : 0);
}

static bool is_in(struct code code, uintptr_t address) { return address >= code.start && address < code.limit; }

/* Linked into the program, our code is the program's: then no address is known to be ours. */
void caller_prepare(void) {
    loader = code_of(getauxval(AT_BASE));
    libc = code_around(__extension__(void *) pthread_create);
    own = code_around(__extension__(void *) caller_prepare);
    bool has_libc = libc.limit != 0 && libc.start != own.start;
    if (is_in(own, getauxval(AT_ENTRY)))
        own = (struct code){0, 0};
    atomic_store_release(&allowed, has_libc);
}

bool caller_knows_own(void) { return own.limit != 0; }

bool caller_may_start_thread(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    if (!caller || !atomic_load_acquire(&allowed) || guard_valgrind)
        return false; /* valgrind would report what a thread leaves behind that never ends */
    if (is_in(libc, address) || is_in(loader, address) || is_in(own, address))
        return false;
    /* A process at its limit has better uses for what a thread takes. */
    return !page_heap_refused_at() || os_now() - page_heap_refused_at() >= REFUSED_NANOSECONDS;
}
