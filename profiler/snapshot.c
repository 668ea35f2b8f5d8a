/* Steps:
 *   1. one pass over the buckets, each read frees first: sums by (stack, slot size) over the rates, in
 * doubles;
 *   2. bring the mappings up to date, now that every stack to be written is known, and copy them: nothing is
 * locked while the sink is at work, so a slow disk holds up neither fork nor dlclose;
 *   3. write mappings, row 0 of the table first, which is the program;
 *   4. for each sum write its sample, and each of its locations the first time that it is met. A location is
 * an address at a time (the generation of profiler/mapping.h): an address that meant two things is two
 * locations;
 *   5. round here, and only here.
 *
 * Samples that appear during the pass may be in the profile or not. A sum never shows more frees than
 * allocations.
 *
 * Locks: the mappings' while they are copied. Allocation: the region. */
#include "profiler/snapshot.h"

#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/os.h"
#include "base/region.h"
#include "profiler/sampler.h"

struct sum {
    uint32_t stack; /* 0 = empty slot */
    uint64_t slot_size;
    double alloc_objects, inuse_objects;
};

struct place {
    uint64_t address; /* 0 = empty slot */
    uint32_t retired; /* of the stack: its generation */
    uint64_t id;
};

struct snapshot {
    const struct snapshot_source *source;
    struct region region;
    struct writer *writer;
    struct mapping_copy mappings;
    struct sum *sums; /* open addressing, a power of two */
    size_t sum_slots;
    struct place *places; /* open addressing, a power of two */
    size_t place_slots, place_count;
    uint64_t *location_ids; /* of one stack */
    size_t location_room;
    string_id bytes_key;
    bool failed; /* no memory */
};

static void add_bucket(struct snapshot *snapshot, struct bucket_view bucket) {
    size_t mask = snapshot->sum_slots - 1;
    size_t i = hash64(bucket.stack + (bucket.slot_size << 32)) & mask;
    struct sum *sums = snapshot->sums;
    while (sums[i].stack && (sums[i].stack != bucket.stack || sums[i].slot_size != bucket.slot_size))
        i = (i + 1) & mask;
    double weight = sampler_weight(bucket.slot_size, bucket.rate);
    sums[i].stack = bucket.stack;
    sums[i].slot_size = bucket.slot_size;
    sums[i].alloc_objects += (double)bucket.allocs * weight;
    sums[i].inuse_objects += (double)(bucket.allocs - bucket.frees) * weight;
}

static bool sum_buckets(struct snapshot *snapshot) {
    uint32_t count = bucket_count(snapshot->source->buckets);
    snapshot->sum_slots = (size_t)1 << (log2_floor((uint64_t)count + 1) + 2);
    snapshot->sums = region_alloc(&snapshot->region, snapshot->sum_slots * sizeof *snapshot->sums);
    if (!snapshot->sums)
        return false;
    for (uint32_t id = 1; id <= count; id++) {
        struct bucket_view bucket = bucket_read(snapshot->source->buckets, id);
        if (bucket.allocs)
            add_bucket(snapshot, bucket);
    }
    return true;
}

static void write_mappings(struct snapshot *snapshot) {
    for (uint32_t i = 0; i < snapshot->mappings.count; i++) {
        const struct mapping_row *row = &snapshot->mappings.rows[i];
        struct profile_mapping mapping = {.start = row->start,
                                          .limit = row->limit,
                                          .offset = row->offset,
                                          .filename = writer_string(snapshot->writer, row->filename),
                                          .build_id = writer_string(snapshot->writer, row->build_id)};
        writer_mapping(snapshot->writer, &mapping);
    }
}

static struct place *find_place(struct place *places, size_t slots, uint64_t address, uint32_t retired) {
    size_t i = hash64(address + ((uint64_t)retired << 48)) & (slots - 1);
    while (places[i].address && (places[i].address != address || places[i].retired != retired))
        i = (i + 1) & (slots - 1);
    return &places[i];
}

static bool grow_places(struct snapshot *snapshot) {
    size_t slots = snapshot->place_slots ? snapshot->place_slots * 2 : 4096;
    struct place *places = region_alloc(&snapshot->region, slots * sizeof *places);
    if (!places)
        return false;
    for (size_t i = 0; i < snapshot->place_slots; i++) {
        const struct place *old = &snapshot->places[i];
        if (old->address)
            *find_place(places, slots, old->address, old->retired) = *old;
    }
    snapshot->places = places;
    snapshot->place_slots = slots;
    return true;
}

