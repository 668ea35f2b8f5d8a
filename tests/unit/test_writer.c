/* The writer: what it writes is what the reader reads, in bounded memory, and never by malloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "base/bits.h"
#include "profile.pb-c.h"
#include "proto/gzip.h"
#include "proto/writer.h"
#include "proto_bytes.h"

/* glibc's malloc under its other name, so that this program can count the calls of its own. A sanitizer must
 * keep its own malloc, so nothing is counted there. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { CAN_COUNT = 1 };
static size_t malloc_calls;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size) {
    malloc_calls++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    malloc_calls++;
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size) {
    malloc_calls++;
    return __libc_realloc(p, size);
}
#else
enum { CAN_COUNT = 0 };
static size_t malloc_calls;
#endif

/* A sink without allocation. */
struct fixed_file {
    size_t size;
    unsigned char data[1 << 20];
};

static int write_fixed(void *context, const void *bytes, size_t size) {
    struct fixed_file *file = context;
    if (size > sizeof file->data - file->size)
        return ENOSPC;
    memcpy(file->data + file->size, bytes, size);
    file->size += size;
    return 0;
}

static struct fixed_file file;
static struct region region;

static struct writer *open_writer(void) {
    file.size = 0;
    struct writer *writer = writer_open(&region, write_fixed, &file, 1);
    assert_non_null(writer);
    return writer;
}

static void close_and_read(struct writer *writer, struct profile *profile) {
    struct proto_error error = {0};
    assert_true(writer_close(writer, &error));
    struct bytes bytes = {file.data, file.size, file.size};
    if (!read_bytes(&bytes, NULL, profile, &error))
        fail_msg("%s at %llu", error.text, (unsigned long long)error.offset);
    region_free(&region);
}

static void put_one_of_each(struct writer *writer) {
    writer_sample_type(writer, "alloc_objects", "count");
    writer_sample_type(writer, "inuse_space", "bytes");
    const uint64_t stack[] = {2, 1, 2};
    const int64_t values[] = {-1, INT64_MIN};
    struct profile_label labels[] = {
        {.key = writer_string(writer, "bytes"), .number = 48},
        {.key = writer_string(writer, "thread"), .text = writer_string(writer, "main")},
    };
    writer_sample(writer, stack, 3, values, 2, labels, 2);
    struct profile_mapping mapping = {.start = 0x1000,
                                      .limit = 0x3000,
                                      .offset = 0x200,
                                      .filename = writer_string(writer, "/bin/x"),
                                      .build_id = writer_string(writer, "ab12"),
                                      .has_functions = true,
                                      .has_inline_frames = true};
    assert_int_equal(writer_mapping(writer, &mapping), 1);
    struct profile_line lines[] = {{.function = 1, .line = 10, .column = 3}, {.function = PROFILE_NONE, .line = 5}};
    assert_int_equal(writer_location(writer, 0x1234, 1, lines, 2), 1);
    assert_int_equal(writer_location(writer, UINT64_MAX, PROFILE_NONE, NULL, 0), 2);
    struct profile_function function = {.name = writer_string(writer, "f"),
                                        .system_name = writer_string(writer, "_f"),
                                        .filename = writer_string(writer, "f.c"),
                                        .start_line = -7};
    assert_int_equal(writer_function(writer, &function), 1);
    writer_period(writer, "space", "bytes", 524288);
    writer_time(writer, 123, 456);
    writer_comment(writer, "one");
    writer_comment(writer, "two");
    writer_default_sample_type(writer, "inuse_space");
    writer_drop_frames(writer, "a|b", "a");
}

static void assert_text(const struct profile *profile, string_id id, const char *text) {
    assert_string_equal(profile_text(profile, id), text);
}

