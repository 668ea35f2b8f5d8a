/* The black box from both ends: tables that lie in a file, what a reader finds of them while they change and after a
 * fork, and that nothing that was damaged is believed. */
#include "profiler/blackbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rand.h"
#include "profiler/bucket.h"
#include "profiler/label_table.h"
#include "profiler/loader.h"
#include "profiler/mapping.h"
#include "profiler/stack_table.h"
#include "proto/box_reader.h"
#include "tests/support/sanitized.h"
#include "tests/support/unit.h"

enum { STACKS = 300, BUCKETS = 600, ROUNDS = 6000, FORGED_ROUNDS = 3000 };

static struct options options;
static char directory[] = "/tmp/heaptap-box-XXXXXX";
static char path[4200];
static struct stack_table stacks = STACK_TABLE_INIT;
static struct bucket_table buckets = BUCKET_TABLE_INIT;
static struct label_table labels = LABEL_TABLE_INIT;
static struct mapping_table mappings = MAPPING_TABLE_INIT(&stacks);
static uint64_t sampled, freed;

static size_t describe(char *text, size_t size, uint64_t *rate) {
    static const char all[] = "own_frames\0heaptap_one=1\0heaptap_two=2";
    assert_true(size >= sizeof all);
    memcpy(text, all, sizeof all);
    *rate = 4096;
    return sizeof all;
}

static uint32_t stack_of(uintptr_t i) {
    uintptr_t frames[40];
    size_t count = 1 + i % 40;
    for (size_t k = 0; k < count; k++)
        frames[k] = 0x1000 * (i + 1) + 16 * k;
    return stack_table_intern(&stacks, frames, count);
}

static uint32_t bucket_of(uint32_t i, uint32_t set) {
    struct bucket_key key = {.slot_size = 16 + 16 * (i % 7), .rate = 1, .stack = stack_of(i % STACKS), .labels = set};
    return bucket_find(&buckets, &key);
}

static void sample(uint32_t bucket) {
    bucket_add_alloc(&buckets, bucket, 10);
    blackbox_count_sample();
    sampled++;
}

static void release(uint32_t bucket) {
    bucket_add_free(&buckets, bucket);
    blackbox_count_free();
    freed++;
}

static void fill_tables(void) {
    uint32_t set = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        char value[16];
        snprintf(value, sizeof value, "v%u", i % 10);
        assert_int_equal(label_table_with(&labels, 0, "key", value, &set), 0);
        uint32_t bucket = bucket_of(i, i % 3 ? set : 0);
        assert_true(bucket > 0);
        for (uint32_t k = 0; k <= i % 5; k++)
            sample(bucket);
        if (i % 2)
            release(bucket);
    }
    loader_start();
    mapping_refresh(&mappings);
    assert_true(stack_table_retire(&stacks, 0x1000 * 11, 0x1000 * 20, 1) > 0);
    assert_true(stack_of(10) != stack_of(9));
    sample(bucket_of(10, 0)); /* the stack is another one now */
}

static int start(void **state) {
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    options_set_defaults(&options);
    options.has_blackbox = true;
    snprintf(options.blackbox_pattern, sizeof options.blackbox_pattern, "%s/%%p", directory);
    snprintf(path, sizeof path, "%s/%d", directory, (int)getpid());
    table_memory_set_limit(4 << 20);
    blackbox_start(&options);
    if (!blackbox_is_on())
        return -1;
    blackbox_run(describe);
    fill_tables();
    return 0;
}

static int stop(void **state) {
    (void)state;
    unlink(path);
    rmdir(directory);
    return 0;
}

static bool read_at(const char *file, struct box *box, struct proto_error *error) {
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    bool ok = box_read(fd, NULL, box, error);
    close(fd);
    return ok;
}

static void read_good(const char *file, struct box *box) {
    struct proto_error error;
    if (!read_at(file, box, &error))
        fail_msg("%s at byte %lu", error.text, (unsigned long)error.offset);
}

