/* The radix tree against an array that holds the state of every page and is searched from its start.
 *
 * Two stretches of chunks are modelled, each across a border where entries of all levels meet, and grown
 * chunk by chunk in random order, so runs cross chunks, siblings and parents, and end at holes. A fault in
 * the bitmaps, in a summary, or in the array must be found. */
#include "alloc/page_alloc.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

enum { STRETCHES = 2, STRETCH_CHUNKS = 20, CHUNKS = STRETCHES * STRETCH_CHUNKS, PAGES = CHUNKS * 512, RUNS = 4000 };
enum { MOST_VISITS = 256 + 4 * 8 + 1, MOST_VISITS_ALIGNED = 1000 };

/* 512 chunks are an entry of level 1 (2 GiB), 4096 of level 0 (16 GiB). */
static const uint64_t stretch_chunk[STRETCHES] = {512 - 9, 4096 - 7};

enum page_state { OUTSIDE, FREE, TAKEN };
enum fault { FAULT_NONE, FAULT_BITMAP, FAULT_SUMMARY, FAULT_ARRAY, FAULT_COUNT };

struct run {
    uint64_t first, count; /* array indexes */
};

struct model {
    struct page_alloc pages;
    uint8_t state[PAGES + 1]; /* the last one stays OUTSIDE */
    bool scavenged[PAGES];
    bool grown[CHUNKS];
    struct run runs[RUNS];
    size_t run_count;
    struct rand_state rand;
    const char *error;
};

#define STOP(model, text) ((model)->error = (text), false)

static uint64_t page_of(uint64_t index) {
    uint64_t stretch = index / (STRETCH_CHUNKS * 512);
    return stretch_chunk[stretch] * 512 + index % (STRETCH_CHUNKS * 512);
}

static bool run_is_free(const struct model *model, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; i++)
        if (i >= PAGES || model->state[i] != FREE)
            return false;
    return first / (STRETCH_CHUNKS * 512) == (first + count - 1) / (STRETCH_CHUNKS * 512);
}

static uint64_t plain_find(const struct model *model, uint64_t count) {
    uint64_t length = 0;
    for (uint64_t i = 0; i < PAGES; i++) {
        if (i % (STRETCH_CHUNKS * 512) == 0)
            length = 0;
        length = model->state[i] == FREE ? length + 1 : 0;
        if (length == count)
            return i - count + 1;
    }
    return UINT64_MAX;
}

static uint64_t plain_largest(const struct model *model) {
    uint64_t length = 0, best = 0;
    for (uint64_t i = 0; i < PAGES; i++) {
        if (i % (STRETCH_CHUNKS * 512) == 0)
            length = 0;
        length = model->state[i] == FREE ? length + 1 : 0;
        best = length > best ? length : best;
    }
    return best;
}

/* ---- operations ---- */

static bool grow(struct model *model) {
    uint64_t chunk = rand_below(&model->rand, CHUNKS);
    uint64_t most = STRETCH_CHUNKS - chunk % STRETCH_CHUNKS, count = 1 + rand_below(&model->rand, most < 3 ? most : 3);
    for (uint64_t c = chunk; c < chunk + count; c++)
        if (model->grown[c])
            return true;
    if (!page_alloc_grow(&model->pages, page_of(chunk * 512), count * 512))
        return STOP(model, "cannot grow");
    memset(model->grown + chunk, true, count);
    memset(model->state + chunk * 512, FREE, count * 512);
    memset(model->scavenged + chunk * 512, true, count * 512);
    return true;
}

static bool adopt(struct model *model, uint64_t first, uint64_t count, uint64_t scavenged) {
    uint64_t wanted = 0;
    for (uint64_t i = first; i < first + count; i++) {
        wanted += model->scavenged[i];
        model->scavenged[i] = false;
        model->state[i] = TAKEN;
    }
    model->runs[model->run_count++] = (struct run){first, count};
    return wanted == scavenged || STOP(model, "wrong count of scavenged pages");
}

static uint64_t draw_count(struct model *model) {
    uint64_t kind = rand_below(&model->rand, 100);
    return 1 + rand_below(&model->rand, kind < 70 ? 8 : kind < 97 ? 200 : 4000);
}

static bool take(struct model *model) {
    uint64_t count = draw_count(model), scavenged = 0, visits = model->pages.visits;
    uint64_t got = page_alloc_take(&model->pages, count, &scavenged), wanted = plain_find(model, count);
    if (model->pages.visits - visits > MOST_VISITS)
        return STOP(model, "too many visits");
    if (wanted == UINT64_MAX)
        return got == PAGE_ALLOC_NONE || STOP(model, "a run where there is none");
    if (got != page_of(wanted))
        return STOP(model, "not the lowest run");
    return adopt(model, wanted, count, scavenged);
}

