/* Why a file mapping of the tables themselves, and not a second copy: nothing has to be written at the end, and there
 * is no end at which to write: SIGKILL gives no chance. The kernel keeps the pages of a file that a process had mapped.
 *
 * start:  1. expand the name, make the file, map it;
 *         2. write the identity, then the magic;
 *         3. from now on table_memory places the areas of the tables in the mapping.
 * seal:   under the lock, behind the last: what, checksum, count. The record is complete before and used after, and
 *         a thread's stores are visible in their order when it is killed, so whatever counts has its seal.
 * beat:   a thread writes the texts of a profile's comments each second, into two places by turns.
 *
 * A store to such a page may meet a full or a broken disk, and then it is a signal that ends the program. So space is
 * kept before a byte is touched (box_file.c), and no space is a full table. What remains is a disk that cannot read an
 * evicted page again, and a thread that waits while pages are written back: on tmpfs there is neither
 * (docs/blackbox.md).
 *
 * fork: the child shares the mapping and must not write to it. Prepare, with every table's lock held, copies what
 * changes in place (the buckets, a bounded number of bytes) and notes how long the rest is. The child copies the rest,
 * which only grew meanwhile, takes back the retirements that the parent made since, and puts a file of its own or
 * plain memory in the place of the mapping: no address changes.
 *
 * Locks: RANK_BLACKBOX around a seal. Allocation: os_alloc. */
#include "profiler/blackbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/background.h"
#include "base/futex.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rand.h"
#include "profiler/box_file.h"
#include "profiler/bucket.h"
#include "profiler/dump_file.h"
#include "profiler/dump_name.h"
#include "profiler/mapping.h"
#include "profiler/table_memory.h"

enum { SECOND = 1000000000, STACK_BYTES = 256 * 1024 };

static_assert(offsetof(struct box_header, identity) == sizeof(uint64_t), "the magic comes first");
static_assert(sizeof(struct bucket) == sizeof(struct box_bucket), "the tables are the file");
static_assert(sizeof(struct mapping_row) == sizeof(struct box_row), "the tables are the file");
static_assert(offsetof(struct mapping_row, filename) == offsetof(struct box_row, filename), "the tables are the file");
static_assert(offsetof(struct mapping_row, build_id) == offsetof(struct box_row, build_id), "the tables are the file");
static_assert(offsetof(struct mapping_row, retired) == offsetof(struct box_row, retired), "the tables are the file");
static_assert(offsetof(struct bucket, slot_size) == offsetof(struct box_bucket, slot_size), "the tables are the file");
static_assert(offsetof(struct bucket, rate) == offsetof(struct box_bucket, rate), "the tables are the file");
static_assert(offsetof(struct bucket, allocs) == offsetof(struct box_bucket, allocs), "the tables are the file");
static_assert(offsetof(struct bucket, frees) == offsetof(struct box_bucket, frees), "the tables are the file");

/* Only where there is a black box. */
struct blackbox {
    struct box_file file;
    size_t size; /* of the mapping */
    bool is_child;
    const char *pattern;
    char directory[PATH_MAX]; /* in which the process began: what a relative pattern is relative to */
    char boot[sizeof((struct box_identity *)0)->boot];
    struct {
        uint64_t seals;
        size_t ready[BOX_REGIONS];
        char *buckets; /* as they stood; NULL = none */
    } at_fork;
};

struct box_header *blackbox_header;

static struct blackbox *box;
static struct lock lock = LOCK_INIT(RANK_BLACKBOX);
static struct table_area seals = {.box = BOX_SEALS}; /* under the lock */
static blackbox_describe describe;                   /* written before the thread starts */
static _Atomic uint32_t beating;                     /* one beat at a time */
static _Atomic uint32_t never;                       /* what the thread sleeps on */

/* How much of the file a region may become: the ceiling of table_memory divided by this. A seal is at most as large as
 * what it seals. */
static const unsigned char shares[BOX_REGIONS] = {
    [BOX_SEALS] = 1, [BOX_STACKS] = 2, [BOX_BUCKETS] = 4, [BOX_LABELS] = 16, [BOX_ROWS] = 16, [BOX_TEXT] = 16};