/* Everything but the counters. */
static uint64_t digest(const struct box *box) {
    uint64_t hash = box_mix(box->row_count, box->beat->rate);
    for (uint32_t id = 1; id < box_bucket_limit(box); id++) {
        const struct box_bucket *bucket = box_bucket(box, id);
        size_t size;
        if (!bucket)
            continue;
        struct box_stack stack = box_stack(box, bucket->stack);
        const char *text = box_labels(box, bucket->labels, &size);
        hash = box_hash(hash, stack.frames, stack.count * sizeof *stack.frames);
        hash = box_mix(box_mix(box_mix(hash, stack.retired), bucket->slot_size), bucket->rate);
        hash = box_hash(hash, text, size);
        for (uint32_t i = 0; i < stack.count; i++)
            hash = box_mix(hash, box_find_row(box, stack.frames[i], stack.retired));
    }
    for (uint32_t i = 0; i < box->row_count; i++) {
        const struct box_row *row = box_row(box, i);
        hash = box_mix(box_mix(box_mix(box_mix(hash, row->start), row->limit), row->offset), row->retired);
        hash = box_hash(hash, row->build_id, strlen(row->build_id));
        hash = box_hash(hash, box_row_filename(box, i), strlen(box_row_filename(box, i)));
    }
    return box_hash(hash, box->beat->text, box->beat->length);
}

static uint64_t frees_of(const struct box *box) {
    uint64_t sum = 0;
    for (uint32_t id = 1; id < box_bucket_limit(box); id++)
        sum += box_bucket(box, id) ? atomic_load_relaxed(&box_bucket(box, id)->frees) : 0;
    return sum;
}

static void test_reader_sees_the_tables(void **state) {
    struct box box;
    (void)state;
    read_good(path, &box);
    assert_int_equal(box.samples, sampled);
    assert_int_equal(frees_of(&box), freed);
    assert_int_equal(box.row_count, mappings.count);
    assert_false(box.is_closed);
    for (uint32_t id = 1; id <= bucket_count(&buckets); id++) {
        struct bucket_view view = bucket_read(&buckets, id);
        const struct box_bucket *bucket = box_bucket(&box, id);
        assert_non_null(bucket);
        assert_true(view.allocs == bucket->allocs && view.frees == bucket->frees && view.rate == bucket->rate);
        struct stack_view stack = stack_table_view(&stacks, view.stack);
        struct box_stack found = box_stack(&box, bucket->stack);
        assert_int_equal(stack.count, found.count);
        assert_int_equal(stack.retired, found.retired);
        assert_memory_equal(stack.frames, found.frames, stack.count * sizeof *stack.frames);
    }
    assert_null(box_bucket(&box, bucket_count(&buckets) + 1));
    assert_string_equal(box.beat->text + strlen(box.beat->text) + 1, "heaptap_one=1");
    uint32_t own = box_find_row(&box, (uintptr_t)&test_reader_sees_the_tables, 0);
    assert_int_equal(own, 0);
    assert_non_null(strstr(box_row_filename(&box, 0), "test_blackbox"));
    box_free(&box);
}

/* Between any two steps of adding a record the file is good, and what is not sealed does not count. */
static void test_unfinished_records(void **state) {
    struct box box;
    struct proto_error error;
    (void)state;
    uint32_t id = bucket_count(&buckets) + 1;
    struct bucket *next = (struct bucket *)(void *)buckets.items.base + (id - 1);
    *next = (struct bucket){.slot_size = 1, .rate = 1, .stack = 12345};
    read_good(path, &box);
    assert_null(box_bucket(&box, id));
    box_free(&box);
    struct box_seal *seal =
        (struct box_seal *)((char *)blackbox_header + blackbox_header->identity.regions[BOX_SEALS].offset) +
        blackbox_header->seals;
    atomic_store_relaxed(&seal->what, box_what(BOX_BUCKET, 0, id));
    read_good(path, &box);
    box_free(&box);
    atomic_store_relaxed(&seal->check, 99);
    read_good(path, &box);
    box_free(&box);
    /* but not more than that */
    atomic_store_relaxed(&next->allocs, 1);
    assert_false(read_at(path, &box, &error));
    *next = (struct bucket){.stack = 0};
    atomic_store_relaxed(&seal[1].what, 1);
    assert_false(read_at(path, &box, &error));
    atomic_store_relaxed(&seal[1].what, 0);
    atomic_store_relaxed(&seal->check, 0);
    atomic_store_relaxed(&seal->what, 0);
    read_good(path, &box);
    box_free(&box);
}

