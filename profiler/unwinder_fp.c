/* A frame on x86-64 and aarch64 alike:
 *
 *   frame pointer -> | caller's frame pointer | return address |   towards higher addresses
 *
 * The register may hold anything in code that was built without frame pointers, and a stack may be a
 * thread's, a fiber's or a signal's, so no bounds are known. Each step therefore proves what it needs:
 *   1. the pointer is aligned, above the last one, by less than 1 MiB, and stays below the thread's control
 * block when the walk began below it: glibc puts the block at the upper end of a thread's stack;
 *   2. its page can be read: asked of the kernel once a page (profiler/probe.h);
 *   3. the return address is not in the first page.
 *
 * Locks: none. Allocation: none. errno is changed. May run inside malloc. */
#include "profiler/unwind_machine.h"
#include "profiler/unwinder_fp.h"

#include <stdbool.h>

#include "base/bits.h"
#include "profiler/probe.h"

enum { LARGEST_FRAME = 1 << 20, SMALLEST_PAGE = 4096 };

/* Whether both words of the frame can be read; *proven is the page that was asked about last. */
static bool can_read_frame(uintptr_t frame, uintptr_t *proven) {
    for (uintptr_t word = frame; word <= frame + sizeof(uintptr_t); word += sizeof(uintptr_t)) {
        uintptr_t page = align_down(word, SMALLEST_PAGE);
        if (page != *proven && !probe_can_read(page))
            return false;
        *proven = page;
    }
    return true;
}

size_t unwinder_fp_walk(uintptr_t frame, uintptr_t *frames, size_t room) {
    uintptr_t block = (uintptr_t)__builtin_thread_pointer();
    uintptr_t end = frame < block ? block : UINTPTR_MAX - LARGEST_FRAME;
    uintptr_t proven = 1; /* no page */
    size_t count = 0;
    while (count < room && frame % sizeof(uintptr_t) == 0 && frame < end - 2 * sizeof(uintptr_t) &&
           can_read_frame(frame, &proven)) {
        const uintptr_t *words = (const uintptr_t *)frame;
        uintptr_t address = unwind_strip(words[1]);
        if (address < SMALLEST_PAGE)
            break;
        frames[count++] = address;
        if (words[0] <= frame || words[0] - frame >= LARGEST_FRAME)
            break;
        frame = words[0];
    }
    return count;
}

__attribute__((noinline)) size_t unwinder_fp_capture(uintptr_t *frames, size_t room) {
    size_t count = unwinder_fp_walk((uintptr_t)__builtin_frame_address(0), frames, room);
    __asm__ volatile(
        "" ::
            : "memory"); /* not a jump: the walk begins in this function's frame, which must stand till its end */
    return count;
}
