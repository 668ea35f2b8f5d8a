/* Exercise 14: give it back now. 100 MiB of blocks are written to, and all but a tenth of them are freed.
 *
 * Free gives memory to the heap, not to the system: the next malloc will want it, and pages that are still there are
 * cheaper than new ones. So right after the frees RSS is much what it was. heaptap_free_os_memory returns every idle
 * page at once; a page with one live object on it cannot go. The blocks that are kept are neighbours, so they pin only
 * their own pages. I predict:
 *
 *   RSS falls by at least half of its peak (in truth by nearly nine tenths)
 *   RSS falls by no more than heap_released rises, give or take a MiB: the heap knows what it gave back
 *   the kept blocks have their contents, and heap_alloc does not change: only idle pages went
 *   the addresses stay with the heap: heap_sys is what it was, and heap_released rose by what the call says or more */
#include "examples/tasks/task.h"

enum { BLOCKS = 3200, KEPT = BLOCKS / 10 };
#define BLOCK_BYTES (32 * KIB)

static unsigned char *blocks[BLOCKS];

int main(void) {
    task_settle();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = task_alloc(BLOCK_BYTES);
        memset(blocks[i], i % 251 + 1, BLOCK_BYTES);
    }
    size_t peak = task_rss();
    for (int i = KEPT; i < BLOCKS; i++)
        free(blocks[i]);
    struct heaptap_memstats freed = task_memstats();
    size_t before = task_rss();
    size_t returned = heaptap_free_os_memory();
    size_t after = task_rss();
    struct heaptap_memstats now = task_memstats();
    for (int i = 0; i < KEPT; i++)
        for (size_t byte = 0; byte < BLOCK_BYTES; byte++)
            task_expect(blocks[i][byte] == i % 251 + 1, "byte %zu of kept block %d has changed", byte, i);

    printf("RSS at the peak        %7.1f MiB\n", (double)peak / MIB);
    printf("RSS after the frees    %7.1f MiB\n", (double)before / MIB);
    printf("returned by the call   %7.1f MiB\n", (double)returned / MIB);
    printf("RSS after it           %7.1f MiB\n", (double)after / MIB);
    printf("heap_alloc             %7.1f MiB\n", (double)now.heap_alloc / MIB);
    printf("heap_released          %7.1f MiB, was %.1f\n", (double)now.heap_released / MIB,
           (double)freed.heap_released / MIB);
    task_expect(peak >= BLOCKS * BLOCK_BYTES, "RSS at the peak is only %zu bytes", peak);
    task_expect(after <= peak / 2, "RSS fell from %zu to %zu, not by half", peak, after);
    /* Not less either way, for the scavenger's thread may have begun to return the same. */
    task_expect(before - after <= now.heap_released - freed.heap_released + MIB,
                "RSS fell by %zu, heap_released rose by %" PRIu64, before - after,
                now.heap_released - freed.heap_released);
    task_expect(now.heap_alloc == freed.heap_alloc, "heap_alloc changed from %" PRIu64 " to %" PRIu64, freed.heap_alloc,
                now.heap_alloc);
    task_expect(now.heap_sys == freed.heap_sys && now.heap_released >= freed.heap_released + returned,
                "heap_sys went from %" PRIu64 " to %" PRIu64 ", heap_released from %" PRIu64 " to %" PRIu64,
                freed.heap_sys, now.heap_sys, freed.heap_released, now.heap_released);
    for (int i = 0; i < KEPT; i++)
        free(blocks[i]);
    return 0;
}
