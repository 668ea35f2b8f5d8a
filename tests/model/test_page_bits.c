/* A chunk's bitmap against an array of 512 bools, every answer by the simplest loop. A flipped bit must be
 * found. */
#include "alloc/page_bits.h"

#include <stdbool.h>
#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

struct model {
    struct page_bits bits;
    bool set[CHUNK_PAGES];
    struct rand_state rand;
};

static uint32_t plain_find(const struct model *model, uint32_t count, uint32_t from) {
    for (uint32_t first = from; first + count <= CHUNK_PAGES; first++) {
        uint32_t length = 0;
        while (length < count && !model->set[first + length])
            length++;
        if (length == count)
            return first;
    }
    return PAGE_BITS_NONE;
}

static struct page_runs plain_runs(const struct model *model) {
    struct page_runs runs = {0, 0, 0};
    uint32_t length = 0;
    for (uint32_t i = 0; i < CHUNK_PAGES; i++) {
        length = model->set[i] ? 0 : length + 1;
        runs.max = length > runs.max ? length : runs.max;
        runs.start = length == i + 1 ? length : runs.start;
    }
    runs.end = length;
    return runs;
}

/* Every question about the whole; false where the answers differ. */
static bool agree(struct model *model) {
    struct page_runs got = page_bits_runs(&model->bits), wanted = plain_runs(model);
    uint32_t first = (uint32_t)rand_below(&model->rand, CHUNK_PAGES);
    uint32_t count = (uint32_t)rand_below(&model->rand, CHUNK_PAGES - first + 1), sum = 0;
    for (uint32_t i = first; i < first + count; i++)
        sum += model->set[i];
    for (uint32_t i = 0; i < CHUNK_PAGES; i++)
        if (page_bits_test(&model->bits, i) != model->set[i])
            return false;
    uint32_t run = 1 + (uint32_t)rand_below(&model->rand, rand_below(&model->rand, 4) ? 20 : CHUNK_PAGES);
    return got.start == wanted.start && got.max == wanted.max && got.end == wanted.end &&
           page_bits_count(&model->bits, first, count) == sum &&
           page_bits_find(&model->bits, run, first) == plain_find(model, run, first) &&
           page_bits_find(&model->bits, run, 0) == plain_find(model, run, 0);
}

static void change(struct model *model) {
    uint32_t first = (uint32_t)rand_below(&model->rand, CHUNK_PAGES);
    uint32_t most = rand_below(&model->rand, 3) ? 16 : CHUNK_PAGES;
    uint32_t count = (uint32_t)rand_below(&model->rand, most + 1);
    bool to = rand_below(&model->rand, 2);
    if (count > CHUNK_PAGES - first)
        count = CHUNK_PAGES - first;
    (to ? page_bits_set : page_bits_clear)(&model->bits, first, count);
    memset(model->set + first, to, count * sizeof *model->set);
}

/* The operation after which the two differ, or -1. */
static int run_program(uint64_t seed, int operations, int flip_at) {
    struct model model = {0};
    rand_seed(&model.rand, seed);
    for (int i = 0; i < operations; i++) {
        change(&model);
        if (i == flip_at)
            model.bits.words[rand_below(&model.rand, PAGE_BITS_WORDS)] ^= 1ull << rand_below(&model.rand, 64);
        if (!agree(&model))
            return i;
    }
    return -1;
}

static void test_programs(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        if (run_program(seed, 5000, -1) >= 0)
            fail_msg("seed %llu differs", (unsigned long long)seed);
}

static void test_flipped_bit_is_found(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_int_equal(run_program(seed, 200, 100), 100);
}

static void test_ends(void **state) {
    (void)state;
    struct page_bits bits = {0};
    assert_int_equal(page_bits_find(&bits, CHUNK_PAGES, 0), 0);
    assert_int_equal(page_bits_find(&bits, CHUNK_PAGES + 1, 0), PAGE_BITS_NONE);
    assert_int_equal(page_bits_find(&bits, 1, CHUNK_PAGES - 1), CHUNK_PAGES - 1);
    assert_int_equal(page_bits_find(&bits, 1, CHUNK_PAGES), PAGE_BITS_NONE);
    page_bits_set(&bits, 0, CHUNK_PAGES);
    struct page_runs runs = page_bits_runs(&bits);
    assert_true(runs.start == 0 && runs.max == 0 && runs.end == 0);
    assert_int_equal(page_bits_find(&bits, 1, 0), PAGE_BITS_NONE);
    page_bits_clear(&bits, 5, 0);
    assert_int_equal(page_bits_count(&bits, 0, CHUNK_PAGES), CHUNK_PAGES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_flipped_bit_is_found),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
