/* begin: 1. how many buckets there are: later ones are left out, so that all of what follows is of one size.
 *        2. where owners or rates are mixed, link the buckets of each row by a hash of their keys;
 *        3. the high-water mark's values, or the ages: shard by shard of the live table, each copied under its lock.
 * next:  sum over the links of a row; with ages first a row for each age, then one for what is not alive any more.
 *
 * A row of an age counts its objects as allocated too, and the last row the other allocations, so that every column
 * sums up to what it is without ages.
 *
 * Samples that appear meanwhile may be in the rows or not. A row never shows more frees than allocations.
 *
 * Locks: the live table's. Allocation: the region. */
#include "profiler/tally.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "profiler/sampler.h"

#define IS_LINK UINT32_C(0x80000000)

/* An age is told by the largest of these that it has reached. */
static const uint32_t age_steps[] = {0, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600};

enum { AGES = sizeof age_steps / sizeof *age_steps };

static bool same_row(struct bucket_view a, struct bucket_view b) {
    return a.stack == b.stack && a.slot_size == b.slot_size && a.labels == b.labels;
}

static bool link_rows(struct tally *tally, struct region *region) {
    size_t slot_count = (size_t)1 << (log2_floor((uint64_t)tally->count + 1) + 1);
    uint32_t *slots = region_alloc(region, slot_count * sizeof *slots);
    tally->next = region_alloc(region, ((size_t)tally->count + 1) * sizeof *tally->next);
    if (!slots || !tally->next)
        return false;
    for (uint32_t id = 1; id <= tally->count; id++) {
        struct bucket_view bucket = bucket_read(tally->buckets, id);
        size_t i = hash64(((uint64_t)bucket.labels << 32 | bucket.stack) + (bucket.slot_size << 20)) & (slot_count - 1);
        while (slots[i] && !same_row(bucket_read(tally->buckets, slots[i]), bucket))
            i = (i + 1) & (slot_count - 1);
        if (slots[i]) {
            tally->next[id] = tally->next[slots[i]] | IS_LINK;
            tally->next[slots[i]] = id;
        } else {
            slots[i] = id;
        }
    }
    return true;
}

static unsigned age_of(uint32_t birth, uint32_t now) {
    uint32_t seconds = now > birth ? now - birth : 0;
    unsigned step = AGES - 1;
    while (age_steps[step] > seconds)
        step--;
    return step;
}

struct age_count {
    struct tally *tally;
    uint32_t now;
};

static void count_age(struct live_birth birth, void *context) {
    const struct age_count *count = context;
    if (birth.bucket <= count->tally->count)
        count->tally->ages[(size_t)birth.bucket * AGES + age_of(birth.time, count->now)]++;
}

static bool count_ages(struct tally *tally, struct live_table *live, uint32_t now, struct region *region) {
    struct age_count counting = {tally, now};
    struct live_birth *births = NULL;
    size_t room = 0;
    tally->ages = region_alloc(region, ((size_t)tally->count + 1) * AGES * sizeof *tally->ages);
    for (size_t shard = 0; tally->ages && shard < LIVE_SHARDS; shard++) {
        size_t count;
        while ((count = live_read(live, shard, births, room)) > room) {
            room = count + count / 4;
            births = region_alloc(region, room * sizeof *births);
            if (!births)
                return false;
        }
        for (size_t i = 0; i < count; i++)
            count_age(births[i], &counting);
    }
    if (tally->ages)
        live_pages_each(&live->pages, count_age, &counting);
    return tally->ages != NULL;
}

bool tally_begin(struct tally *tally, enum tally_kind kind, struct bucket_table *buckets, struct live_table *live,
                 uint32_t now, struct region *region) {
    *tally = (struct tally){.buckets = buckets, .count = bucket_count(buckets)};
    if (atomic_load_relaxed(&buckets->rows_are_shared) && !link_rows(tally, region))
        return false;
    if (kind == TALLY_AGES)
        return count_ages(tally, live, now, region);
    if (kind == TALLY_PEAK) {
        tally->peak = region_alloc(region, ((size_t)tally->count + 1) * sizeof *tally->peak);
        if (tally->peak)
            bucket_read_peak(buckets, tally->peak, tally->count);
        return tally->peak != NULL;
    }
    return true;
}

static uint32_t next_link(const struct tally *tally, uint32_t id) {
    return tally->next ? tally->next[id] & ~IS_LINK : 0;
}

static uint64_t at_least(uint64_t value, uint64_t less) { return value > less ? value - less : 0; }

/* What `part` of the row holds of one bucket. */
static void add_bucket(const struct tally *tally, uint32_t id, unsigned part, struct tally_row *row) {
    struct bucket_view bucket = bucket_read(tally->buckets, id);
    double weight = sampler_weight(bucket.slot_size, bucket.rate);
    uint64_t allocs = bucket.allocs, inuse = bucket.allocs - bucket.frees;
    if (tally->peak) {
        allocs = tally->peak[id - 1].allocs;
        inuse = at_least(allocs, tally->peak[id - 1].frees);
    }
    if (tally->ages) {
        const uint32_t *ages = &tally->ages[(size_t)id * AGES];
        uint64_t alive = 0;
        for (unsigned i = 0; i < AGES; i++)
            alive += ages[i];
        allocs = part < AGES ? ages[part] : at_least(allocs, alive);
        inuse = part < AGES ? ages[part] : at_least(inuse, alive);
    }
    row->alloc_objects += (double)allocs * weight;
    row->inuse_objects += (double)inuse * weight;
}

static void sum_part(const struct tally *tally, unsigned part, struct tally_row *row) {
    struct bucket_view first = bucket_read(tally->buckets, tally->id);
    *row = (struct tally_row){
        .stack = first.stack, .labels = first.labels, .slot_size = first.slot_size, .age = TALLY_NO_AGE};
    if (tally->ages && part < AGES)
        row->age = age_steps[part];
    for (uint32_t id = tally->id; id; id = next_link(tally, id))
        add_bucket(tally, id, part, row);
}

static bool is_link(const struct tally *tally) { return tally->next && tally->next[tally->id] & IS_LINK; }

/* To the next bucket that begins a row. */
static bool advance(struct tally *tally) {
    tally->part = 0;
    while (tally->id < tally->count) {
        tally->id++;
        if (!is_link(tally))
            return true;
    }
    return false;
}

bool tally_next(struct tally *tally, struct tally_row *row) {
    unsigned parts = tally->ages ? AGES + 1 : 1;
    do {
        if ((tally->id == 0 || tally->part == parts) && !advance(tally))
            return false;
        sum_part(tally, tally->part++, row);
    } while (row->alloc_objects <= 0);
    return true;
}
