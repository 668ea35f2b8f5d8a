/* Steps:
 *   1. begin the tally (profiler/tally.h): what is written is the buckets that there are now;
 *   2. bring the mappings up to date, now that every stack to be written is known, and copy them: nothing is
 * locked while the sink is at work, so a slow disk holds up neither fork nor dlclose;
 *   3. write mappings, row 0 of the table first, which is the program;
 *   4. for each row of the tally write its sample, and each of its locations the first time that it is met. A location
 * is an address at a time (the generation of profiler/mapping.h): an address that meant two things is two locations;
 *   5. round here, and only here.
 *
 * Samples that appear meanwhile may be in the profile or not.
 *
 * Locks: the mappings' while they are copied, the live table's for ages. Allocation: the region. */
#include "profiler/snapshot.h"

#include <string.h>

#include "base/bits.h"
#include "base/os.h"
#include "base/region.h"

struct place {
    uint64_t address; /* 0 = empty slot */
    uint32_t retired; /* of the stack: its generation */
    uint32_t id;
};

/* Of the region's first block: what most profiles need, so that there is one block to give back. Only what is touched
 * of it is memory. */
enum { FIRST_BLOCK = 1024 * 1024, FIRST_PLACES = 4096 };

struct snapshot {
    const struct snapshot_source *source;
    struct region region;
    struct writer *writer;
    struct mapping_copy mappings;
    struct tally tally;
    struct place *places; /* open addressing, a power of two */
    size_t place_slots, place_count;
    uint64_t *location_ids; /* of one stack */
    size_t location_room;
    string_id bytes_key, age_key, seconds_unit;
    bool failed; /* no memory */
};

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
    size_t slots = snapshot->place_slots ? snapshot->place_slots * 2 : FIRST_PLACES;
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
        place->id = (uint32_t)writer_location(snapshot->writer, address, mapping_id, NULL, 0);
        snapshot->place_count++;
    }
    return place->id;
}

/* Adding a half and cutting rounds every value that a profile can hold; what no int64 can hold becomes the
 * largest. */
static int64_t round_value(double value) { return value < 0x1p62 ? (int64_t)(value + 0.5) : (int64_t)1 << 62; }

static size_t make_labels(struct snapshot *snapshot, const struct tally_row *row, struct profile_label *labels) {
    struct label_view set = label_table_view(snapshot->source->labels, row->labels);
    size_t count = 0;
    labels[count++] = (struct profile_label){.key = snapshot->bytes_key, .number = (int64_t)row->slot_size};
    if (row->age != TALLY_NO_AGE)
        labels[count++] =
            (struct profile_label){.key = snapshot->age_key, .unit = snapshot->seconds_unit, .number = row->age};
    for (const char *key = label_next_key(set, NULL); key; key = label_next_key(set, key))
        labels[count++] = (struct profile_label){.key = writer_string(snapshot->writer, key),
                                                 .text = writer_string(snapshot->writer, label_value(key))};
    return count;
}

static bool make_room_for(struct snapshot *snapshot, uint32_t locations) {
    if (locations > snapshot->location_room) {
        snapshot->location_room = locations;
        snapshot->location_ids = region_alloc(&snapshot->region, locations * sizeof *snapshot->location_ids);
    }
    return locations == 0 || snapshot->location_ids != NULL;
}

static void write_row(struct snapshot *snapshot, const struct tally_row *row) {
    struct stack_view stack = stack_table_view(snapshot->source->stacks, row->stack);
    struct profile_label labels[2 + LABEL_PAIRS_MAX];
    double slot_size = (double)row->slot_size;
    int64_t values[4] = {round_value(row->alloc_objects), round_value(row->alloc_objects * slot_size),
                         round_value(row->inuse_objects), round_value(row->inuse_objects * slot_size)};
    if (!make_room_for(snapshot, stack.count)) {
        snapshot->failed = true;
        return;
    }
    for (uint32_t i = 0; i < stack.count; i++)
        snapshot->location_ids[i] = locate(snapshot, stack.frames[i] - 1, stack.retired);
    size_t label_count = make_labels(snapshot, row, labels);
    writer_sample(snapshot->writer, snapshot->location_ids, stack.count, values, 4, labels, label_count);
}

/* Where library and program are one file the allocator's own frames are cut by the reader: the first frame
 * from the root that has one of these names, and all below it. */
static const char own_frames[] =
    "(heap_)?(malloc|calloc|realloc|memalign|free)|reallocarray|aligned_alloc|posix_memalign|"
    "valloc|pvalloc|operator new(\\[\\])?";

const char *snapshot_own_frames(void) { return own_frames; }

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
    if (snapshot->source->kind == TALLY_AGES) {
        snapshot->age_key = writer_string(writer, "age");
        snapshot->seconds_unit = writer_string(writer, "seconds");
    }
}

static void write_samples(struct snapshot *snapshot) {
    struct tally_row row;
    while (!snapshot->failed && tally_next(&snapshot->tally, &row))
        write_row(snapshot, &row);
}

bool snapshot_write(const struct snapshot_source *source, writer_sink sink, void *context, struct proto_error *error) {
    struct snapshot snapshot = {.source = source, .region.first = FIRST_BLOCK};
    bool ok = false;
    *error = (struct proto_error){.code = PROTO_ERROR_MEMORY, .text = "out of memory"};
    bool ready =
        tally_begin(&snapshot.tally, source->kind, source->buckets, source->live, source->now, &snapshot.region);
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
