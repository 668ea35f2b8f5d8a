/* read:
 *   1. the header: magic, version, checksum of what never changes, sizes and places of the regions against each other
 *      and against the length of the file; the boot; the last whole beat;
 *   2. each region as far as it was in use;
 *   3. each seal against its record; behind the last there may be one that was being written, and nothing else;
 *   4. generations against the seals of retirements;
 *   5. the buckets: what a bucket refers to is sealed, no more frees than allocations, no counts in one without a
 *      seal; and their sums: a thread counts in the bucket first and in the header then, so the header's sum is the
 *      smaller one, by one for each thread at most that was between the two.
 *
 * Locks: none. Memory: the region. */
#include "proto/box_reader.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"

/* Threads that began after the last beat. */
enum { NEW_THREADS = 64 };

static bool torn(struct proto_error *error, uint64_t offset, const char *text) {
    return proto_fail(error, PROTO_ERROR_CORRUPT, offset, text);
}

static bool read_bytes(int fd, void *out, size_t size, uint64_t offset, struct proto_error *error) {
    char *next = out;
    while (size) {
        ssize_t n = pread(fd, next, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *error = (struct proto_error){.code = PROTO_ERROR_IO, .saved_errno = errno};
            return false;
        }
        if (n == 0)
            return proto_fail(error, PROTO_ERROR_TRUNCATED, offset, "truncated black box");
        next += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool check_identity(const struct box_header *header, struct proto_error *error) {
    const struct box_identity *identity = &header->identity;
    const uint64_t at = offsetof(struct box_header, identity);
    if (atomic_load_relaxed(&header->magic) != BOX_MAGIC)
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "not a black box");
    if (identity->version != BOX_VERSION)
        return proto_fail(error, PROTO_ERROR_FORMAT, at, "black box of another version");
    if (identity->check != box_identity_check(identity))
        return torn(error, at, "torn header");
    if (identity->bucket_bytes != sizeof(struct box_bucket) || identity->row_bytes != sizeof(struct box_row) ||
        identity->boot[sizeof identity->boot - 1])
        return proto_fail(error, PROTO_ERROR_FORMAT, at, "black box of another machine");
    return true;
}

static bool check_regions(const struct box *box, uint64_t file_size, struct proto_error *error) {
    uint64_t end = BOX_HEADER_BYTES;
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        const struct box_region *region = &box->header->identity.regions[i];
        uint64_t ready = atomic_load_relaxed(&box->header->ready[i]);
        uint64_t at = offsetof(struct box_header, ready) + i * sizeof ready;
        if (region->offset != end || region->reserved > UINT64_C(1) << 40 || region->reserved % BOX_ALIGNMENT)
            return torn(error, offsetof(struct box_header, identity), "torn header");
        if (ready > region->reserved || ready % BOX_ALIGNMENT)
            return torn(error, at, "torn header");
        end += region->reserved;
    }
    if (file_size != end)
        return proto_fail(error, PROTO_ERROR_TRUNCATED, file_size < end ? file_size : end,
                          file_size < end ? "truncated black box" : "more bytes than the black box has");
    return true;
}

static bool choose_beat(struct box *box, struct proto_error *error) {
    for (int i = 0; i < 2; i++) {
        struct box_beat *beat = &box->header->beats[i];
        uint64_t check = atomic_load_relaxed(&beat->check);
        if (!check)
            continue; /* being written, or not yet */
        uint64_t at = offsetof(struct box_header, beats) + (unsigned)i * sizeof *beat;
        if (beat->length > BOX_TEXT_BYTES || check != box_beat_check(beat, box->header->identity.key) ||
            !beat->length || beat->text[beat->length - 1])
            return torn(error, at, "torn comments");
        if (!box->beat || box->beat->number < beat->number)
            box->beat = beat;
    }
    return box->beat ? true : torn(error, offsetof(struct box_header, beats), "no comments yet");
}

static bool check_state(struct box *box, const char *boot, struct proto_error *error) {
    uint64_t state = atomic_load_relaxed(&box->header->state);
    if (state != BOX_OPEN && state != BOX_CLOSED)
        return torn(error, offsetof(struct box_header, state), "torn header");
    box->is_closed = state == BOX_CLOSED;
    if (!box->is_closed && boot && strcmp(boot, box->header->identity.boot) != 0)
        return torn(error, offsetof(struct box_header, identity.boot),
                    "the machine was started anew since, or the file is a copy from another (--copied)");
    return true;
}

