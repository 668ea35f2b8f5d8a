/* Every byte that the kernel gave has an owner: sys is compared, to the byte, with what this process's own mmap,
 * mprotect and munmap saw become readable and writable, and heap_released with what madvise took back. The C library's
 * own calls do not come through here, nor does cmocka's malloc. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pthread.h>
#include <string.h>

#include "alloc/malloc.h"
#include "alloc/memstats.h"
#include "alloc/page_heap.h"
#include "alloc/scavenger.h"
#include "alloc/thread.h"
#include "base/check.h"
#include "base/rand.h"
#include "tests/support/memstats_check.h"
#include "tests/support/unit.h"

/* ---- what the kernel gave ---- */

enum { RANGES = 4096 };

static struct {
    uintptr_t start, end;
} ranges[RANGES]; /* readable and writable, apart from each other; empty ones have start == end */

static pthread_mutex_t ranges_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_range(uintptr_t start, uintptr_t end) {
    for (int i = 0; i < RANGES; i++)
        if (ranges[i].start == ranges[i].end) {
            ranges[i].start = start;
            ranges[i].end = end;
            return;
        }
    CHECK(false);
}

static void take_range(uintptr_t start, uintptr_t end) {
    for (int i = 0; i < RANGES; i++) {
        uintptr_t from = ranges[i].start, to = ranges[i].end;
        if (from == to || to <= start || from >= end)
            continue;
        ranges[i].start = ranges[i].end = 0;
        if (from < start)
            add_range(from, start);
        if (to > end)
            add_range(end, to);
    }
}

static void note(void *p, size_t size, bool usable) {
    pthread_mutex_lock(&ranges_lock);
    take_range((uintptr_t)p, (uintptr_t)p + size);
    if (usable)
        add_range((uintptr_t)p, (uintptr_t)p + size);
    pthread_mutex_unlock(&ranges_lock);
}

static uint64_t given(void) {
    uint64_t bytes = 0;
    for (int i = 0; i < RANGES; i++)
        bytes += ranges[i].end - ranges[i].start;
    return bytes;
}

void *mmap(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
    void *p = (void *)syscall(SYS_mmap, hint, size, protection, flags, fd, offset);
    if (p != MAP_FAILED && fd < 0)
        note(p, size, protection != PROT_NONE);
    return p;
}

int munmap(void *p, size_t size) {
    note(p, size, false);
    return (int)syscall(SYS_munmap, p, size);
}

int mprotect(void *p, size_t size, int protection) {
    int result = (int)syscall(SYS_mprotect, p, size, protection);
    if (result == 0)
        note(p, size, protection != PROT_NONE);
    return result;
}

/* Bytes of the heap, from one page of it on, that are in memory. */
static uint64_t resident(void) {
    uint64_t bytes = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    static unsigned char in[1 << 16];
    for (int i = 0; i < RANGES; i++)
        for (uintptr_t at = ranges[i].start; at < ranges[i].end; at += sizeof in * page) {
            size_t pages = (ranges[i].end - at) / page;
            if (pages > sizeof in)
                pages = sizeof in;
            CHECK(mincore((void *)at, pages * page, in) == 0);
            for (size_t k = 0; k < pages; k++)
                bytes += (in[k] & 1) * page;
        }
    return bytes;
}

/* ---- the heap ---- */

static void check(const char *when) {
    struct heaptap_memstats stats;
    static const struct heaptap_memstats zero;
    memstats_read(&stats);
    const char *broken = memstats_broken(&stats, &zero);
    if (broken)
        fail_msg("%s: %s", when, broken);
    uint64_t bound = stats.sys - stats.heap_released - stats.untouched;
    print_message("%s: sys %lu, given %lu; resident %lu of at most %lu\n", when, (unsigned long)stats.sys,
                  (unsigned long)given(), (unsigned long)resident(), (unsigned long)bound);
    assert_int_equal(stats.sys, given());
    assert_true(resident() <= bound);
    /* Not in memory are the far ends of metadata blocks, and pages of spans that were freed before all were used. */
    assert_true(bound - resident() <= stats.metadata + bound / 20);
}

enum { OBJECTS = 20000 };

static void *objects[OBJECTS];

static void *fill(void *seed) {
    struct rand_state rand;
    rand_seed(&rand, (uintptr_t)seed);
    for (int i = (int)(uintptr_t)seed % 4; i < OBJECTS; i += 4) {
        size_t size = 1 + rand_below(&rand, i % 100 ? 2000 : 200000);
        objects[i] = heap_malloc(size);
        memset(objects[i], 1, size);
    }
    return NULL;
}

static void fill_by_threads(void) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fill, (void *)(4 + i)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void test_every_byte_has_an_owner(void **state) {
    (void)state;
    heap_free(heap_malloc(1));
    check("one object");
    fill_by_threads();
    check("full");
    for (int i = 0; i < OBJECTS; i++)
        if (i % 7)
            heap_free(objects[i]);
    check("thinned out");
    scavenger_release_all();
    check("released");
    page_heap_return_addresses();
    check("addresses returned");
    for (int i = 0; i < OBJECTS; i += 7)
        heap_free(objects[i]);
    scavenger_release_all();
    page_heap_return_addresses();
    check("empty");
    fill_by_threads();
    check("full again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_has_an_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