static void test_sums(void **state) {
    struct box box;
    struct proto_error error;
    (void)state;
    for (int step = -1; step <= 100000; step += 100001) {
        atomic_sub_relaxed(&blackbox_header->samples, step);
        assert_false(read_at(path, &box, &error));
        assert_int_equal(error.offset, offsetof(struct box_header, samples));
        atomic_add_relaxed(&blackbox_header->samples, step);
        atomic_sub_relaxed(&blackbox_header->freed, step);
        assert_false(read_at(path, &box, &error));
        assert_int_equal(error.offset, offsetof(struct box_header, freed));
        atomic_add_relaxed(&blackbox_header->freed, step);
    }
    atomic_sub_relaxed(&blackbox_header->samples, 2); /* threads between the two */
    read_good(path, &box);
    assert_int_equal(box.samples, sampled);
    box_free(&box);
    atomic_add_relaxed(&blackbox_header->samples, 2);
}

static char *image;
static size_t image_size, *used, used_count; /* of its pages, those with something in them */
static struct box original;
static uint64_t original_digest;

static void write_at(int fd, const void *bytes, size_t size, size_t at) {
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

static void make_image(void) {
    struct stat status;
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &status), 0);
    image_size = (size_t)status.st_size;
    image = malloc(image_size);
    assert_int_equal(pread(fd, image, image_size, 0), image_size);
    close(fd);
    used = malloc(image_size / 4096 * sizeof *used);
    for (size_t at = 0; at < image_size; at += 4096) {
        if (image[at] || memcmp(image + at, image + at + 1, 4095) != 0)
            used[used_count++] = at;
    }
    read_good(path, &original);
    original_digest = digest(&original);
}

/* Where something is: most of the file is empty. */
static size_t used_offset(struct rand_state *rand) {
    for (;;) {
        size_t at = rand_next(rand) % image_size;
        if (image[at])
            return at;
        unsigned region = (unsigned)(rand_next(rand) % BOX_REGIONS);
        size_t begin = region ? original.header->identity.regions[region].offset : 0;
        at = begin + rand_next(rand) % (region ? 16384 : sizeof(struct box_header));
        if (at < image_size && image[at])
            return at;
    }
}

/* One damage of a random kind; the place of what has to be repaired. */
static size_t damage(int fd, struct rand_state *rand, size_t *size) {
    size_t at = used_offset(rand), page = at & ~(size_t)4095, other;
    unsigned char bytes[4096];
    switch (rand_next(rand) % 5) {
    case 0: /* a bit */
        *size = 1;
        bytes[0] = (unsigned char)image[at] ^ (unsigned char)(1u << rand_next(rand) % 8);
        write_at(fd, bytes, 1, at);
        return at;
    case 1: /* a run of bytes */
        *size = 1 + rand_next(rand) % 64;
        if (*size > image_size - at)
            *size = image_size - at;
        for (size_t i = 0; i < *size; i++)
            bytes[i] = (unsigned char)rand_next(rand);
        write_at(fd, bytes, *size, at);
        return at;
    case 2: /* an empty page */
        memset(bytes, 0, sizeof bytes);
        write_at(fd, bytes, *size = sizeof bytes, page);
        return page;
    case 3: /* a page of another place */
        other = used_offset(rand) & ~(size_t)4095;
        write_at(fd, image + other, *size = sizeof bytes, page);
        return page;
    default: /* a word that grows */
        at &= ~(size_t)7;
        *size = 8;
        memcpy(bytes, image + at, 8);
        bytes[0]++;
        write_at(fd, bytes, 8, at);
        return at;
    }
}

static bool is_counter(size_t at, size_t size) {
    const struct box_region *region = &original.header->identity.regions[BOX_BUCKETS];
    return at + size > region->offset && at < region->offset + region->reserved;
}