static void every_field_arrives(void **state) {
    (void)state;
    struct profile profile;
    struct writer *writer = open_writer();
    put_one_of_each(writer);
    close_and_read(writer, &profile);
    assert_int_equal(profile.sample_type_count, 2);
    assert_text(&profile, profile.sample_types[1].type, "inuse_space");
    assert_text(&profile, profile.sample_types[0].unit, "count");
    assert_int_equal(profile.sample_count, 1);
    assert_int_equal(profile.samples[0].location_count, 3);
    assert_int_equal(profile.location_ids[0], 1);
    assert_int_equal(profile.location_ids[1], 0);
    assert_int_equal(profile.values[0], -1);
    assert_true(profile.values[1] == INT64_MIN);
    assert_text(&profile, profile.labels[0].key, "bytes");
    assert_int_equal(profile.labels[0].number, 48);
    assert_int_equal(profile.labels[0].text, 0);
    assert_text(&profile, profile.labels[1].text, "main");
    assert_int_equal(profile.mappings[0].limit, 0x3000);
    assert_text(&profile, profile.mappings[0].build_id, "ab12");
    assert_true(profile.mappings[0].has_functions && profile.mappings[0].has_inline_frames);
    assert_false(profile.mappings[0].has_filenames || profile.mappings[0].has_line_numbers);
    assert_int_equal(profile.locations[0].mapping, 0);
    assert_int_equal(profile.locations[1].mapping, PROFILE_NONE);
    assert_true(profile.locations[1].address == UINT64_MAX);
    assert_int_equal(profile.locations[0].line_count, 1);
    assert_int_equal(profile.lines[0].column, 3);
    assert_int_equal(profile.functions[0].start_line, -7);
    assert_text(&profile, profile.functions[0].system_name, "_f");
    assert_int_equal(profile.period, 524288);
    assert_int_equal(profile.time_nanos, 123);
    assert_int_equal(profile.duration_nanos, 456);
    assert_text(&profile, profile.comments[1], "two");
    assert_text(&profile, profile.default_sample_type, "inuse_space");
    assert_text(&profile, profile.drop_frames, "a|b");
    assert_text(&profile, profile.keep_frames, "a");
    profile_free(&profile);
}

static void strings_are_written_once(void **state) {
    (void)state;
    struct profile profile;
    struct writer *writer = open_writer();
    assert_int_equal(writer_string(writer, ""), 0);
    string_id a = writer_string(writer, "a text");
    assert_int_equal(writer_string_n(writer, "a text and more", 6), a);
    assert_int_equal(writer_string(writer, "a text"), a);
    close_and_read(writer, &profile);
    assert_int_equal(profile.string_count, 2);
    profile_free(&profile);
}

/* A message larger than any buffer, between small ones. */
static void large_messages_pass(void **state) {
    (void)state;
    enum { DEPTH = 100000, LETTERS = 200000 };
    static uint64_t stack[DEPTH];
    static char text[LETTERS + 1];
    const int64_t value = 5;
    for (size_t i = 0; i < DEPTH; i++)
        stack[i] = 1 + i % 2;
    memset(text, 'x', LETTERS);
    struct profile profile;
    struct writer *writer = open_writer();
    writer_sample_type(writer, "n", "count");
    writer_sample(writer, stack, 1, &value, 1, NULL, 0);
    writer_sample(writer, stack, DEPTH, &value, 1, NULL, 0);
    writer_comment(writer, text);
    writer_sample(writer, stack, 2, &value, 1, NULL, 0);
    writer_location(writer, 1, PROFILE_NONE, NULL, 0);
    writer_location(writer, 2, PROFILE_NONE, NULL, 0);
    close_and_read(writer, &profile);
    assert_int_equal(profile.sample_count, 3);
    assert_int_equal(profile.samples[1].location_count, DEPTH);
    for (uint32_t i = 0; i < DEPTH; i++)
        assert_int_equal(profile.location_ids[1 + i], i % 2);
    assert_string_equal(profile_text(&profile, profile.comments[0]), text);
    profile_free(&profile);
}

