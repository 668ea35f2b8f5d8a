/* Random pushes and pops against a search through all that is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/max_heap.h"
#include "base/rand.h"

enum { ROOM = 200, STEPS = 20000, WEIGHTS = 40 };

static void the_heaviest_comes_out_first(void **state) {
    (void)state;
    struct max_heap_entry entries[ROOM];
    struct max_heap heap = {.entries = entries};
    struct rand_state rand;
    double weights[ROOM];
    unsigned char is_in[ROOM] = {0};
    uint32_t deepest = 0;
    rand_seed(&rand, 3);
    for (int step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)rand_below(&rand, ROOM);
        if (rand_below(&rand, 1000) < (step / 1000 % 2 ? 300 : 950) && !is_in[number]) {
            is_in[number] = 1;
            weights[number] = (double)rand_below(&rand, WEIGHTS);
            max_heap_push(&heap, number, weights[number]);
            deepest = heap.count > deepest ? heap.count : deepest;
        } else if (heap.count) {
            uint32_t best = ROOM;
            for (uint32_t i = 0; i < ROOM; i++)
                if (is_in[i] && (best == ROOM || weights[i] > weights[best]))
                    best = i;
            assert_int_equal(max_heap_pop(&heap), best);
            is_in[best] = 0;
        }
    }
    assert_true(deepest > ROOM / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_heaviest_comes_out_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