static void test_damage_is_not_believed(void **state) {
    struct rand_state rand;
    struct box box;
    struct proto_error error;
    int refused = 0;
    (void)state;
    rand_seed(&rand, 7);
    make_image();
    char copy[4300];
    snprintf(copy, sizeof copy, "%s.copy", path);
    int fd = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)image_size), 0);
    for (size_t k = 0; k < used_count; k++)
        write_at(fd, image + used[k], 4096, used[k]);
    read_good(copy, &box);
    assert_int_equal(digest(&box), original_digest);
    box_free(&box);
    for (int i = 0; i < ROUNDS; i++) {
        size_t size, at = damage(fd, &rand, &size);
        if (!read_at(copy, &box, &error)) {
            refused++;
            assert_non_null(error.text);
        } else {
            if (digest(&box) != original_digest)
                fail_msg("%zu bytes at %zu are believed", size, at);
            uint64_t difference = box.samples - original.samples + 64, frees = frees_of(&box) - freed + 64;
            assert_true(is_counter(at, size) ? difference <= 200 && frees <= 200 : difference == 64 && frees == 64);
            box_free(&box);
        }
        write_at(fd, image + at, size, at);
    }
    assert_true(refused > ROUNDS / 2);
    for (int i = 0; i < 300; i++) { /* cut short, or too long */
        size_t length = i < 20 ? image_size - 1 - (size_t)i : rand_next(&rand) % image_size;
        assert_int_equal(ftruncate(fd, (off_t)(i == 20 ? image_size + 1 : length)), 0);
        assert_false(read_at(copy, &box, &error));
        assert_true(error.offset <= image_size);
        if (i == 20)
            assert_int_equal(ftruncate(fd, (off_t)image_size), 0);
    }
    close(fd);
    unlink(copy);
}

/* Makes right again every checksum of a damaged image that can be: what a hostile file would have. */
static void forge(char *bytes) {
    struct box_header *header = (struct box_header *)(void *)bytes;
    struct box_seal *seals = (struct box_seal *)(void *)(bytes + original.header->identity.regions[BOX_SEALS].offset);
    uint64_t key = header->identity.key;
    header->identity.check = box_identity_check(&header->identity);
    for (int i = 0; i < 2; i++) {
        if (header->beats[i].check)
            header->beats[i].check = box_beat_check(&header->beats[i], key);
    }
    for (uint64_t i = 0; i < original.header->seals; i++) {
        uint64_t what = seals[i].what, content = 0;
        uint32_t id = (uint32_t)what;
        const struct box_region *regions = original.header->identity.regions;
        if (what >> 56 == BOX_BUCKET && id && id < 5000) {
            const struct box_bucket *b = (struct box_bucket *)(void *)(bytes + regions[BOX_BUCKETS].offset) + (id - 1);
            content = box_hash_bucket(b->stack, b->labels, b->slot_size, b->rate);
        } else if (what >> 56 == BOX_STACK && id < 100000) {
            const uint64_t *word = (uint64_t *)(void *)(bytes + regions[BOX_STACKS].offset) + id;
            if ((uint32_t)*word < 4096)
                content = box_hash_stack(word + 1, (uint32_t)*word);
        } else if (what >> 56 == BOX_LABEL_SET && id < 10000) {
            const uint64_t *word = (uint64_t *)(void *)(bytes + regions[BOX_LABELS].offset) + id;
            if (*word < 4096)
                content = box_hash_labels((const char *)(word + 1), *word);
        }
        if (what >> 56 != BOX_ROW)
            seals[i].check = box_seal_check(key, i, what, content);
    }
}

static void test_forged_is_survived(void **state) {
    struct rand_state rand;
    struct box box;
    struct proto_error error;
    char *bytes = aligned_alloc(64, image_size), copy[4300];
    int believed = 0;
    (void)state;
    rand_seed(&rand, 8);
    snprintf(copy, sizeof copy, "%s.forged", path);
    int fd = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)image_size), 0);
    memcpy(bytes, image, image_size);
    for (int i = 0; i < FORGED_ROUNDS; i++) {
        size_t at = used_offset(&rand) & ~(size_t)7;
        uint64_t values[] = {0, UINT64_MAX, UINT32_MAX, rand_next(&rand) % 1000, rand_next(&rand)};
        memcpy(bytes + at, &values[rand_next(&rand) % 5], 8);
        forge(bytes);
        for (size_t k = 0; k < used_count; k++) {
            if (memcmp(bytes + used[k], image + used[k], 4096) != 0 || i == 0)
                write_at(fd, bytes + used[k], 4096, used[k]);
        }
        if (read_at(copy, &box, &error)) {
            believed++;
            digest(&box); /* walks all of it */
            box_free(&box);
        }
        for (size_t k = 0; k < used_count; k++) {
            if (memcmp(bytes + used[k], image + used[k], 4096) != 0) {
                memcpy(bytes + used[k], image + used[k], 4096);
                write_at(fd, image + used[k], 4096, used[k]);
            }
        }
    }
    print_message("%d of %d believed\n", believed, FORGED_ROUNDS);
    assert_true(believed > FORGED_ROUNDS / 20); /* the forger knows how */
    free(bytes);
    close(fd);
    unlink(copy);
}