static bool read_header(int fd, const char *boot, struct box *box, struct proto_error *error) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        *error = (struct proto_error){.code = PROTO_ERROR_IO, .saved_errno = errno};
        return false;
    }
    if (!S_ISREG(status.st_mode))
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "not a black box");
    char *room = region_alloc(&box->region, sizeof *box->header + _Alignof(struct box_header));
    box->header = (struct box_header *)align_up((uintptr_t)room, _Alignof(struct box_header));
    if (!room)
        return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    uint64_t magic = 0;
    if (status.st_size < (off_t)sizeof magic || !read_bytes(fd, &magic, sizeof magic, 0, error) || magic != BOX_MAGIC)
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "not a black box");
    return read_bytes(fd, box->header, sizeof *box->header, 0, error) && check_identity(box->header, error) &&
           check_regions(box, (uint64_t)status.st_size, error) && check_state(box, boot, error) &&
           choose_beat(box, error);
}

static bool read_regions(int fd, struct box *box, struct proto_error *error) {
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        size_t ready = atomic_load_relaxed(&box->header->ready[i]);
        box->ready[i] = ready;
        box->data[i] = region_alloc(&box->region, ready);
        if (!box->data[i])
            return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
        if (!read_bytes(fd, box->data[i], ready, box->header->identity.regions[i].offset, error))
            return false;
    }
    return true;
}

/* By which region an id is counted, and bytes an id. */
static const struct {
    unsigned char region, unit;
} ids[BOX_KINDS] = {
    [BOX_STACK] = {BOX_STACKS, sizeof(uint64_t)},         [BOX_BUCKET] = {BOX_BUCKETS, sizeof(struct box_bucket)},
    [BOX_LABEL_SET] = {BOX_LABELS, sizeof(uint64_t)},     [BOX_ROW] = {BOX_ROWS, sizeof(struct box_row)},
    [BOX_STACK_RETIRED] = {BOX_STACKS, sizeof(uint64_t)}, [BOX_ROW_RETIRED] = {BOX_ROWS, sizeof(struct box_row)},
};

/* The number of ids that there is room for: an id is smaller, or for buckets at most as large. */
static uint64_t id_room(const struct box *box, unsigned kind) { return box->ready[ids[kind].region] / ids[kind].unit; }

static bool make_bits(struct box *box, struct proto_error *error) {
    for (unsigned kind = BOX_STACK; kind < BOX_KINDS; kind++) {
        box->sealed[kind] = region_alloc(&box->region, id_room(box, kind) / 8 + 1);
        if (!box->sealed[kind])
            return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    }
    return true;
}

static bool is_sealed(const struct box *box, unsigned kind, uint32_t id) {
    return id <= id_room(box, kind) && box->sealed[kind][id / 8] >> (id % 8) & 1;
}

static void set_sealed(struct box *box, unsigned kind, uint32_t id) {
    box->sealed[kind][id / 8] |= (unsigned char)(1u << (id % 8));
}

static uint64_t *word_at(const struct box *box, unsigned region, uint32_t id) {
    return (uint64_t *)(void *)box->data[region] + id;
}

static struct box_bucket *bucket_at(const struct box *box, uint32_t id) {
    return (struct box_bucket *)(void *)box->data[BOX_BUCKETS] + (id - 1);
}

static struct box_row *row_at(const struct box *box, uint32_t index) {
    return (struct box_row *)(void *)box->data[BOX_ROWS] + index;
}

/* NULL where it does not lie in the text. */
static const char *filename_of(const struct box *box, const struct box_row *row) {
    uint64_t at = row->filename - box->header->identity.regions[BOX_TEXT].base;
    if (at >= box->ready[BOX_TEXT] || !memchr(box->data[BOX_TEXT] + at, '\0', box->ready[BOX_TEXT] - at))
        return NULL;
    return box->data[BOX_TEXT] + at;
}

