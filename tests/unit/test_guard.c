/* The checks of HEAPTAP_CHECK=1: what is right passes, at every size and alignment; a change of any byte that is not
 * the program's ends it, with the byte's number where that can be known. Each fault happens in a child. */
#include "alloc/guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "alloc/hook.h"
#include "alloc/malloc.h"
#include "alloc/validate.h"
#include "tests/support/child.h"
#include "tests/support/unit.h"

static const size_t sizes[] = {0, 1, 8, 9, 24, 40, 112, 1000, 4080, 32752, 32753, 32768, 32769, 100000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_right_passes(void **state) {
    (void)state;
    for (size_t align = 1; align <= 65536; align *= 2)
        for (size_t i = 0; i < SIZES; i++) {
            unsigned char *p = heap_memalign(align, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            assert_int_equal(heap_usable_size(p), sizes[i]);
            memset(p, 0x5a, sizes[i]);
            if (i % 2) {
                heap_free_aligned_sized(p, align, sizes[i]);
                continue;
            }
            p = heap_realloc(p, sizes[i] + 50);
            assert_int_equal(heap_usable_size(p), sizes[i] + 50);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(p[k], 0x5a);
            p = heap_realloc(p, 10);
            heap_free_sized(p, 10);
        }
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char *p = heap_calloc(sizes[i], 1);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        heap_free(p);
    }
    validate_heap();
    guard_finish();
}

struct fault {
    size_t size, byte;
};

static void write_past_end(void *argument) {
    const struct fault *fault = argument;
    volatile unsigned char *p = heap_malloc(fault->size);
    p[fault->byte] = (unsigned char)(p[fault->byte] + 1);
    heap_free((void *)(uintptr_t)p);
}

static void write_past_end_of_living(void *argument) {
    const struct fault *fault = argument;
    volatile unsigned char *p = heap_malloc(fault->size);
    p[fault->byte] = (unsigned char)(p[fault->byte] + 1);
    guard_finish();
}

static void write_after_free(void *argument) {
    const struct fault *fault = argument;
    volatile unsigned char *p = heap_malloc(fault->size);
    heap_free((void *)(uintptr_t)p);
    p[fault->byte] = (unsigned char)(p[fault->byte] + 1);
    guard_finish();
}

static void expect_death(void (*body)(void *), struct fault fault, const char *text) {
    struct child_result result;
    char wanted[100];
    child_run(body, &fault, &result);
    snprintf(wanted, sizeof wanted, text, fault.byte);
    if (!child_died_of(&result, SIGABRT) || !strstr(result.error_text, wanted))
        fail_msg("%zu bytes, byte %zu: status %d, wanted '%s', got '%s'", fault.size, fault.byte, result.status, wanted,
                 result.error_text);
}

/* The eight bytes behind the object tell their number; those of the word cannot. */
static void test_every_byte_past_end(void **state) {
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < 8; k++) {
            expect_death(write_past_end, (struct fault){sizes[i], sizes[i] + k}, "past its end: byte %zu\n");
            expect_death(write_past_end_of_living, (struct fault){sizes[i], sizes[i] + k}, "past its end: byte %zu\n");
        }
    for (size_t k = 40; k < 48; k++) /* of a slot of 64 bytes, 48 with what was asked for */
        expect_death(write_past_end, (struct fault){40, k + 16}, "past its end: the slot's last bytes\n");
}

static void test_every_byte_after_free(void **state) {
    (void)state;
    for (size_t k = 0; k < 64; k++) /* of its slot */
        expect_death(write_after_free, (struct fault){40, k},
                     k < 8 ? "was written to: byte 0\n" : "was written to: byte %zu\n");
    expect_death(write_after_free, (struct fault){32752, 32751}, "was written to: byte %zu\n");
}

/* The hook hears once of every object that it knows, and of no other. */
static _Atomic int known, told, dropped;

static uint64_t draw(size_t slot_size, uint64_t *rate) {
    (void)slot_size;
    *rate = 1;
    return 1;
}

static bool sampled(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    (void)object, (void)slot_size, (void)rate;
    if (requested % 3 == 0) {
        dropped++;
        return false;
    }
    known++;
    return true;
}

static void freed(void *object, size_t slot_size) {
    (void)object, (void)slot_size;
    told++;
}

static void *allocate(void *unused) {
    for (unsigned i = 0; i < 3000; i++) {
        size_t size = 9 + i * 12 + i % 3;
        heap_free(heap_malloc(size));
    }
    return unused;
}

static void test_hook(void **state) {
    (void)state;
    static const struct heap_hook hook = {draw, sampled, freed};
    pthread_t threads[4];
    heap_hook_install(&hook);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(known, 4 * 2000);
    assert_int_equal(told, known);
    assert_int_equal(dropped, 4 * 1000);
    guard_finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_passes),
        cmocka_unit_test(test_every_byte_past_end),
        cmocka_unit_test(test_every_byte_after_free),
        cmocka_unit_test(test_hook),
    };
    void *before = heap_malloc(100);
    guard_begin(true);
    heap_free(before);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