/* The location's id, written the first time. `address` is inside the call, one byte before the return
 * address. */
static uint64_t locate(struct snapshot *snapshot, uint64_t address, uint32_t retired) {
    if (snapshot->place_count >= snapshot->place_slots / 2 && !grow_places(snapshot)) {
        snapshot->failed = true;
        return 0;
    }
    struct place *place = find_place(snapshot->places, snapshot->place_slots, address, retired);
    if (!place->address) {
        uint32_t mapping = mapping_find(&snapshot->mappings, address, retired);
        uint32_t mapping_id = mapping == MAPPING_NONE ? PROFILE_NONE : mapping + 1;
        place->address = address;
        place->retired = retired;
        place->id = writer_location(snapshot->writer, address, mapping_id, NULL, 0);
        snapshot->place_count++;
    }
    return place->id;
}

/* Adding a half and cutting rounds every value that a profile can hold; what no int64 can hold becomes the
 * largest. */
static int64_t round_value(double value) { return value < 0x1p62 ? (int64_t)(value + 0.5) : (int64_t)1 << 62; }

static void write_sum(struct snapshot *snapshot, const struct sum *sum) {
    struct stack_view stack = stack_table_view(snapshot->source->stacks, sum->stack);
    double slot_size = (double)sum->slot_size;
    int64_t values[4] = {round_value(sum->alloc_objects), round_value(sum->alloc_objects * slot_size),
                         round_value(sum->inuse_objects), round_value(sum->inuse_objects * slot_size)};
    struct profile_label label = {.key = snapshot->bytes_key, .number = (int64_t)sum->slot_size};
    if (stack.count > snapshot->location_room) {
        snapshot->location_room = stack.count;
        snapshot->location_ids = region_alloc(&snapshot->region, stack.count * sizeof *snapshot->location_ids);
    }
    if (stack.count && !snapshot->location_ids) {
        snapshot->failed = true;
        return;
    }
    for (uint32_t i = 0; i < stack.count; i++)
        snapshot->location_ids[i] = locate(snapshot, stack.frames[i] - 1, stack.retired);
    writer_sample(snapshot->writer, snapshot->location_ids, stack.count, values, 4, &label, 1);
}

/* Where library and program are one file the allocator's own frames are cut by the reader: the first frame
 * from the root that has one of these names, and all below it. */
static const char own_frames[] =
    "(heap_)?(malloc|calloc|realloc|memalign|free)|reallocarray|aligned_alloc|posix_memalign|"
    "valloc|pvalloc|operator new(\\[\\])?";

static void write_head(struct snapshot *snapshot, int64_t now) {
    struct writer *writer = snapshot->writer;
    writer_sample_type(writer, "alloc_objects", "count");
    writer_sample_type(writer, "alloc_space", "bytes");
    writer_sample_type(writer, "inuse_objects", "count");
    writer_sample_type(writer, "inuse_space", "bytes");
    if (snapshot->source->alloc_first)
        writer_default_sample_type(writer, "alloc_space");
    writer_period(writer, "space", "bytes", (int64_t)snapshot->source->rate);
    writer_time(writer, now, 0);
    if (snapshot->source->drop_own_frames)
        writer_drop_frames(writer, own_frames, NULL);
    for (const char *const *comment = snapshot->source->comments; comment && *comment; comment++)
        writer_comment(writer, *comment);
    snapshot->bytes_key = writer_string(writer, "bytes");
}

static void write_samples(struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->sum_slots && !snapshot->failed; i++) {
        if (snapshot->sums[i].stack)
            write_sum(snapshot, &snapshot->sums[i]);
    }
}

bool snapshot_write(const struct snapshot_source *source, writer_sink sink, void *context, struct proto_error *error) {
    struct snapshot snapshot = {.source = source};
    bool ok = false;
    *error = (struct proto_error){.code = PROTO_ERROR_MEMORY, .text = "out of memory"};
    bool ready = sum_buckets(&snapshot);
    mapping_refresh(source->mappings);
    ready = ready && mapping_copy(source->mappings, &snapshot.region, &snapshot.mappings);
    snapshot.writer = ready ? writer_open(&snapshot.region, sink, context, 1) : NULL;
    if (snapshot.writer) {
        write_head(&snapshot, os_wall_time());
        write_mappings(&snapshot);
        write_samples(&snapshot);
        ok = writer_close(snapshot.writer, error) && !snapshot.failed;
    }
    region_free(&snapshot.region);
    return ok;
}
