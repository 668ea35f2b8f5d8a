/* The stack table against a plain array: random stacks from a small alphabet (so many are equal or share a
 * prefix), interned, looked at, and retired by address ranges. The oracle compares frame by frame and knows
 * nothing of hashes.
 *
 * A model that cannot fail proves nothing: the last test plants one fault each and demands that the run
 * stops. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "profiler/stack_table.h"
#include "tests/support/unit.h"

enum { STACKS_MAX = 4000, DEPTH_MAX = 12, OPERATIONS = 20000, RETIRE_EVERY = 5000 };

enum fault {
    FAULT_NONE,
    FAULT_FRAME,   /* the table is given another frame than the oracle */
    FAULT_PREFIX,  /* the table is given one frame less */
    FAULT_RETIRED, /* the oracle forgets a retirement */
    FAULT_COUNT
};

struct oracle_stack {
    uintptr_t frames[DEPTH_MAX];
    size_t count;
    uint32_t id, retired;
};

struct model {
    struct stack_table table;
    struct oracle_stack *stacks;
    size_t count;
    uint32_t generation;
    enum fault fault;
};

static struct oracle_stack *oracle_find(struct model *model, const uintptr_t *frames, size_t count) {
    for (size_t i = 0; i < model->count; i++) {
        struct oracle_stack *stack = &model->stacks[i];
        if (!stack->retired && stack->count == count && memcmp(stack->frames, frames, count * sizeof *frames) == 0)
            return stack;
    }
    return NULL;
}

static bool intern_one(struct model *model, struct rand_state *rand, bool plant) {
    uintptr_t frames[DEPTH_MAX];
    size_t count = rand_below(rand, DEPTH_MAX + 1);
    for (size_t i = 0; i < count; i++)
        frames[i] = 0x1000 * (1 + rand_below(rand, 3)) + 1 + rand_below(rand, 2);
    struct oracle_stack *known = oracle_find(model, frames, count);
    struct oracle_stack stack = {.count = count};
    memcpy(stack.frames, frames, count * sizeof *frames);
    if (plant && model->fault == FAULT_FRAME && count)
        frames[count - 1]++;
    size_t given = plant && model->fault == FAULT_PREFIX && count ? count - 1 : count;
    uint32_t id = stack_table_intern(&model->table, frames, given);
    if (id == 0 || (known && known->id != id))
        return false;
    if (!known) {
        for (size_t i = 0; i < model->count; i++) {
            if (model->stacks[i].id == id)
                return false; /* one id for two stacks */
        }
        stack.id = id;
        if (model->count < STACKS_MAX)
            model->stacks[model->count++] = stack;
    }
    return true;
}

static void retire_some(struct model *model, struct rand_state *rand) {
    uintptr_t start = 0x1000 * (1 + rand_below(rand, 3)), limit = start + 0x1000;
    size_t expected = 0;
    model->generation++;
    if (model->fault != FAULT_RETIRED) {
        for (size_t i = 0; i < model->count; i++) {
            struct oracle_stack *stack = &model->stacks[i];
            bool through = false;
            for (size_t f = 0; f < stack->count; f++)
                through |= stack->frames[f] - 1 >= start && stack->frames[f] - 1 < limit;
            if (through && !stack->retired) {
                stack->retired = model->generation;
                expected++;
            }
        }
        assert_int_equal(stack_table_retire(&model->table, start, limit, model->generation), expected);
    } else {
        stack_table_retire(&model->table, start, limit, model->generation);
    }
}

static bool all_agree(const struct model *model) {
    for (size_t i = 0; i < model->count; i++) {
        const struct oracle_stack *stack = &model->stacks[i];
        struct stack_view view = stack_table_view(&model->table, stack->id);
        if (view.count != stack->count || view.retired != stack->retired ||
            memcmp(view.frames, stack->frames, view.count * sizeof *view.frames) != 0)
            return false;
    }
    return true;
}

static bool run(uint64_t seed, enum fault fault) {
    static struct model model;
    struct rand_state rand;
    bool ok = true;
    model = (struct model){.table = STACK_TABLE_INIT, .fault = fault};
    model.stacks = calloc(STACKS_MAX, sizeof *model.stacks);
    rand_seed(&rand, seed);
    for (int i = 1; i <= OPERATIONS && ok && model.count < STACKS_MAX; i++) {
        ok = intern_one(&model, &rand, i > OPERATIONS / 4 && i % 100 == 0);
        if (i % RETIRE_EVERY == 0 && ok) {
            ok = all_agree(&model);
            retire_some(&model, &rand);
        }
    }
    ok = ok && all_agree(&model);
    stack_table_validate(&model.table);
    stack_table_free(&model.table);
    free(model.stacks);
    return ok;
}

static void test_agrees(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++)
        assert_true(run(seed, FAULT_NONE));
}

static void test_faults_are_seen(void **state) {
    (void)state;
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        assert_false(run(1, fault));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees), cmocka_unit_test(test_faults_are_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
