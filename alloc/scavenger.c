/* Goes down from the highest address in runs of at most a chunk; each run is marked taken while the kernel is asked, so
 * allocation goes on meanwhile.
 *
 * Locks: the page heap's, briefly, run by run. Keeps errno. */
#include "alloc/scavenger.h"

#include "alloc/thread.h"

size_t scavenger_release_all(void) {
    size_t pages = 0;
    uint64_t cursor = UINT64_MAX, got;
    if (thread_cache != &cache_none)
        cache_drain_remote(thread_cache);
    while ((got = page_heap_scavenge(CHUNK_PAGES, &cursor)) > 0)
        pages += got;
    return pages << HEAP_PAGE_SHIFT;
}
