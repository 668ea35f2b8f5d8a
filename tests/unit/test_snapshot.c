/* Tables into a profile and back through the reader: values, labels, locations, rounding, comments, a sink
 * that fails, and a snapshot while threads sample. */
#include "profiler/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "profiler/loader.h"
#include "profiler/sampler.h"
#include "proto/reader.h"
#include "tests/support/unit.h"

static struct stack_table stacks = STACK_TABLE_INIT;
static struct bucket_table buckets = BUCKET_TABLE_INIT;

static uint32_t find(uint32_t stack, uint64_t slot_size, uint64_t rate) {
    struct bucket_key key = {.slot_size = slot_size, .rate = rate, .stack = stack};
    return bucket_find(&buckets, &key);
}
static struct mapping_table mappings = MAPPING_TABLE_INIT(&stacks);
static const char *const comments[] = {"heaptap_version=x", "second", NULL};

static struct snapshot_source source = {
    .stacks = &stacks, .buckets = &buckets, .mappings = &mappings, .rate = 4096, .comments = comments};

static int write_to_fd(void *context, const void *bytes, size_t size) {
    return write(*(int *)context, bytes, size) == (ssize_t)size ? 0 : EIO;
}

static void take(struct profile *profile) {
    struct proto_error error;
    int fd = memfd_create("profile", 0);
    assert_true(snapshot_write(&source, write_to_fd, &fd, &error));
    lseek(fd, 0, SEEK_SET);
    if (!reader_read(fd, NULL, profile, &error))
        fail_msg("%s at %lu", error.text, (unsigned long)error.offset);
    close(fd);
}

static void forget_everything(void) {
    stack_table_free(&stacks);
    bucket_free(&buckets);
}

static void add(uint32_t stack, uint64_t size, uint64_t rate, int allocs, int frees) {
    uint32_t id = find(stack, size, rate);
    for (int i = 0; i < allocs; i++)
        bucket_add_alloc(&buckets, id, 1);
    for (int i = 0; i < frees; i++)
        bucket_add_free(&buckets, id);
}

static const int64_t *values_of(const struct profile *profile, int64_t size) {
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        const struct profile_label *label = &profile->labels[profile->samples[i].first_label];
        assert_int_equal(profile->samples[i].label_count, 1);
        assert_string_equal(profile_text(profile, label->key), "bytes");
        assert_int_equal(label->unit, 0);
        if (label->number == size)
            return &profile->values[i * profile->sample_type_count];
    }
    return NULL;
}

static void test_empty(void **state) {
    struct profile profile;
    (void)state;
    take(&profile);
    assert_int_equal(profile.sample_count, 0);
    assert_true(profile.mapping_count >= 2);
    assert_int_equal(profile.period, 4096);
    assert_int_equal(profile.comment_count, 2);
    assert_string_equal(profile_text(&profile, profile.comments[1]), "second");
    static const char *const types[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(profile_text(&profile, profile.sample_types[i].type), types[i]);
        assert_string_equal(profile_text(&profile, profile.sample_types[i].unit), i % 2 ? "bytes" : "count");
    }
    assert_string_equal(profile_text(&profile, profile.period_type.type), "space");
    assert_true(profile.time_nanos > 0);
    profile_free(&profile);
}