static char *region_at(unsigned region) {
    return (char *)blackbox_header + blackbox_header->identity.regions[region].offset;
}

static size_t region_ready(unsigned region) { return atomic_load_relaxed(&blackbox_header->ready[region]); }

static char *place(unsigned region, size_t *reserved) {
    *reserved = blackbox_header->identity.regions[region].reserved;
    return region_at(region);
}

static bool back(unsigned region, size_t from, size_t to) {
    if (!box_file_back(&box->file, (char *)blackbox_header, region_at(region) + from, to - from))
        return false;
    atomic_store_release(&blackbox_header->ready[region], to);
    return true;
}

static const struct table_backing backing = {.place = place, .back = back};

/* A short file of /proc, cut at the first newline; "" when it cannot be read. */
static void read_line(const char *path, char *out, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, out, size - 1);
    out[length > 0 ? length : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Field 22 of /proc/self/stat; the second, a name in parentheses, may hold anything. exec keeps it. */
static uint64_t read_process_start(void) {
    char text[1024];
    uint64_t start = 0;
    read_line("/proc/self/stat", text, sizeof text);
    const char *p = strrchr(text, ')');
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    for (p = p ? p + 1 : ""; *p >= '0' && *p <= '9'; p++)
        start = start * 10 + (uint64_t)(*p - '0');
    return start;
}

static size_t lay_out(struct box_identity *identity, const char *mapping) {
    size_t end = BOX_HEADER_BYTES;
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        uint64_t reserved = align_up(table_memory_limit() / shares[i], BOX_ALIGNMENT);
        identity->regions[i] = (struct box_region){end, reserved, (uintptr_t)mapping + end};
        end += reserved;
    }
    return end;
}

static void identify(struct box_identity *identity, uint64_t key, const char *mapping) {
    identity->version = BOX_VERSION;
    identity->page_size = (uint32_t)os_page_size();
    identity->bucket_bytes = sizeof(struct box_bucket);
    identity->row_bytes = sizeof(struct box_row);
    identity->key = key;
    identity->pid = getpid();
    identity->process_start = read_process_start();
    identity->start_nanos = os_wall_time();
    memcpy(identity->boot, box->boot, sizeof identity->boot);
    lay_out(identity, mapping);
    identity->check = box_identity_check(identity);
}

/* Is it the file of a program that this very process was before it executed another one? It has ended. */
static bool is_our_own(const char *path) {
    struct {
        uint64_t magic;
        struct box_identity identity;
    } head;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool ok = fd >= 0 && read(fd, &head, sizeof head) == (ssize_t)sizeof head && head.magic == BOX_MAGIC;
    if (fd >= 0)
        close(fd);
    const struct box_identity *identity = &head.identity;
    return ok && identity->check == box_identity_check(identity) && identity->pid == getpid() &&
           identity->process_start == read_process_start() &&
           memcmp(identity->boot, box->boot, sizeof identity->boot) == 0;
}

static bool expand_path(char *path, size_t size) {
    size_t length = 0;
    if (box->pattern[0] != '/')
        length = log_format(path, size, "%s/", box->directory);
    return length + 1 < size && dump_name_expand_own(path + length, size - length, box->pattern, 1, "");
}

static const char *error_text(int error) {
    if (error == EOPNOTSUPP)
        return "the file system cannot keep space for it";
    return error == EEXIST ? "File exists" : dump_file_error_text(error);
}

/* With room for what is in use already, or every program will need. */
static size_t list_ranges(const struct box_identity *layout, const size_t *ready, struct box_range *ranges) {
    size_t count = 0;
    ranges[count++] = (struct box_range){0, BOX_HEADER_BYTES};
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        if (ready[i] || i != BOX_LABELS)
            ranges[count++] = (struct box_range){layout->regions[i].offset, ready[i] ? ready[i] : BOX_ALIGNMENT};
    }
    return count;
}