static int wait_for(pid_t child) {
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The child goes on in a file of its own; the parent has gone on meanwhile. */
static void test_fork(void **state) {
    int door[2];
    char byte = 0, child_path[4300];
    struct box box, ours;
    (void)state;
    if (SANITIZED_STRIDE > 1)
        skip(); /* it gives up where the child of a process with threads starts one */
    assert_int_equal(pipe(door), 0);
    uint64_t before = sampled;
    blackbox_fork_prepare();
    pid_t child = fork();
    if (child == 0) {
        bool ok = read(door[0], &byte, 1) == 1 && blackbox_fork_child(true);
        blackbox_fork_resume();
        for (uint32_t i = 0; ok && i < 50; i++)
            sample(bucket_of(i + 5000, 0));
        _exit(ok ? 0 : 1);
    }
    blackbox_fork_parent();
    for (uint32_t i = 0; i < 70; i++)
        sample(bucket_of(i + 9000, 0));
    assert_true(stack_table_retire(&stacks, 0x1000 * 100, 0x1000 * 120, 2) > 0);
    assert_int_equal(write(door[1], &byte, 1), 1);
    assert_int_equal(wait_for(child), 0);
    snprintf(child_path, sizeof child_path, "%s/%d", directory, (int)child);
    read_good(child_path, &box);
    read_good(path, &ours);
    assert_int_equal(box.samples, before + 50);
    assert_int_equal(ours.samples, before + 70);
    assert_int_equal(sampled, before + 70);
    unsigned retired = 0, retired_ours = 0;
    for (uint32_t id = 1; id < box_bucket_limit(&box); id++) {
        retired += box_bucket(&box, id) && box_stack(&box, box_bucket(&box, id)->stack).retired == 2;
        retired_ours += box_bucket(&ours, id) && box_stack(&ours, box_bucket(&ours, id)->stack).retired == 2;
    }
    assert_int_equal(retired, 0);
    assert_true(retired_ours > 0);
    assert_int_equal(box.header->identity.pid, child);
    box_free(&box);
    box_free(&ours);
    unlink(child_path);
}

static void forbid_more_memory(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1)
        _exit(3);
    fclose(file);
    pages *= (unsigned long)getpagesize();
    setrlimit(RLIMIT_AS, &(struct rlimit){pages, RLIM_INFINITY});
}

/* In memory where the child is not followed, or the file cannot be; the parent's file stays as it is. */
static void test_fork_into_memory(void **state) {
    struct box box;
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        blackbox_fork_prepare();
        pid_t child = fork();
        if (child == 0) {
            if (mode == 2)
                forbid_more_memory();
            if (mode == 1) /* the file cannot be made */
                strcpy(options.blackbox_pattern, "/nowhere/at/all");
            bool ok = blackbox_fork_child(mode == 1);
            if (ok != (mode != 2) || blackbox_is_on())
                _exit(1);
            if (mode == 2) {
                setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
                bucket_free(&buckets);
                stack_table_free(&stacks);
                label_table_free(&labels);
                mapping_free(&mappings);
            }
            uint32_t known = bucket_of(3, 0);
            bool is_new = known && bucket_read(&buckets, known).allocs == 0;
            for (uint32_t i = 0; i < 3000; i++)
                sample(bucket_of(i + 5000, 0));
            _exit(known && is_new == (mode == 2) ? 0 : 2);
        }
        blackbox_fork_parent();
        assert_int_equal(wait_for(child), 0);
        read_good(path, &box);
        assert_int_equal(box.samples, sampled);
        box_free(&box);
    }
}

static void test_close(void **state) {
    struct box box;
    struct proto_error error;
    (void)state;
    int fd = open(path, O_RDONLY);
    assert_false(box_read(fd, "another boot", &box, &error));
    assert_int_equal(error.offset, offsetof(struct box_header, identity.boot));
    assert_true(box_read(fd, blackbox_header->identity.boot, &box, &error));
    box_free(&box);
    blackbox_close();
    assert_true(box_read(fd, "another boot", &box, &error));
    assert_true(box.is_closed);
    assert_int_equal(box.samples, sampled);
    box_free(&box);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_sees_the_tables),
        cmocka_unit_test(test_unfinished_records),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_damage_is_not_believed),
        cmocka_unit_test(test_forged_is_survived),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_fork_into_memory),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
