/* Steps:
 *   1. read and check the box (proto/box_reader.h);
 *   2. refuse the box of a process that still runs: its counters move while they are read, and it can be asked;
 *   3. add up the buckets of one stack, slot size and labels, over the rates of their draws;
 *   4. write what a dump of the process would have been, with the comments of its last beat.
 * Nothing is written before the box is found good.
 *
 * Locks: none. Memory: regions; this is the tool's process. */
#include "cli/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/text.h"
#include "cli/output.h"
#include "proto/box_reader.h"
#include "proto/describe.h"
#include "proto/hash_index.h"
#include "proto/writer.h"

struct sum {
    uint32_t stack, labels;
    uint64_t slot_size;
    double alloc_objects, inuse_objects;
};

struct place {
    uint64_t address;
    uint32_t retired;
    uint64_t id; /* of the location in the profile */
};

enum { LABELS_MAX = 64 };

struct recovery {
    const struct box *box;
    struct region region;
    struct region sums_region, places_region; /* an array each */
    struct hash_index sum_index, place_index;
    struct sum *sums;
    struct place *places;
    size_t sums_room, places_room; /* bytes */
    struct writer *writer;
    uint64_t *location_ids;
    uint32_t location_room;
    string_id bytes_key;
};

/* A larger array at the same place or another; NULL without memory. */
static void *grow(struct region *region, void *items, size_t used, size_t need, size_t *room) {
    if (need <= *room)
        return items;
    size_t more = *room ? 2 * *room : (size_t)64 * 1024;
    void *larger = region_grow(region, items, used, more);
    if (larger)
        *room = more;
    return larger;
}

/* Objects that a sample stands for (docs/sampling.md). */
static double weight_of(uint64_t slot_size, uint64_t rate) {
    return rate <= 1 ? 1 : -1 / expm1(-(double)slot_size / (double)rate);
}

static struct sum *find_sum(struct recovery *recovery, const struct box_bucket *bucket) {
    uint32_t slot, hash = (uint32_t)box_hash_bucket(bucket->stack, bucket->labels, bucket->slot_size, 0);
    struct hash_index *index = &recovery->sum_index;
    for (uint32_t i = hash_index_first(index, hash, &slot); recovery->sums && i != HASH_INDEX_NONE;
         i = hash_index_next(index, hash, &slot)) {
        struct sum *sum = &recovery->sums[i];
        if (sum->stack == bucket->stack && sum->labels == bucket->labels && sum->slot_size == bucket->slot_size)
            return sum;
    }
    size_t used = index->count * sizeof *recovery->sums;
    struct sum *sums = grow(&recovery->sums_region, recovery->sums, used, used + sizeof *sums, &recovery->sums_room);
    if (!sums || !hash_index_add(index, hash))
        return NULL;
    recovery->sums = sums;
    sums[index->count - 1] =
        (struct sum){.stack = bucket->stack, .labels = bucket->labels, .slot_size = bucket->slot_size};
    return &sums[index->count - 1];
}

static bool sum_buckets(struct recovery *recovery) {
    for (uint32_t id = 1; id < box_bucket_limit(recovery->box); id++) {
        const struct box_bucket *bucket = box_bucket(recovery->box, id);
        uint64_t allocs = bucket ? atomic_load_relaxed(&bucket->allocs) : 0;
        if (!allocs)
            continue;
        struct sum *sum = find_sum(recovery, bucket);
        if (!sum)
            return false;
        double weight = weight_of(bucket->slot_size, bucket->rate);
        sum->alloc_objects += (double)allocs * weight;
        sum->inuse_objects += (double)(allocs - atomic_load_relaxed(&bucket->frees)) * weight;
    }
    return true;
}