/* Makes the file and maps it, at `at` where that is given. NULL after one line on stderr. */
static char *create(struct box_file *file, const size_t *ready, char *at) {
    char path[PATH_MAX];
    struct box_identity layout = {.version = 0};
    struct box_range ranges[BOX_REGIONS];
    char *mapping = NULL;
    if (!expand_path(path, sizeof path)) {
        log_line("cannot make black box '%s': %s", box->pattern, error_text(ENAMETOOLONG));
        return NULL;
    }
    if (box->is_child && strcmp(path, box->file.path) == 0)
        return NULL; /* the pattern has no pid: the file is the parent's */
    box->size = lay_out(&layout, NULL);
    size_t count = list_ranges(&layout, ready, ranges);
    int error = box_file_create(file, path, box->size, ranges, count, at, &mapping);
    if (error == EEXIST && is_our_own(path) && unlink(path) == 0)
        error = box_file_create(file, path, box->size, ranges, count, at, &mapping);
    if (!error)
        return mapping;
    log_line("cannot make black box '%s': %s", path, error_text(error));
    return NULL;
}

void blackbox_start(const struct options *options) {
    static const size_t nothing[BOX_REGIONS];
    box = os_alloc(sizeof *box);
    if (!box)
        return;
    box->pattern = options->blackbox_pattern;
    if (!getcwd(box->directory, sizeof box->directory))
        box->directory[0] = '\0';
    read_line("/proc/sys/kernel/random/boot_id", box->boot, sizeof box->boot);
    char *mapping = create(&box->file, nothing, NULL);
    if (!mapping) {
        os_free(box, sizeof *box);
        box = NULL;
        return;
    }
    struct box_header *header = (struct box_header *)(void *)mapping;
    identify(&header->identity, rand_entropy(), mapping);
    atomic_store_relaxed(&header->state, BOX_OPEN);
    atomic_store_release(&header->magic, BOX_MAGIC);
    blackbox_header = header;
    table_memory_set_backing(&backing);
}

static bool append_locked(uint64_t what, uint64_t content) {
    struct box_header *header = blackbox_header;
    uint64_t at = atomic_load_relaxed(&header->seals);
    lock_assert_held(&lock);
    if (!table_area_reach(&seals, (at + 1) * sizeof(struct box_seal)))
        return false;
    struct box_seal *seal = (struct box_seal *)(void *)seals.base + at;
    atomic_store_relaxed(&seal->what, what);
    atomic_store_release(&seal->check, box_seal_check(header->identity.key, at, what, content));
    atomic_store_release(&header->seals, at + 1);
    return true;
}

static bool append(uint64_t what, uint64_t content) {
    lock_acquire(&lock);
    bool ok = append_locked(what, content);
    lock_release(&lock);
    return ok;
}

bool blackbox_seal_stack_slow(uint32_t id, const uintptr_t *frames, size_t count) {
    return append(box_what(BOX_STACK, 0, id), box_hash_stack(frames, (uint32_t)count));
}

bool blackbox_seal_bucket_slow(uint32_t id, uint32_t stack, uint32_t labels, uint64_t slot_size, uint64_t rate) {
    return append(box_what(BOX_BUCKET, 0, id), box_hash_bucket(stack, labels, slot_size, rate));
}

bool blackbox_seal_labels(uint32_t id, const char *text, size_t size) {
    return !blackbox_is_on() || append(box_what(BOX_LABEL_SET, 0, id), box_hash_labels(text, size));
}

bool blackbox_seal_row(uint32_t index, const void *row, const char *filename) {
    return append(box_what(BOX_ROW, 0, index), box_hash_row(row, filename));
}

void blackbox_seal_retired(enum box_kind kind, uint32_t id, uint32_t generation) {
    if (generation >> BOX_GENERATION_BITS || !append(box_what(kind, generation, id), 0))
        atomic_add_relaxed(&blackbox_header->unsealed_retirements, 1);
}

/* False when another thread is at it. */
static bool try_beat(void) {
    struct box_header *header = blackbox_header;
    if (atomic_swap_acquire(&beating, 1))
        return false;
    if (atomic_load_relaxed(&header->state) == BOX_OPEN) {
        uint64_t number =
            1 + (header->beats[0].number > header->beats[1].number ? header->beats[0].number : header->beats[1].number);
        struct box_beat *beat = &header->beats[number & 1];
        atomic_store_relaxed(&beat->check, 0);
        atomic_fence_release();
        beat->number = number;
        beat->time_nanos = os_wall_time();
        beat->threads = os_thread_count();
        beat->length = describe(beat->text, sizeof beat->text, &beat->rate);
        atomic_store_release(&beat->check, box_beat_check(beat, header->identity.key));
    }
    atomic_store_release(&beating, 0);
    return true;
}

