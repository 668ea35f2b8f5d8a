/* One span against plain arrays: which slots it carves, which slot an address is in, which slots are marked,
 * and in which list it stands. A slot that is lost, a mark that flips, must be found. */
#include "alloc/span.h"

#include <string.h>

#include "base/os.h"
#include "base/rand.h"
#include "tests/support/unit.h"

enum { MOST_SLOTS = 8192, MOST_PAGES = SIZE_CLASS_SPAN_MOST >> HEAP_PAGE_SHIFT, LISTED = 100 };

static char *memory;

static int set_up(void **state) {
    (void)state;
    memory = os_alloc(MOST_PAGES << HEAP_PAGE_SHIFT);
    return memory ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    os_free(memory, MOST_PAGES << HEAP_PAGE_SHIFT);
    return 0;
}

/* A span of this class over `memory`; `spread` widens it as the heap may. */
static struct span *new_span(unsigned class, uint32_t spread) {
    uint32_t pages = size_classes[class].pages * spread;
    if (pages > (uint32_t)MOST_PAGES || (pages << HEAP_PAGE_SHIFT) / size_classes[class].size > MOST_SLOTS)
        return NULL;
    struct span *span = span_create((uintptr_t)memory, pages, class);
    assert_non_null(span);
    return span;
}

/* Every slot is on the free list once, on a slot border, and none reaches over the end. */
static bool free_list_is_right(const struct span *span) {
    static bool seen[MOST_SLOTS];
    uint32_t count = 0;
    memset(seen, 0, sizeof seen);
    for (char *slot = span->free; slot; slot = span_link_load(slot), count++) {
        size_t offset = (size_t)(slot - memory), index = offset / span->slot_size;
        if (offset % span->slot_size || index >= span->slots || seen[index])
            return false;
        if (span->base + (index + 1) * span->slot_size > span_limit(span))
            return false;
        seen[index] = true;
    }
    return count == span_carved_slots(span) && span_count_free(span) == count;
}

static void test_carving(void **state) {
    (void)state;
    for (unsigned class = 1; class < SIZE_CLASS_COUNT; class ++)
        for (uint32_t spread = 1; spread <= 4; spread *= 2) {
            struct span *span = new_span(class, spread);
            if (!span)
                continue;
            memset(memory, 0xff, (size_t)span->pages << HEAP_PAGE_SHIFT);
            assert_int_equal(span->slots, ((size_t)span->pages << HEAP_PAGE_SHIFT) / size_classes[class].size);
            while (span_carve(span))
                assert_true(free_list_is_right(span));
            assert_int_equal(span_carved_slots(span), span->slots);
            /* The fault: a slot is taken out behind the span's back. */
            void *lost = span->free;
            span->free = span_link_load(lost);
            assert_false(free_list_is_right(span));
            span_destroy(span);
        }
}

/* The index of every slot's start, and for every other address a number that is no index. */
static void test_index(void **state) {
    (void)state;
    for (unsigned class = 1; class < SIZE_CLASS_COUNT; class ++) {
        struct span *span = new_span(class, 1);
        assert_non_null(span);
        uint32_t bytes = span->pages << HEAP_PAGE_SHIFT, size = size_classes[class].size;
        for (uint32_t offset = 0; offset < bytes; offset++) {
            uint32_t index = span_index(span, span->base + offset);
            span->carved = offset % 5 ? (uint32_t)span->slots_bytes : offset / size * size;
            if (span_is_carved_slot(span, memory + offset) != (offset % size == 0 && offset < span->carved))
                fail_msg("class %u: offset %u is taken for a slot or not", class, offset);
            if (offset % size ? index < span->slots : index != offset / size)
                fail_msg("class %u: offset %u gives %u", class, offset, index);
        }
        span_destroy(span);
    }
}

static bool marks_agree(struct span *span, const bool *marked, uint32_t index) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < span->slots; i++)
        count += marked[i];
    bool was = marked[index];
    if (span_count_sampled(span) != count || span_is_sampled(span, index) != was ||
        span_unmark_sampled(span, index, index % 3 != 0) != was)
        return false;
    return !was || span_mark_sampled(span, index);
}

static void mark_at_random(struct span *span, struct rand_state *rand) {
    static bool marked[MOST_SLOTS];
    memset(marked, 0, sizeof marked);
    for (int i = 0; i < 300; i++) {
        uint32_t index = (uint32_t)rand_below(rand, span->slots);
        assert_true(marks_agree(span, marked, index));
        if (marked[index])
            assert_true(span_unmark_sampled(span, index, index % 2 == 0));
        else
            assert_true(span_mark_sampled(span, index));
        marked[index] = !marked[index];
        if (marked[index])
            assert_true(span->owner & SPAN_SAMPLED);
    }
    uint32_t faulty = (uint32_t)rand_below(rand, span->slots);
    marked[faulty] = !marked[faulty];
    assert_false(marks_agree(span, marked, faulty));
    marked[faulty] = !marked[faulty];
    for (uint32_t i = 0; i < span->slots; i++)
        assert_int_equal(span_unmark_sampled(span, i, i % 5 != 0), marked[i]);
}

static void test_marks(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 6);
    for (unsigned class = 1; class < SIZE_CLASS_COUNT; class ++) {
        struct span *span = new_span(class, 1);
        mark_at_random(span, &rand);
        assert_int_equal(span_count_sampled(span), 0);
        span_destroy(span);
    }
}

/* The newest is first; those that were removed are not met. */
static void test_lists(void **state) {
    (void)state;
    struct span *spans[LISTED];
    uint64_t position[LISTED] = {0}, clock = 0; /* 0: not in the list */
    struct span_list list = {0};
    struct rand_state rand;
    rand_seed(&rand, 7);
    for (int i = 0; i < LISTED; i++)
        assert_non_null(spans[i] = span_create((uintptr_t)memory, 1, 1));
    for (int round = 0; round < 20000; round++) {
        uint64_t which = rand_below(&rand, LISTED);
        if (position[which])
            span_list_remove(&list, spans[which]);
        else
            span_list_push(&list, spans[which]);
        position[which] = position[which] ? 0 : ++clock;
        uint32_t count = 0;
        uint64_t last = UINT64_MAX;
        for (struct span *span = list.first; span; span = span->next, count++) {
            int i = 0;
            while (spans[i] != span)
                i++;
            assert_true(position[i] && position[i] < last);
            assert_true(!span->next || span->next->previous == span);
            last = position[i];
        }
        assert_int_equal(count, list.count);
    }
    for (int i = 0; i < LISTED; i++)
        span_destroy(spans[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carving),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