static void test_values_and_locations(void **state) {
    uintptr_t frames[3] = {(uintptr_t)&test_empty + 8, (uintptr_t)&strlen + 8, 0x10};
    struct profile profile;
    (void)state;
    uint32_t stack = stack_table_intern(&stacks, frames, 3), leafless = stack_table_intern(&stacks, frames, 0);
    add(stack, 64, 1, 10, 4);
    add(leafless, 32, 1, 3, 3);
    take(&profile);
    assert_int_equal(profile.sample_count, 2);
    const int64_t *values = values_of(&profile, 64);
    assert_int_equal(values[0], 10);
    assert_int_equal(values[1], 640);
    assert_int_equal(values[2], 6);
    assert_int_equal(values[3], 384);
    values = values_of(&profile, 32);
    assert_int_equal(values[1], 96);
    assert_int_equal(values[3], 0);
    assert_int_equal(profile.location_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(profile.locations[i].address, frames[i] - 1);
    assert_int_equal(profile.locations[0].mapping, 0);
    assert_true(profile.locations[1].mapping != 0 && profile.locations[1].mapping != PROFILE_NONE);
    assert_int_equal(profile.locations[2].mapping, PROFILE_NONE);
    profile_free(&profile);
    forget_everything();
}

/* One stack and size sampled at three rates is one sample; what is rounded is the sum. */
static void test_rates_are_summed_before_rounding(void **state) {
    uintptr_t frame = (uintptr_t)&test_empty + 8;
    struct profile profile;
    (void)state;
    uint32_t stack = stack_table_intern(&stacks, &frame, 1);
    add(stack, 128, 1, 5, 0);
    add(stack, 128, 512, 3, 1);
    add(stack, 128, 4096, 2, 2);
    double objects = 5 + 3 * sampler_weight(128, 512) + 2 * sampler_weight(128, 4096);
    double in_use = 5 + 2 * sampler_weight(128, 512);
    take(&profile);
    assert_int_equal(profile.sample_count, 1);
    const int64_t *values = values_of(&profile, 128);
    assert_int_equal(values[0], (int64_t)(objects + 0.5));
    assert_int_equal(values[1], (int64_t)(objects * 128 + 0.5));
    assert_int_equal(values[2], (int64_t)(in_use + 0.5));
    assert_int_equal(values[3], (int64_t)(in_use * 128 + 0.5));
    profile_free(&profile);
    forget_everything();
}

static void test_many_stacks(void **state) {
    enum { STACKS = 20000 };
    struct profile profile;
    int64_t sum = 0;
    (void)state;
    for (uintptr_t i = 0; i < STACKS; i++) {
        uintptr_t frames[4] = {0x1000 + i, 0x100000 + i % 100, 0x200000, 0x300000};
        add(stack_table_intern(&stacks, frames, 4), 16 + i % 3 * 16, 1, 2, 1);
    }
    take(&profile);
    assert_int_equal(profile.sample_count, STACKS);
    assert_int_equal(profile.location_count, STACKS + 102);
    for (uint32_t i = 0; i < profile.sample_count; i++)
        sum += profile.values[i * 4];
    assert_int_equal(sum, 2 * STACKS);
    profile_free(&profile);
    forget_everything();
}

static int fail_later(void *context, const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
    return --*(int *)context < 0 ? ENOSPC : 0;
}

static void test_sink_that_fails(void **state) {
    struct proto_error error;
    int calls = 0;
    (void)state;
    assert_false(snapshot_write(&source, fail_later, &calls, &error));
    assert_int_equal(error.code, PROTO_ERROR_IO);
    assert_int_equal(error.saved_errno, ENOSPC);
}

static _Atomic bool stop;

static void *sample_all_the_time(void *unused) {
    for (uintptr_t i = 0; !atomic_load_relaxed(&stop); i++) {
        uintptr_t frames[2] = {0x1000 + i % 5000, 0x2000};
        uint32_t id = find(stack_table_intern(&stacks, frames, 2), 16, 1);
        bucket_add_alloc(&buckets, id, 1);
        bucket_add_free(&buckets, id);
    }
    return unused;
}

static void test_while_threads_sample(void **state) {
    pthread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, sample_all_the_time, NULL);
    for (int i = 0; i < 20; i++) {
        struct profile profile;
        take(&profile);
        for (uint32_t k = 0; k < profile.sample_count * 4; k++)
            assert_true(profile.values[k] >= 0);
        profile_free(&profile);
    }
    atomic_store_relaxed(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    forget_everything();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_values_and_locations),
        cmocka_unit_test(test_rates_are_summed_before_rounding),
        cmocka_unit_test(test_many_stacks),
        cmocka_unit_test(test_sink_that_fails),
        cmocka_unit_test(test_while_threads_sample),
    };
    loader_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