static void run(void) {
    for (int64_t next = os_now() + SECOND;; next += SECOND) {
        while (os_now() < next)
            futex_wait(&never, 0, next);
        try_beat();
        if (os_now() > next + SECOND)
            next = os_now(); /* the machine slept */
    }
}

static void start_beats(void) {
    try_beat();
    if (!background_start("heaptap-box", run, STACK_BYTES))
        log_line("cannot start the black box's thread; its exact totals stay as they are now");
}

void blackbox_run(blackbox_describe how) {
    describe = how;
    start_beats();
}

/* Each function that is imported takes some of what every program touches of the library (cmake/layout.ld). */
static bool move_pages(char *from, size_t size, void *to) {
    return syscall(SYS_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)(uintptr_t)to;
}

static void sync_pages(void *p, size_t size) { syscall(SYS_msync, p, size, MS_SYNC); }

static void sync_file(void) {
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        if (region_ready(i))
            sync_pages(region_at(i), region_ready(i));
    }
    sync_pages(blackbox_header, BOX_HEADER_BYTES);
}

void blackbox_close(void) {
    if (box->is_child)
        box_file_remove(&box->file);
    for (int64_t until = os_now() + SECOND; !try_beat() && os_now() < until;)
        ;
    if (box->is_child)
        return;
    sync_file();
    atomic_store_release(&blackbox_header->state, BOX_CLOSED);
    sync_pages(blackbox_header, BOX_HEADER_BYTES);
}

/* Frees before allocations, so that no bucket has more of them. */
static void copy_buckets(char *out, const char *in, size_t size) {
    for (size_t at = 0; at < size; at += sizeof(struct box_bucket)) {
        const struct box_bucket *from = (const struct box_bucket *)(const void *)(in + at);
        struct box_bucket *to = (struct box_bucket *)(void *)(out + at);
        uint64_t frees = atomic_load_acquire(&from->frees);
        memcpy(to, from, sizeof *to);
        atomic_store_relaxed(&to->frees, frees);
    }
}

void blackbox_fork_prepare(void) {
    if (!blackbox_is_on())
        return;
    box->at_fork.seals = atomic_load_relaxed(&blackbox_header->seals);
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++)
        box->at_fork.ready[i] = region_ready(i);
    size_t size = box->at_fork.ready[BOX_BUCKETS];
    box->at_fork.buckets = size ? os_alloc(size) : NULL;
    if (box->at_fork.buckets)
        copy_buckets(box->at_fork.buckets, region_at(BOX_BUCKETS), size);
}

void blackbox_fork_parent(void) {
    if (blackbox_is_on() && box->at_fork.buckets)
        os_free(box->at_fork.buckets, box->at_fork.ready[BOX_BUCKETS]);
}

/* Copies of the regions, each in memory of its own; false, and none, when there is not enough. */
static bool copy_regions(char **copies) {
    const size_t *ready = box->at_fork.ready;
    bool ok = !ready[BOX_BUCKETS] || box->at_fork.buckets;
    copies[BOX_BUCKETS] = box->at_fork.buckets;
    for (unsigned i = BOX_SEALS; ok && i < BOX_REGIONS; i++) {
        if (i == BOX_BUCKETS || !ready[i])
            continue;
        copies[i] = os_alloc(ready[i]);
        ok = copies[i] != NULL;
        if (ok)
            memcpy(copies[i], region_at(i), ready[i]);
    }
    return ok;
}

static void free_copies(char **copies) {
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        if (copies[i])
            os_free(copies[i], box->at_fork.ready[i]);
    }
}

/* The generation of a stack or a row; NULL for other records. */
static uint32_t *generation_of(char **copies, uint32_t kind, uint32_t id) {
    if (kind == BOX_STACK || kind == BOX_STACK_RETIRED)
        return (uint32_t *)(void *)(copies[BOX_STACKS] + (size_t)id * sizeof(uint64_t)) + 1;
    if (kind == BOX_ROW || kind == BOX_ROW_RETIRED)
        return &((struct box_row *)(void *)copies[BOX_ROWS])[id].retired;
    return NULL;
}