/* The lowest place at a multiple of `align` pages. */
static uint64_t plain_find_aligned(const struct model *model, uint64_t count, uint64_t align) {
    for (uint64_t i = 0; i < PAGES; i++)
        if (page_of(i) % align == 0 && run_is_free(model, i, count))
            return i;
    return UINT64_MAX;
}

static bool take_aligned(struct model *model) {
    uint64_t align = CHUNK_PAGES << rand_below(&model->rand, 5), scavenged = 0, visits = model->pages.visits;
    uint64_t count = 1 + rand_below(&model->rand, rand_below(&model->rand, 3) ? align : 4 * CHUNK_PAGES);
    uint64_t got = page_alloc_take_aligned(&model->pages, count, align, &scavenged);
    uint64_t wanted = plain_find_aligned(model, count, align);
    if (model->pages.visits - visits > MOST_VISITS_ALIGNED)
        return STOP(model, "too many visits for an aligned run");
    if (wanted == UINT64_MAX)
        return got == PAGE_ALLOC_NONE || STOP(model, "an aligned run where there is none");
    if (got != page_of(wanted))
        return STOP(model, "not the lowest aligned run");
    return adopt(model, wanted, count, scavenged);
}

static bool take_at(struct model *model) {
    uint64_t first = rand_below(&model->rand, PAGES), count = draw_count(model), scavenged = 0;
    bool wanted = run_is_free(model, first, count);
    /* What lies behind a stretch is not in the array; it is outside of the heap. */
    if (page_alloc_take_at(&model->pages, page_of(first), count, &scavenged) != wanted)
        return STOP(model, "take_at disagrees");
    return !wanted || adopt(model, first, count, scavenged);
}

/* Gives back a run, whole or from its middle on. */
static bool give(struct model *model) {
    if (!model->run_count)
        return true;
    struct run *run = &model->runs[rand_below(&model->rand, model->run_count)];
    uint64_t keep = rand_below(&model->rand, 3) ? 0 : rand_below(&model->rand, run->count);
    page_alloc_give(&model->pages, page_of(run->first + keep), run->count - keep);
    memset(model->state + run->first + keep, FREE, run->count - keep);
    run->count = keep;
    if (!keep)
        *run = model->runs[--model->run_count];
    return true;
}

static bool is_idle(const struct model *model, uint64_t unit, uint32_t align) {
    bool any = false;
    for (uint64_t i = unit; i < unit + align; i++) {
        if (model->state[i] != FREE)
            return false;
        any |= !model->scavenged[i];
    }
    return any;
}

static bool scavenge(struct model *model) {
    uint32_t align = 1u << rand_below(&model->rand, 5);
    uint64_t most = 1 + rand_below(&model->rand, 600), first = 0, count = 0, index = PAGES, top = PAGES;
    if (rand_below(&model->rand, 2))
        top = rand_below(&model->rand, PAGES / 16) * 16;
    uint64_t limit = top == PAGES ? UINT64_MAX : page_of(top);
    for (index = top; index > 0; index -= align)
        if (is_idle(model, index - align, align))
            break;
    bool found = page_alloc_find_idle(&model->pages, limit, most, align, CHUNK_PAGES, &first, &count);
    if (found != (index > 0))
        return STOP(model, "find_idle disagrees that there is one");
    if (!found)
        return true;
    uint64_t low = index - count;
    if (first != page_of(low) || count == 0 || count % align || first / 512 != (first + count - 1) / 512)
        return STOP(model, "find_idle gives another run");
    if (count > (most > align ? most : align))
        return STOP(model, "find_idle gives too many");
    for (uint64_t unit = low; unit < index; unit += align)
        if (!is_idle(model, unit, align))
            return STOP(model, "find_idle gives pages that are not idle");
    page_alloc_set_scavenged(&model->pages, first, count);
    memset(model->scavenged + low, true, count);
    return true;
}

static bool step(struct model *model) {
    uint64_t kind = rand_below(&model->rand, 100);
    if (kind < 4)
        return grow(model);
    if (kind < 50 && model->run_count < RUNS - 1)
        return take(model);
    if (kind < 54 && model->run_count < RUNS - 1)
        return take_at(model);
    if (kind < 58 && model->run_count < RUNS - 1)
        return take_aligned(model);
    return kind < 92 ? give(model) : scavenge(model);
}

