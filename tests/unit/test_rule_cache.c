/* The cache of unwind rules: what is put in comes out, under its own address only; forgetting; growth; and no reader
 * ever gets another address's rule while writers, and forgetting, go on. */
#include "profiler/rule_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/support/unit.h"

enum { THREADS = 2, ROUNDS = 400000 };

static uint64_t rule_of(uintptr_t address) { return (uint64_t)address * UINT64_C(0xd6e8feb86659fd93) | 1; }

static void add(uintptr_t address) { rule_cache_add(address, false, rule_cache_now(), rule_of(address)); }

static void test_add_and_find(void **state) {
    uint64_t now = rule_cache_now();
    (void)state;
    assert_int_equal(rule_cache_find(0x401000, false, now), 0);
    add(0x401000);
    assert_int_equal(rule_cache_find(0x401000, false, now), rule_of(0x401000));
    assert_int_equal(rule_cache_find(0x401000, true, now), 0);
    rule_cache_add(0x401000, true, now, 77);
    assert_int_equal(rule_cache_find(0x401000, true, now), 77);
    assert_int_equal(rule_cache_find(0x401000, false, now), rule_of(0x401000));
    assert_int_equal(rule_cache_find(0x401001, false, now), 0);
    add((uintptr_t)1 << RULE_CACHE_ADDRESS_BITS |
        0x401000); /* too long for a key: not kept, and not taken for the short one */
    assert_int_equal(rule_cache_find(0x401000, false, now), rule_of(0x401000));
}

static void test_forget(void **state) {
    uint64_t before = rule_cache_now();
    (void)state;
    add(0x402000);
    rule_cache_forget();
    assert_int_equal(rule_cache_find(0x402000, false, rule_cache_now()), 0);
    rule_cache_add(0x402000, false, before, 5); /* was read before something was unloaded */
    assert_int_equal(rule_cache_find(0x402000, false, rule_cache_now()), 0);
    add(0x402000);
    assert_int_equal(rule_cache_find(0x402000, false, rule_cache_now()), rule_of(0x402000));
}

/* The generation's 16 bits in the key come round: nothing of the first round may be found. */
static void test_generations_come_round(void **state) {
    (void)state;
    uint64_t begin = rule_cache_now();
    add(0x403000);
    while ((rule_cache_now() & 0xffff) != (begin & 0xffff) || rule_cache_now() == begin) {
        rule_cache_forget();
        assert_int_not_equal(rule_cache_now() & 0xffff, 0);
    }
    assert_int_equal(rule_cache_find(0x403000, false, rule_cache_now()), 0);
}

static void test_growth(void **state) {
    enum { COUNT = 20000 };
    size_t found = 0;
    (void)state;
    for (int round = 0; round < 3; round++)
        for (uintptr_t i = 0; i < COUNT; i++)
            add(0x55550000 + i * 13);
    uint64_t now = rule_cache_now();
    for (uintptr_t i = 0; i < COUNT; i++) {
        uint64_t rule = rule_cache_find(0x55550000 + i * 13, false, now);
        assert_true(rule == 0 || rule == rule_of(0x55550000 + i * 13));
        found += rule != 0;
    }
    assert_true(found > COUNT * 9 / 10);
    assert_true(rule_cache_mask > 64u << RULE_CACHE_SET_BITS_FIRST);
}

static _Atomic bool stop;

static uintptr_t some_address(unsigned *seed) { return 0x7f0000000000 + (uintptr_t)(rand_r(seed) % 64) * 0x100000; }

static void *write_rules(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (!stop) {
        add(some_address(&seed));
        if (rand_r(&seed) % 16 == 0)
            rule_cache_forget();
    }
    return NULL;
}

static void *read_rules(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    uintptr_t found = 0;
    for (int i = 0; i < ROUNDS || found <= 100; i++) { /* the writers may have to wait for a processor */
        uintptr_t address = some_address(&seed);
        uint64_t rule = rule_cache_find(address, false, rule_cache_now());
        if (rule && rule != rule_of(address))
            return NULL;
        found += rule != 0;
    }
    return (void *)found;
}

/* All addresses fall into few sets. */
static void test_readers_and_writers(void **state) {
    pthread_t writers[THREADS], readers[THREADS];
    void *found;
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&writers[i], NULL, write_rules, (void *)(i + 1));
        pthread_create(&readers[i], NULL, read_rules, (void *)(i + 100));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(readers[i], &found);
        assert_true((uintptr_t)found > 100);
    }
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i], NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_find),           cmocka_unit_test(test_forget),
        cmocka_unit_test(test_generations_come_round), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_readers_and_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