static void write_comments(struct recovery *recovery) {
    const struct box_beat *beat = recovery->box->beat;
    const char *text = beat->text, *end = beat->text + beat->length;
    char line[80];
    if (*text)
        writer_drop_frames(recovery->writer, text, NULL);
    for (text += strlen(text) + 1; text < end; text += strlen(text) + 1)
        writer_comment(recovery->writer, text);
    writer_comment(recovery->writer,
                   recovery->box->is_closed ? "heaptap_recovered=closed" : "heaptap_recovered=killed");
    snprintf(line, sizeof line, "heaptap_recovered_samples=%lu", (unsigned long)recovery->box->samples);
    writer_comment(recovery->writer, line);
}

static void write_head(struct recovery *recovery) {
    static const char *const types[][2] = {
        {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
    const struct box_beat *beat = recovery->box->beat;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        writer_sample_type(recovery->writer, types[i][0], types[i][1]);
    writer_period(recovery->writer, "space", "bytes", (int64_t)beat->rate);
    writer_time(recovery->writer, beat->time_nanos, 0);
    write_comments(recovery);
    recovery->bytes_key = writer_string(recovery->writer, "bytes");
    for (uint32_t i = 0; i < recovery->box->row_count; i++) {
        const struct box_row *row = box_row(recovery->box, i);
        struct profile_mapping mapping = {.start = row->start,
                                          .limit = row->limit,
                                          .offset = row->offset,
                                          .filename =
                                              writer_string(recovery->writer, box_row_filename(recovery->box, i)),
                                          .build_id = writer_string(recovery->writer, row->build_id)};
        writer_mapping(recovery->writer, &mapping);
    }
}

/* The location of an address in a stack of this generation, written the first time; 0 without memory. */
static uint64_t locate(struct recovery *recovery, uint64_t address, uint32_t retired) {
    uint32_t slot, hash = (uint32_t)box_mix(address, retired);
    struct hash_index *index = &recovery->place_index;
    for (uint32_t i = hash_index_first(index, hash, &slot); i != HASH_INDEX_NONE;
         i = hash_index_next(index, hash, &slot)) {
        if (recovery->places[i].address == address && recovery->places[i].retired == retired)
            return recovery->places[i].id;
    }
    size_t used = index->count * sizeof *recovery->places;
    struct place *places =
        grow(&recovery->places_region, recovery->places, used, used + sizeof *places, &recovery->places_room);
    if (!places || !hash_index_add(index, hash))
        return 0;
    uint32_t row = box_find_row(recovery->box, address, retired);
    uint64_t id = writer_location(recovery->writer, address, row == UINT32_MAX ? PROFILE_NONE : row + 1, NULL, 0);
    recovery->places = places;
    places[index->count - 1] = (struct place){address, retired, id};
    return id;
}

static size_t make_labels(struct recovery *recovery, const struct sum *sum, struct profile_label *labels) {
    size_t size, count = 0;
    const char *key = box_labels(recovery->box, sum->labels, &size), *end = key + size;
    labels[count++] = (struct profile_label){.key = recovery->bytes_key, .number = (int64_t)sum->slot_size};
    while (key < end && count < LABELS_MAX) {
        const char *value = key + strnlen(key, (size_t)(end - key)) + 1;
        if (value >= end)
            break;
        size_t length = strnlen(value, (size_t)(end - value));
        labels[count++] = (struct profile_label){.key = writer_string(recovery->writer, key),
                                                 .text = writer_string_n(recovery->writer, value, length)};
        key = value + length + 1;
    }
    return count;
}

static int64_t round_value(double value) { return value < 0x1p62 ? (int64_t)(value + 0.5) : (int64_t)1 << 62; }

static bool write_sum(struct recovery *recovery, const struct sum *sum) {
    struct box_stack stack = box_stack(recovery->box, sum->stack);
    struct profile_label labels[LABELS_MAX];
    double slot_size = (double)sum->slot_size;
    int64_t values[4] = {round_value(sum->alloc_objects), round_value(sum->alloc_objects * slot_size),
                         round_value(sum->inuse_objects), round_value(sum->inuse_objects * slot_size)};
    if (stack.count > recovery->location_room) {
        recovery->location_room = stack.count;
        recovery->location_ids = region_alloc(&recovery->region, stack.count * sizeof *recovery->location_ids);
        if (!recovery->location_ids)
            return false;
    }
    for (uint32_t i = 0; i < stack.count; i++) {
        recovery->location_ids[i] = locate(recovery, stack.frames[i] - 1, stack.retired);
        if (!recovery->location_ids[i])
            return false;
    }
    size_t label_count = make_labels(recovery, sum, labels);
    writer_sample(recovery->writer, recovery->location_ids, stack.count, values, 4, labels, label_count);
    return true;
}

static bool write_profile(struct recovery *recovery, writer_sink sink, void *context, struct proto_error *error) {
    *error = (struct proto_error){.code = PROTO_ERROR_MEMORY, .text = "out of memory"};
    bool ok = sum_buckets(recovery);
    recovery->writer = ok ? writer_open(&recovery->region, sink, context, 1) : NULL;
    if (!recovery->writer)
        return false;
    write_head(recovery);
    for (uint32_t i = 0; ok && i < recovery->sum_index.count; i++)
        ok = write_sum(recovery, &recovery->sums[i]);
    *error = (struct proto_error){.code = PROTO_OK};
    return writer_close(recovery->writer, error) && (ok || proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory"));
}

static bool write_output(const struct box *box, const struct recover_request *request,
                         struct heapprofile_error *error) {
    struct recovery recovery = {.box = box};
    struct output output;
    struct proto_error failure;
    if (!output_open(&output, request->output, error))
        return false;
    recovery.sum_index.region = &recovery.region;
    recovery.place_index.region = &recovery.region;
    bool ok = write_profile(&recovery, output_sink, &output, &failure);
    bool closed = output_close(&output, error);
    if (!ok && closed)
        proto_describe(&failure, "write", request->output ? request->output : "standard output", error->text,
                       sizeof error->text);
    region_free(&recovery.region);
    region_free(&recovery.sums_region);
    region_free(&recovery.places_region);
    return ok && closed;
}

static void read_line(const char *path, char *line, size_t size) {
    FILE *file = fopen(path, "re");
    line[0] = '\0';
    if (file && !fgets(line, (int)size, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

/* Is the process still there, and not dead and only waited for? Its number may have gone to another one. */
static bool is_running(const struct box_identity *identity) {
    char path[64], line[1024], state = 0;
    unsigned long start = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)identity->pid);
    read_line(path, line, sizeof line);
    const char *fields = strrchr(line, ')');
    if (!fields || sscanf(fields, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
                          &state, &start) != 2)
        return false;
    return state != 'Z' && state != 'X' && start == identity->process_start;
}

static bool refuse_running(const struct recover_request *request, const struct box *box,
                           struct heapprofile_error *error) {
    char shown[PATH_MAX];
    if (request->is_copied || box->is_closed || !is_running(&box->header->identity))
        return true;
    text_clean(shown, sizeof shown, request->path);
    snprintf(error->text, sizeof error->text, "cannot recover '%s': process %ld still runs", shown,
             (long)box->header->identity.pid);
    return false;
}

bool recover_command(const struct recover_request *request, struct heapprofile_error *error) {
    struct proto_error failure = {.code = PROTO_ERROR_IO};
    struct box box;
    char boot[sizeof box.header->identity.boot];
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    int fd = open(request->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        failure.saved_errno = errno;
        proto_describe(&failure, "open", request->path, error->text, sizeof error->text);
        return false;
    }
    bool ok = box_read(fd, request->is_copied ? NULL : boot, &box, &failure);
    close(fd);
    if (!ok) {
        proto_describe(&failure, "recover", request->path, error->text, sizeof error->text);
        return false;
    }
    ok = refuse_running(request, &box, error) && write_output(&box, request, error);
    box_free(&box);
    return ok;
}
