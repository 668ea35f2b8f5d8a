/* Where the page heap puts things: what decides how much memory is resident, and no other test would notice. Each test
 * runs in a process of its own, whose heap is empty. */
#include "alloc/page_heap.h"

#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"
#include "base/rand.h"
#include "tests/support/child.h"
#include "tests/support/unit.h"

enum { MIB_PAGES = (1 << 20) >> HEAP_PAGE_SHIFT };

static void in_child(void (*body)(void *)) {
    struct child_result result;
    child_run(body, NULL, &result);
    if (!child_exited(&result, 0))
        fail_msg("status %x: %s", result.status, result.error_text);
}

/* thread sanitizer grants no hint of where memory should be, and the kernel goes downward from what it granted last. */
#if defined(__SANITIZE_THREAD__)
enum { HEAP_GROWS_UPWARD = 0 };
#else
enum { HEAP_GROWS_UPWARD = 1 };
#endif

static struct span *alloc(uint64_t pages, unsigned size_class) {
    bool zeroed;
    struct span *span = page_heap_alloc(pages, size_class, 1, &zeroed);
    CHECK(span && span->pages <= pages);
    return span;
}

/* ---- big blocks ---- */

enum { BLOCKS = 16, ROUNDS = 40000, WRITTEN_MOST = 1 << 20, RESIDENT_MOST = 40 * MIB_PAGES };

static struct span *blocks[BLOCKS];

/* 64 KiB to 64 MiB, each half as probable as one half as long. */
static uint64_t draw_pages(struct rand_state *rand) {
    uint64_t unit = 8ull << ctz64(rand_below(rand, 1 << 10) | 1 << 10);
    return unit + rand_below(rand, unit);
}

/* The heap lies within 2 GiB around any of its blocks, and parts of it that are not mapped give an error. */
static uint64_t resident_pages(void) {
    static unsigned char resident[CHUNK_BYTES / 4096];
    uintptr_t base = align_down(blocks[0]->base, 1u << 30) - (1u << 30);
    uint64_t sum = 0;
    for (uintptr_t at = base; at < base + (3ull << 30); at += CHUNK_BYTES)
        if (mincore((void *)at, CHUNK_BYTES, resident) == 0)
            for (size_t i = 0; i < CHUNK_BYTES / os_page_size(); i++)
                sum += resident[i] & 1;
    return sum * os_page_size() >> HEAP_PAGE_SHIFT;
}

/* Of each block a quarter is written, 1 MiB at most: some 7 MiB at a time. Where blocks begin anywhere, 70 MiB are
 * resident in the end. */
static void churn(void *unused) {
    struct rand_state rand;
    (void)unused;
    rand_seed(&rand, 1);
    for (int i = 0; i < ROUNDS; i++) {
        struct span **block = &blocks[rand_below(&rand, BLOCKS)];
        if (*block)
            page_heap_free(*block);
        *block = alloc(draw_pages(&rand), 0);
        size_t written = (*block)->slot_size / 4 < WRITTEN_MOST ? (*block)->slot_size / 4 : WRITTEN_MOST;
        for (size_t at = 0; at < written; at += os_page_size())
            ((volatile char *)(*block)->base)[at] = 1;
    }
    uint64_t resident = resident_pages();
    CHECK(page_heap_validate());
    CHECK(resident > 7ull * MIB_PAGES);
    CHECK(resident < RESIDENT_MOST);
}

static void test_untouched_parts_stay_untouched(void **state) {
    (void)state;
    if (!HEAP_GROWS_UPWARD)
        skip();
    in_child(churn);
}

static void place(void *unused) {
    static const struct {
        uint64_t pages, align;
    } wanted[] = {{257, 512}, {512, 512}, {513, 1024}, {5000, 8192}, {8193, 8192}, {30000, 8192}};
    (void)unused;
    alloc(1, 0);
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct span *first = alloc(wanted[i].pages, 0), *second = alloc(wanted[i].pages, 0);
        CHECK(first->base % (wanted[i].align << HEAP_PAGE_SHIFT) == 0);
        CHECK(second->base % (wanted[i].align << HEAP_PAGE_SHIFT) == 0);
        uintptr_t base = first->base;
        page_heap_free(first);
        CHECK(alloc(wanted[i].pages, 0)->base == base);
    }
    struct page_heap_stats stats;
    page_heap_read_stats(&stats);
    CHECK(stats.released_bytes < stats.inuse_bytes * 2); /* the gaps */
    CHECK(page_heap_validate());
}

