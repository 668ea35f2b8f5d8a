/* id_map against a plain array of ids, with dense, sparse and mixed ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/rand.h"
#include "proto/id_map.h"
#include "proto/profile.h"

enum { MANY = 20000 };

static uint64_t dense_id(uint32_t i) { return i + 1; }
static uint64_t reversed_id(uint32_t i) { return MANY - i; }
static uint64_t sparse_id(uint32_t i) { return hash64(i + 1); }
static uint64_t mixed_id(uint32_t i) { return i % 3 ? i + 1 : UINT64_MAX - i; }

static void check(uint64_t (*id_of)(uint32_t)) {
    struct id_map map;
    id_map_init(&map);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(id_map_add(&map, id_of(i), i), ID_MAP_ADDED);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(id_map_find(&map, id_of(i)), i);
        assert_int_equal(id_map_add(&map, id_of(i), 7), ID_MAP_TWICE);
    }
    assert_int_equal(id_map_find(&map, 1ull << 50), PROFILE_NONE);
    assert_int_equal(id_map_find(&map, 0), PROFILE_NONE);
    assert_int_equal(id_map_add(&map, 0, 1), ID_MAP_ZERO);
    id_map_free(&map);
}

static void finds_what_was_added(void **state) {
    (void)state;
    check(dense_id);
    check(reversed_id);
    check(sparse_id);
    check(mixed_id);
}

static void memory_follows_count_not_claims(void **state) {
    (void)state;
    struct id_map map;
    id_map_init(&map);
    for (unsigned bit = 0; bit < 64; bit++)
        assert_int_equal(id_map_add(&map, 1ull << bit, bit), ID_MAP_ADDED);
    for (unsigned bit = 0; bit < 64; bit++)
        assert_int_equal(id_map_find(&map, 1ull << bit), bit);
    assert_true(map.direct_region.taken + map.slot_region.taken < 256 * 1024);
    id_map_free(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added),
        cmocka_unit_test(memory_follows_count_not_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
