/* The index of ids: every id is found through all sizes of the array, nothing else is, and its memory follows what is
 * in it. */
#include "profiler/id_index.h"

#include "base/bits.h"
#include "base/os.h"
#include "profiler/table_memory.h"
#include "tests/support/unit.h"

enum { THINGS = 200000 };

static struct id_index ids;

static bool is_wanted(uint32_t id, const void *wanted, const void *context) {
    (void)context;
    return id == *(const uint32_t *)wanted;
}

static uint32_t find(uint32_t id, uint64_t hash) { return id_index_find(&ids, hash, is_wanted, &id, NULL); }

static void insert(uint32_t id, uint64_t hash) {
    assert_true(id_index_reserve_locked(&ids));
    id_index_insert_locked(&ids, hash, id);
}

static void test_all_are_found(void **state) {
    (void)state;
    for (uint32_t id = 1; id <= THINGS; id++) {
        assert_int_equal(find(id, hash64(id)), 0);
        insert(id, hash64(id));
        assert_int_equal(find(id, hash64(id)), id);
        /* In the middle of every array that there was. */
        if (is_power_of_two(id))
            for (uint32_t other = 1; other <= id; other++)
                assert_int_equal(find(other, hash64(other)), other);
    }
    for (uint32_t id = 1; id <= THINGS; id++)
        assert_int_equal(find(id, hash64(id)), id);
    assert_int_equal(ids.count, THINGS);
    id_index_free(&ids);
    assert_int_equal(table_memory_used(), 0);
    assert_int_equal(find(1, hash64(1)), 0);
}

/* The last place of an array is followed by its first. */
static void test_equal_hashes_wrap_around(void **state) {
    uint64_t highest = UINT64_MAX;
    (void)state;
    for (uint32_t id = 1; id <= 1000; id++)
        insert(id, highest);
    for (uint32_t id = 1; id <= 1000; id++)
        assert_int_equal(find(id, highest), id);
    assert_int_equal(find(1001, highest), 0);
    id_index_free(&ids);
}

/* None for the first, then a page, then at most 46 bytes each, old arrays included (8 are needed). */
static void test_memory_follows_the_ids(void **state) {
    (void)state;
    for (uint32_t id = 1; id <= THINGS; id++) {
        insert(id, hash64(id));
        if (id <= ID_INDEX_FIRST * 3 / 4)
            assert_int_equal(table_memory_used(), 0);
        else
            assert_true(table_memory_used() <= os_page_size() + 46 * id);
    }
    id_index_free(&ids);
}

static void test_ceiling(void **state) {
    uint32_t id = 0;
    (void)state;
    table_memory_set_limit(1 << 20);
    while (id_index_reserve_locked(&ids)) {
        id++;
        id_index_insert_locked(&ids, hash64(id), id);
    }
    assert_true(id > 40000 && table_memory_used() <= 1 << 20);
    for (uint32_t i = 1; i <= id; i++)
        assert_int_equal(find(i, hash64(i)), i);
    id_index_free(&ids);
    table_memory_set_limit(64 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_found),
        cmocka_unit_test(test_equal_hashes_wrap_around),
        cmocka_unit_test(test_memory_follows_the_ids),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