static void test_big_blocks_begin_at_multiples(void **state) {
    (void)state;
    if (!HEAP_GROWS_UPWARD)
        skip();
    in_child(place);
}

static uint64_t heap_pages(void) {
    struct page_heap_stats stats;
    page_heap_read_stats(&stats);
    return (stats.inuse_bytes + stats.free_bytes + stats.released_bytes) >> HEAP_PAGE_SHIFT;
}

enum { UNALIGNED_HOLES = 400, HALF = CHUNK_PAGES / 2 };

/* More holes across borders of chunks than the search for an aligned place looks at, then `last` whole chunks, free but
 * for their end where `closed`. */
static void make_unaligned_holes(unsigned last, bool closed) {
    static struct span *halves[2 * UNALIGNED_HOLES + 1][2];
    for (unsigned i = 0; i <= 2 * UNALIGNED_HOLES; i++)
        for (int k = 0; k < 2; k++)
            halves[i][k] = alloc(HALF, 0);
    struct span *whole[8];
    CHECK(halves[0][0]->base % CHUNK_BYTES == 0 && last <= 8);
    for (unsigned i = 0; i < last; i++) {
        whole[i] = alloc(HALF, 0);
        CHECK(page_heap_resize(whole[i], CHUNK_PAGES));
    }
    if (closed)
        alloc(1, 0);
    for (unsigned i = 0; i < 2 * UNALIGNED_HOLES; i += 2) {
        page_heap_free(halves[i][1]);
        page_heap_free(halves[i + 1][0]);
    }
    for (unsigned i = 0; i < last; i++)
        page_heap_free(whole[i]);
}

/* There is an aligned place, so the heap does not grow, found or not. */
static void give_up(void *unused) {
    (void)unused;
    make_unaligned_holes(4, true);
    uint64_t before = heap_pages();
    for (int i = 0; i < 20; i++)
        alloc(HALF + 100, 0);
    CHECK(heap_pages() == before);
    CHECK(page_heap_validate());
}

/* The same where the place is the heap's end; and where that is too short by a part of a chunk. */
static void give_up_at_the_end(void *unused) {
    (void)unused;
    make_unaligned_holes(1, false);
    uint64_t before = heap_pages();
    alloc(HALF + 100, 0);
    CHECK(heap_pages() == before);
    alloc(HALF + 100, 0);
    CHECK(heap_pages() == before + CHUNK_PAGES);
}

static void use_the_end(void *unused) {
    (void)unused;
    alloc(HALF, 0);
    alloc(5ull * CHUNK_PAGES, 0);
    uint64_t before = heap_pages();
    alloc(2ull * CHUNK_PAGES, 0); /* ends where the heap does, or begins in it */
    CHECK(heap_pages() <= before + 2ull * CHUNK_PAGES);
}

static void test_growth_is_bounded(void **state) {
    (void)state;
    if (!HEAP_GROWS_UPWARD)
        skip();
    in_child(give_up);
    in_child(give_up_at_the_end);
    in_child(use_the_end);
}

/* ---- spans of small objects ---- */

enum { HOLES = 100 };

static void fill_holes(void *unused) {
    struct span *spans[2 * HOLES];
    struct page_heap_stats stats;
    unsigned size_class = size_class_of(64);
    (void)unused;
    for (int i = 0; i < 2 * HOLES; i++)
        spans[i] = alloc(1, size_class);
    for (int i = 0; i < 2 * HOLES; i += 2)
        page_heap_free(spans[i]);
    /* A class whose smallest span does not fit takes fresh memory, and so does a large object. */
    CHECK(alloc(5, size_class_of(6784))->pages == 5);
    CHECK(alloc(8, 0)->pages == 8);
    for (int i = 0; i < HOLES; i++)
        CHECK(alloc(8, size_class)->pages == 1);
    page_heap_read_stats(&stats);
    CHECK(stats.free_bytes == 0);
    bool zeroed;
    CHECK(page_heap_alloc(8, size_class, 1, &zeroed)->pages == 8 && zeroed);
    CHECK(page_heap_validate());
}

static void test_idle_holes_before_fresh_memory(void **state) {
    (void)state;
    in_child(fill_holes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untouched_parts_stay_untouched),
        cmocka_unit_test(test_big_blocks_begin_at_multiples),
        cmocka_unit_test(test_growth_is_bounded),
        cmocka_unit_test(test_idle_holes_before_fresh_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