/* Many samples in the memory of few; and none of it is malloc's. */
static void memory_is_bounded_and_not_mallocs(void **state) {
    (void)state;
    enum { SAMPLES = 20000, DEPTH = 40 };
    uint64_t stack[DEPTH];
    const int64_t values[] = {1, 2};
    struct proto_error error = {0};
    for (uint64_t i = 0; i < DEPTH; i++)
        stack[i] = i + 1;
    size_t before = malloc_calls;
    struct writer *writer = open_writer();
    put_one_of_each(writer);
    struct profile_label label = {.key = writer_string(writer, "bytes"), .number = 64};
    size_t taken = 0;
    for (int i = 0; i < SAMPLES; i++) {
        writer_sample(writer, stack, DEPTH, values, 2, &label, 1);
        taken = i == 100 ? region.taken : taken;
    }
    assert_int_equal(region.taken, taken);
    assert_true(region.taken < 1024 * 1024);
    for (int i = 0; i < DEPTH; i++)
        writer_location(writer, (uint64_t)i, PROFILE_NONE, NULL, 0);
    assert_true(writer_close(writer, &error));
    assert_int_equal(malloc_calls, before);
    if (CAN_COUNT) {
        void *volatile counted = malloc(1); /* volatile, or the compiler drops the pair */
        free(counted);
        assert_int_equal(malloc_calls, before + 1);
    }
    region_free(&region);
}

static void the_first_error_sticks(void **state) {
    (void)state;
    struct proto_error error = {0};
    const uint64_t id = 1;
    const int64_t values[] = {1, 2, 3};
    struct writer *writer = open_writer();
    put_one_of_each(writer);
    writer_sample(writer, &id, 1, values, 3, NULL, 0);
    writer_comment(writer, "later");
    assert_int_equal(writer_location(writer, 1, 1, NULL, 0), 0);
    assert_false(writer_close(writer, &error));
    assert_int_equal(error.code, PROTO_ERROR_CORRUPT);
    region_free(&region);
}

static int nowhere(void *context, const void *bytes, size_t size) {
    (void)context;
    (void)bytes;
    (void)size;
    return EROFS;
}

static void the_sinks_error_comes_through(void **state) {
    (void)state;
    struct proto_error error = {0};
    struct writer *writer = writer_open(&region, nowhere, NULL, 1);
    assert_non_null(writer);
    put_one_of_each(writer);
    assert_false(writer_close(writer, &error));
    assert_int_equal(error.code, PROTO_ERROR_IO);
    assert_int_equal(error.saved_errno, EROFS);
    region_free(&region);
}

/* Whatever the limit of the region is: a refusal at the start, an error at the end, or a whole profile. */
static void every_shortage_is_an_error(void **state) {
    (void)state;
    int whole = 0, failed = 0;
    for (size_t limit = 64 * 1024; limit < 4 * 1024 * 1024; limit += 64 * 1024) {
        struct proto_error error = {0};
        struct region small = {.limit = limit};
        file.size = 0;
        struct writer *writer = writer_open(&small, write_fixed, &file, 1);
        char text[64];
        for (int i = 0; writer && i < 20000; i++) {
            snprintf(text, sizeof text, "text number %d", i);
            writer_string(writer, text);
        }
        bool ok = writer && writer_close(writer, &error);
        if (writer && !ok)
            assert_int_equal(error.code, PROTO_ERROR_MEMORY);
        whole += ok;
        failed += !ok;
        region_free(&small);
    }
    assert_true(whole > 0 && failed > 0);
}

/* Writing what was read changes nothing but numbers, so writing that once more gives the same bytes. */
static void a_copy_of_a_copy_is_the_same(void **state) {
    (void)state;
    struct bytes golden = golden_file(__FILE__, "go_json_100x.pb.gz"), once = {0}, twice = {0};
    struct profile profile;
    struct proto_error error;
    assert_true(read_bytes(&golden, NULL, &profile, &error));
    assert_true(writer_write_profile(&profile, writer_to_bytes, &once, 6, &error));
    profile_free(&profile);
    assert_true(read_bytes(&once, NULL, &profile, &error));
    assert_true(writer_write_profile(&profile, writer_to_bytes, &twice, 6, &error));
    profile_free(&profile);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    free_bytes(&golden);
    free_bytes(&once);
    free_bytes(&twice);
}

/* Numbers of every length: `step` is any. */
static uint64_t some_number(uint64_t step) { return hash64(step) >> (hash64(step + 1) % 65 % 64); }

enum { MOST_IDS = 12000, LABELS = 3 };

struct some_sample {
    size_t id_count;
    uint64_t ids[MOST_IDS];
    int64_t values[2];
    struct profile_label labels[LABELS];
};