/* The hash of the record's contents; false where it cannot be one. */
static bool hash_record(const struct box *box, unsigned kind, uint32_t id, uint64_t *hash) {
    uint64_t room = id_room(box, kind);
    *hash = 0;
    if (kind == BOX_BUCKET) {
        if (id < 1 || id > room)
            return false;
        const struct box_bucket *bucket = bucket_at(box, id);
        *hash = box_hash_bucket(bucket->stack, bucket->labels, bucket->slot_size, bucket->rate);
        return true;
    }
    if (id >= room)
        return false;
    const uint64_t *word = word_at(box, ids[kind].region, id);
    const char *filename;
    switch (kind) {
    case BOX_STACK:
        if ((uint32_t)*word > room - id - 1)
            return false;
        *hash = box_hash_stack(word + 1, (uint32_t)*word);
        return true;
    case BOX_LABEL_SET:
        if (*word > (room - id - 1) * sizeof *word)
            return false;
        *hash = box_hash_labels((const char *)(word + 1), *word);
        return true;
    case BOX_ROW:
        filename = filename_of(box, row_at(box, id));
        if (!filename || !memchr(row_at(box, id)->build_id, '\0', sizeof row_at(box, id)->build_id))
            return false;
        *hash = box_hash_row(row_at(box, id), filename);
        return true;
    default:
        return true;
    }
}

static uint64_t record_offset(const struct box *box, unsigned kind, uint32_t id) {
    uint64_t at = (uint64_t)(kind == BOX_BUCKET ? id - 1 : id) * ids[kind].unit;
    return box->header->identity.regions[ids[kind].region].offset + at;
}

/* Where the table keeps the generation. */
static uint32_t *generation_of(const struct box *box, unsigned kind, uint32_t id) {
    if (kind == BOX_STACK || kind == BOX_STACK_RETIRED)
        return (uint32_t *)(void *)word_at(box, BOX_STACKS, id) + 1;
    return &row_at(box, id)->retired;
}

/* The seal of a retirement comes before the table's own word, and is the one to believe. */
static bool retire(struct box *box, unsigned kind, uint32_t id, uint32_t generation, struct proto_error *error) {
    uint32_t *word = generation_of(box, kind, id);
    if (!is_sealed(box, kind == BOX_STACK_RETIRED ? BOX_STACK : BOX_ROW, id))
        return torn(error, record_offset(box, kind, id), "a record without its seal was retired");
    if (*word && *word != generation)
        return torn(error, record_offset(box, kind, id), "a record does not agree with its seal");
    *word = generation;
    return true;
}

static bool check_seal(struct box *box, uint64_t place, struct proto_error *error) {
    const struct box_seal *seal = (const struct box_seal *)(const void *)box->data[BOX_SEALS] + place;
    uint64_t offset = box->header->identity.regions[BOX_SEALS].offset + place * sizeof *seal, content;
    uint64_t what = atomic_load_relaxed(&seal->what);
    unsigned kind = (unsigned)(what >> 56);
    uint32_t generation = (uint32_t)(what >> 32) & ((1u << BOX_GENERATION_BITS) - 1), id = (uint32_t)what;
    if (kind < BOX_STACK || kind >= BOX_KINDS || id > id_room(box, kind))
        return torn(error, offset, "torn seal");
    if (!hash_record(box, kind, id, &content) ||
        atomic_load_relaxed(&seal->check) != box_seal_check(box->header->identity.key, place, what, content))
        return torn(error, record_offset(box, kind, id), "a record does not agree with its seal");
    if (is_sealed(box, kind, id))
        return torn(error, offset, "a record is sealed twice");
    set_sealed(box, kind, id);
    return (kind != BOX_STACK_RETIRED && kind != BOX_ROW_RETIRED) || retire(box, kind, id, generation, error);
}

static bool check_seals(struct box *box, struct proto_error *error) {
    uint64_t count = atomic_load_relaxed(&box->header->seals);
    uint64_t room = box->ready[BOX_SEALS] / sizeof(struct box_seal);
    const uint64_t *words = (const uint64_t *)(const void *)box->data[BOX_SEALS];
    if (count > room)
        return torn(error, offsetof(struct box_header, seals), "torn header");
    for (uint64_t i = 0; i < count; i++) {
        if (!check_seal(box, i, error))
            return false;
    }
    for (uint64_t i = 2 * (count + 1); i < 2 * room; i++) {
        if (words[i])
            return torn(error, box->header->identity.regions[BOX_SEALS].offset + i * sizeof *words,
                        "a seal behind the last");
    }
    while (is_sealed(box, BOX_ROW, box->row_count))
        box->row_count++;
    return true;
}

/* Every generation has its seal. */
static bool check_generations(struct box *box, struct proto_error *error) {
    if (atomic_load_relaxed(&box->header->unsealed_retirements))
        return true;
    for (unsigned kind = BOX_STACK; kind <= BOX_ROW; kind += BOX_ROW - BOX_STACK) {
        unsigned retired = kind == BOX_STACK ? BOX_STACK_RETIRED : BOX_ROW_RETIRED;
        for (uint32_t id = 0; id < id_room(box, kind); id++) {
            if (is_sealed(box, kind, id) && *generation_of(box, kind, id) && !is_sealed(box, retired, id))
                return torn(error, record_offset(box, kind, id), "a record does not agree with its seal");
        }
    }
    return true;
}

