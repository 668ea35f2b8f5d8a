/* Blocks of varints against one at a time: every length, every length of a field, cut off and too long. */
#include "proto/varints.h"

#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "proto/wire.h"
#include "tests/support/unit.h"

enum { MOST = 400, ROUNDS = 20000 };

/* What varints_decode gives over a whole field; *count is SIZE_MAX where it refuses. */
static void decode_blocks(const unsigned char *p, const unsigned char *end, uint64_t *values, size_t *count) {
    *count = 0;
    while (p < end) {
        const unsigned char *before = p;
        size_t got = varints_decode(&p, end, values + *count);
        assert_true(p <= end && (size_t)(p - before) <= VARINTS_BLOCK);
        assert_true(got <= VARINTS_BLOCK && (got > 0) == (p > before));
        *count += got;
        if (!got) {
            *count = SIZE_MAX;
            return;
        }
    }
}

static void decode_singly(const unsigned char *p, const unsigned char *end, uint64_t *values, size_t *count) {
    for (*count = 0; p < end; ++*count) {
        if (!wire_get_varint(&p, end, &values[*count])) {
            *count = SIZE_MAX;
            return;
        }
    }
}

/* The field lies at the very end of its memory, so that a sanitizer sees a load behind it. */
static void assert_same(const unsigned char *field, size_t size) {
    static uint64_t blocks[MOST * 10 + VARINTS_BLOCK], singles[MOST * 10 + VARINTS_BLOCK];
    size_t block_count, single_count;
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, field, size);
    decode_blocks(copy, copy + size, blocks, &block_count);
    decode_singly(copy, copy + size, singles, &single_count);
    assert_int_equal(block_count, single_count);
    if (single_count != SIZE_MAX)
        assert_memory_equal(blocks, singles, single_count * sizeof *singles);
    free(copy);
}

static void test_numbers(void **state) {
    (void)state;
    struct rand_state rand;
    unsigned char field[MOST * WIRE_VARINT_MAX];
    rand_seed(&rand, 3);
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 0, count = 1 + rand_below(&rand, round % 50 ? 60 : MOST);
        unsigned most_bits = (unsigned)rand_below(&rand, 64) + 1;
        for (size_t i = 0; i < count; i++) {
            unsigned bits = (unsigned)rand_below(&rand, most_bits) + 1;
            size += wire_put_varint(field + size, rand_next(&rand) >> (64 - bits));
        }
        assert_same(field, size);
        assert_same(field, 1 + rand_below(&rand, size)); /* mostly cut off */
    }
}

/* Any bytes at all, with few and with many high bits. */
static void test_bytes(void **state) {
    (void)state;
    struct rand_state rand;
    unsigned char field[3 * VARINTS_BLOCK];
    rand_seed(&rand, 4);
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 1 + rand_below(&rand, sizeof field);
        unsigned low = (unsigned)rand_below(&rand, 20) + 1;
        for (size_t i = 0; i < size; i++)
            field[i] = (unsigned char)((rand_next(&rand) & 0x7f) | (rand_below(&rand, low) ? 0x80 : 0));
        assert_same(field, size);
    }
}

static void test_lengths(void **state) {
    (void)state;
    unsigned char field[VARINTS_BLOCK * 2];
    for (size_t size = 1; size <= sizeof field; size++) {
        memset(field, 0xff, sizeof field);
        assert_same(field, size);
        field[size - 1] = 0x01;
        assert_same(field, size); /* one varint: legal up to ten bytes */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