/* Some are larger than what waits for zlib, some have nothing at all. */
static void make_sample(struct some_sample *sample, uint64_t step) {
    sample->id_count = step % 50 == 7 ? MOST_IDS - step : step % 60;
    for (size_t i = 0; i < sample->id_count; i++)
        sample->ids[i] = some_number(step * 100000 + i);
    for (size_t i = 0; i < 2; i++)
        sample->values[i] = step % 5 ? (int64_t)some_number(step * 7 + i) : 0;
    for (size_t i = 0; i < LABELS; i++) {
        uint64_t label = step * 11 + i;
        sample->labels[i] = (struct profile_label){.key = (string_id)some_number(label),
                                                   .text = label % 3 ? 0 : (string_id)some_number(label + 1),
                                                   .number = label % 4 ? (int64_t)some_number(label + 2) : 0,
                                                   .unit = label % 2 ? (string_id)some_number(label + 3) : 0};
    }
}

static size_t pack_by_protobuf_c(struct some_sample *sample, unsigned char *out) {
    Perftools__Profiles__Label labels[LABELS], *pointers[LABELS];
    Perftools__Profiles__Sample message = PERFTOOLS__PROFILES__SAMPLE__INIT;
    for (size_t i = 0; i < LABELS; i++) {
        const struct profile_label *label = &sample->labels[i];
        labels[i] = (Perftools__Profiles__Label)PERFTOOLS__PROFILES__LABEL__INIT;
        labels[i].key = label->key;
        labels[i].str = label->text;
        labels[i].num = label->text ? 0 : label->number;
        labels[i].num_unit = label->text ? 0 : label->unit;
        pointers[i] = &labels[i];
    }
    message.n_location_id = sample->id_count;
    message.location_id = sample->ids;
    message.n_value = 2;
    message.value = sample->values;
    message.n_label = LABELS;
    message.label = pointers;
    return perftools__profiles__sample__pack(&message, out);
}

static struct bytes uncompressed(const void *data, size_t size) {
    struct bytes compressed = {(unsigned char *)(uintptr_t)data, size, size}, out = {0};
    struct region memory = {0};
    struct gzip_reader reader;
    struct proto_error error;
    unsigned char part[4096];
    int fd = bytes_as_file(&compressed);
    assert_true(gzip_reader_open(&reader, &memory, fd, 0, 0, &error));
    for (size_t got = 1; got; put_bytes(&out, part, got))
        assert_true(gzip_read(&reader, part, sizeof part, &got, &error));
    close(fd);
    region_free(&memory);
    return out;
}

static void samples_are_packed_as_by_protobuf_c(void **state) {
    (void)state;
    enum { SAMPLES = 300 };
    static struct some_sample sample;
    static unsigned char expected[MOST_IDS * WIRE_VARINT_MAX + 1000];
    struct proto_error error = {0};
    struct writer *writer = open_writer();
    writer_sample_type(writer, "a", "b");
    writer_sample_type(writer, "c", "d");
    for (uint64_t step = 0; step < SAMPLES; step++) {
        make_sample(&sample, step);
        writer_sample(writer, sample.ids, sample.id_count, sample.values, 2, sample.labels, LABELS);
    }
    assert_true(writer_close(writer, &error));
    struct bytes stream = uncompressed(file.data, file.size);
    uint64_t step = 0, size = 0, tag = 0;
    const unsigned char *p = stream.data, *end = p + stream.size;
    for (; p < end; p += size) {
        assert_true(wire_get_varint(&p, end, &tag) && wire_get_varint(&p, end, &size));
        if (tag >> 3 != FIELD_SAMPLE)
            continue;
        make_sample(&sample, step++);
        assert_int_equal(size, pack_by_protobuf_c(&sample, expected));
        assert_memory_equal(p, expected, size);
    }
    assert_int_equal(step, SAMPLES);
    free_bytes(&stream);
    region_free(&region);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(strings_are_written_once),
        cmocka_unit_test(large_messages_pass),
        cmocka_unit_test(memory_is_bounded_and_not_mallocs),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(the_sinks_error_comes_through),
        cmocka_unit_test(every_shortage_is_an_error),
        cmocka_unit_test(a_copy_of_a_copy_is_the_same),
        cmocka_unit_test(samples_are_packed_as_by_protobuf_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