/* ---- the whole ---- */

static void plant_fault(struct model *model, enum fault fault) {
    uint64_t index = model->runs[0].first, page = page_of(index), chunk = page / 512;
    if (fault == FAULT_BITMAP)
        page_bits_clear(&model->pages.blocks[chunk / 16][chunk % 16].allocated, page % 512, 1);
    else if (fault == FAULT_SUMMARY)
        model->pages.levels[3][chunk / 8] ^= 1ull << 22;
    else if (fault == FAULT_ARRAY)
        model->state[index] = FREE;
}

/* All free from `tail` to the heap's end, and just before it not, or `most` reached. */
static bool tail_is_right(const struct model *model, uint64_t tail, uint64_t most) {
    uint64_t end = PAGES;
    while (end > 0 && !model->grown[(end - 1) / 512])
        end -= 512;
    uint64_t first = end;
    while (first > 0 && model->state[first - 1] == FREE && (first == end || first % (STRETCH_CHUNKS * 512)))
        first--;
    uint64_t length = end - first, got = end ? page_of(end - 1) + 1 - tail : tail;
    return got == length || (got >= most && got <= length);
}

static bool look_over(struct model *model) {
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t chunk = page_of(i) / 512;
        if (!model->grown[i / 512])
            continue;
        const struct page_chunk *bits = &model->pages.blocks[chunk / 16][chunk % 16];
        if (page_bits_test(&bits->allocated, i % 512) != (model->state[i] == TAKEN) ||
            page_bits_test(&bits->scavenged, i % 512) != model->scavenged[i])
            return STOP(model, "a page is in another state");
    }
    uint64_t most = 1 + rand_below(&model->rand, PAGES), tail = page_alloc_free_tail(&model->pages, most);
    if (!tail_is_right(model, tail, most))
        return STOP(model, "another tail");
    if (!page_alloc_validate(&model->pages))
        return STOP(model, "the summaries disagree with the bitmaps");
    return page_alloc_largest_run(&model->pages) == plain_largest(model) || STOP(model, "another largest run");
}

static bool run_program(struct model *model, uint64_t seed, int operations, enum fault fault) {
    memset(model, 0, sizeof *model);
    rand_seed(&model->rand, seed);
    if (!page_alloc_init(&model->pages))
        return STOP(model, "cannot reserve");
    for (int i = 0; i < operations; i++) {
        if (i == operations / 2)
            plant_fault(model, fault);
        if ((i % 100 == 0 && !look_over(model)) || !step(model))
            return false;
    }
    return true;
}

static void test_programs(void **state) {
    (void)state;
    static struct model model;
    for (uint64_t seed = 1; seed <= 6; seed++)
        if (!run_program(&model, seed, 15000, FAULT_NONE))
            fail_msg("seed %llu: %s", (unsigned long long)seed, model.error);
}

static void test_faults_are_found(void **state) {
    (void)state;
    static struct model model;
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            if (run_program(&model, seed, 4000, fault))
                fail_msg("fault %d is not found with seed %llu", fault, (unsigned long long)seed);
}

/* Runs of more than one top entry, of the whole heap, and a heap that is full. */
static void test_giant_runs(void **state) {
    (void)state;
    struct page_alloc pages;
    uint64_t scavenged, top = 1u << 21, count = 3 * top;
    assert_true(page_alloc_init(&pages));
    assert_true(page_alloc_take(&pages, 1, &scavenged) == PAGE_ALLOC_NONE);
    assert_true(page_alloc_grow(&pages, top - 512, count));
    assert_true(page_alloc_largest_run(&pages) == count);
    assert_true(page_alloc_take(&pages, count + 1, &scavenged) == PAGE_ALLOC_NONE);
    assert_true(page_alloc_take(&pages, count, &scavenged) == top - 512);
    assert_true(scavenged == count);
    assert_true(page_alloc_largest_run(&pages) == 0);
    assert_true(page_alloc_take(&pages, 1, &scavenged) == PAGE_ALLOC_NONE);
    page_alloc_give(&pages, top + 5, top + 700);
    assert_true(page_alloc_take(&pages, top + 701, &scavenged) == PAGE_ALLOC_NONE);
    assert_true(page_alloc_take(&pages, top + 600, &scavenged) == top + 5);
    assert_true(scavenged == 0);
    assert_true(page_alloc_take(&pages, 100, &scavenged) == 2 * top + 605);
    assert_true(page_alloc_validate(&pages));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_giant_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