static bool check_sum(const struct box *box, uint64_t sum, uint64_t of_header, size_t offset,
                      struct proto_error *error) {
    return (sum >= of_header && sum - of_header <= box->beat->threads + NEW_THREADS) ||
           torn(error, offset, "the counters do not add up");
}

static bool check_bucket(const struct box *box, uint32_t id, struct proto_error *error) {
    const struct box_bucket *bucket = bucket_at(box, id);
    uint64_t allocs = atomic_load_relaxed(&bucket->allocs), frees = atomic_load_relaxed(&bucket->frees);
    bool ok = is_sealed(box, BOX_BUCKET, id)
                  ? frees <= allocs && bucket->slot_size && bucket->rate && is_sealed(box, BOX_STACK, bucket->stack) &&
                        (!bucket->labels || is_sealed(box, BOX_LABEL_SET, bucket->labels))
                  : !allocs && !frees;
    return ok || torn(error, record_offset(box, BOX_BUCKET, id), "torn counters");
}

static bool check_buckets(struct box *box, struct proto_error *error) {
    uint64_t allocs = 0, frees = 0;
    for (uint32_t id = 1; id < box_bucket_limit(box); id++) {
        const struct box_bucket *bucket = bucket_at(box, id);
        if (!check_bucket(box, id, error))
            return false;
        if (__builtin_add_overflow(allocs, atomic_load_relaxed(&bucket->allocs), &allocs))
            return torn(error, record_offset(box, BOX_BUCKET, id), "torn counters");
        frees += atomic_load_relaxed(&bucket->frees);
    }
    box->samples = allocs;
    return check_sum(box, allocs, atomic_load_relaxed(&box->header->samples), offsetof(struct box_header, samples),
                     error) &&
           check_sum(box, frees, atomic_load_relaxed(&box->header->freed), offsetof(struct box_header, freed), error);
}

bool box_read(int fd, const char *boot, struct box *box, struct proto_error *error) {
    *box = (struct box){.header = NULL};
    *error = (struct proto_error){.code = PROTO_OK};
    bool ok = read_header(fd, boot, box, error) && read_regions(fd, box, error) && make_bits(box, error) &&
              check_seals(box, error) && check_generations(box, error) && check_buckets(box, error);
    if (!ok)
        box_free(box);
    return ok;
}

void box_free(struct box *box) { region_free(&box->region); }

uint32_t box_bucket_limit(const struct box *box) {
    uint64_t room = id_room(box, BOX_BUCKET);
    return room < UINT32_MAX ? (uint32_t)room + 1 : UINT32_MAX;
}

const struct box_bucket *box_bucket(const struct box *box, uint32_t id) {
    return is_sealed(box, BOX_BUCKET, id) ? bucket_at(box, id) : NULL;
}

struct box_stack box_stack(const struct box *box, uint32_t id) {
    const uint64_t *word = word_at(box, BOX_STACKS, id);
    return (struct box_stack){word + 1, (uint32_t)*word, (uint32_t)(*word >> 32)};
}

const char *box_labels(const struct box *box, uint32_t id, size_t *size) {
    const uint64_t *word = id ? word_at(box, BOX_LABELS, id) : NULL;
    *size = word ? *word : 0;
    return word ? (const char *)(word + 1) : "";
}

const struct box_row *box_row(const struct box *box, uint32_t index) { return row_at(box, index); }

const char *box_row_filename(const struct box *box, uint32_t index) { return filename_of(box, row_at(box, index)); }

uint32_t box_find_row(const struct box *box, uint64_t address, uint32_t retired) {
    uint32_t best = UINT32_MAX, best_retired = UINT32_MAX;
    for (uint32_t i = 0; i < box->row_count; i++) {
        const struct box_row *row = row_at(box, i);
        if (address - row->start >= row->limit - row->start)
            continue;
        if (!retired && !row->retired)
            return i;
        uint32_t until = row->retired ? row->retired : UINT32_MAX;
        if (retired && until >= retired && (best == UINT32_MAX || until < best_retired)) {
            best = i;
            best_retired = until;
        }
    }
    return best;
}