/* The parent went on while the regions were copied: what was sealed after the fork is taken out, and every generation
 * becomes what the seals of before say. */
static void rewind_to_fork(char **copies) {
    struct box_seal *seal = (struct box_seal *)(void *)copies[BOX_SEALS];
    size_t room = box->at_fork.ready[BOX_SEALS] / sizeof *seal;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < box->at_fork.seals; i++) {
            uint64_t what = atomic_load_relaxed(&seal[i].what);
            uint32_t *generation = generation_of(copies, (uint32_t)(what >> 56), (uint32_t)what);
            bool retires = what >> 56 >= BOX_STACK_RETIRED;
            if (generation && retires == (pass == 1))
                *generation = (uint32_t)(what >> 32) & ((1u << BOX_GENERATION_BITS) - 1);
        }
    }
    if (room)
        memset(seal + box->at_fork.seals, 0, (room - box->at_fork.seals) * sizeof *seal);
}

static void sum_buckets(struct box_header *header, const char *buckets, size_t size) {
    uint64_t allocs = 0, frees = 0;
    for (size_t at = 0; at < size; at += sizeof(struct box_bucket)) {
        const struct box_bucket *bucket = (const struct box_bucket *)(const void *)(buckets + at);
        allocs += atomic_load_relaxed(&bucket->allocs);
        frees += atomic_load_relaxed(&bucket->frees);
    }
    atomic_store_relaxed(&header->samples, allocs);
    atomic_store_relaxed(&header->freed, frees);
}

/* A file of the child's own comes to lie where the parent's was. */
static bool replace_by_file(char **copies) {
    struct box_header *header = blackbox_header;
    const uint64_t key = header->identity.key;
    const uint64_t unsealed = atomic_load_relaxed(&header->unsealed_retirements);
    struct box_file *file = os_alloc(sizeof *file);
    bool ok = file && create(file, box->at_fork.ready, (char *)header);
    if (ok) {
        box->file = *file;
        identify(&header->identity, key, (char *)header);
        for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
            if (copies[i])
                memcpy(region_at(i), copies[i], box->at_fork.ready[i]);
            atomic_store_relaxed(&header->ready[i], box->at_fork.ready[i]);
        }
        sum_buckets(header, copies[BOX_BUCKETS], box->at_fork.ready[BOX_BUCKETS]);
        atomic_store_relaxed(&header->unsealed_retirements, unsealed);
        atomic_store_relaxed(&header->seals, box->at_fork.seals);
        atomic_store_relaxed(&header->state, BOX_OPEN);
        atomic_store_release(&header->magic, BOX_MAGIC);
    }
    if (file)
        os_free(file, sizeof *file);
    return ok;
}

static void forget_file(void) {
    blackbox_header = NULL;
    table_memory_set_backing(NULL);
}

/* Nothing of the parent's file stays mapped; the copies come to lie where the regions were. */
static void replace_by_memory(char **copies) {
    char *to[BOX_REGIONS] = {NULL};
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++)
        to[i] = region_at(i);
    os_fault(blackbox_header, box->size);
    for (unsigned i = BOX_SEALS; i < BOX_REGIONS; i++) {
        if (copies[i] && i != BOX_SEALS)
            CHECK(move_pages(copies[i], box->at_fork.ready[i], to[i]));
    }
    if (copies[BOX_SEALS])
        os_free(copies[BOX_SEALS], box->at_fork.ready[BOX_SEALS]);
    forget_file();
}

void blackbox_fork_resume(void) {
    if (blackbox_is_on())
        start_beats();
}

bool blackbox_fork_child(bool follow) {
    char *copies[BOX_REGIONS] = {NULL};
    if (!blackbox_is_on())
        return true;
    box->is_child = true;
    atomic_store_relaxed(&beating, 0);
    bool ok = copy_regions(copies);
    if (ok)
        rewind_to_fork(copies);
    if (ok && follow && replace_by_file(copies)) {
        free_copies(copies);
        return true;
    }
    if (ok) {
        replace_by_memory(copies);
        return true;
    }
    free_copies(copies);
    os_free(blackbox_header, box->size);
    forget_file();
    return false;
}
