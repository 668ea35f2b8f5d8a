/* The reader: every rule of the format broken once by hand, every truncation and thousands of mutations of a
 * real file, bombs, and random profiles there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "base/os.h"
#include "base/rand.h"
#include "proto/gzip.h"
#include "proto/writer.h"
#include "tests/support/sanitized.h"
#include "proto_bytes.h"
#include "tests/support/sanitized.h"

enum { STRING_COUNT = 4 };

/* A small valid profile; what a test adds makes it wrong. String 0 is "", 1 to 3 are "a" to "c". */
static struct bytes valid_start(void) {
    struct bytes out = {0}, message = {0};
    put_number(&message, 1, 1);
    put_number(&message, 2, 2);
    put_message(&out, FIELD_SAMPLE_TYPE, &message);
    for (int i = 0; i < STRING_COUNT; i++)
        put_text(&out, i ? (const char[]){(char)('a' + i - 1), 0} : "");
    free_bytes(&message);
    return out;
}

static void put_entry(struct bytes *out, unsigned field, uint64_t id) {
    struct bytes message = {0};
    put_number(&message, 1, id);
    put_message(out, field, &message);
    free_bytes(&message);
}

static void put_sample(struct bytes *out, uint64_t location, uint64_t value) {
    struct bytes message = {0};
    put_number(&message, 1, location);
    put_number(&message, 2, value);
    put_message(out, FIELD_SAMPLE, &message);
    free_bytes(&message);
}

static void assert_reads(struct bytes *file, struct profile *profile) {
    struct proto_error error;
    if (!read_bytes(file, NULL, profile, &error))
        fail_msg("%s at %llu", error.text, (unsigned long long)error.offset);
    free_bytes(file);
}

static void assert_refused(struct bytes *file, enum proto_error_code code, uint64_t offset, const char *text) {
    struct profile profile;
    struct proto_error error;
    assert_false(read_bytes(file, NULL, &profile, &error));
    assert_string_equal(error.text, text);
    assert_int_equal(error.code, code);
    assert_int_equal(error.offset, offset);
    assert_null(profile.strings);
    assert_int_equal(profile.region.taken, 0);
    free_bytes(file);
}

static void any_order_is_legal(void **state) {
    (void)state;
    struct bytes file = {0}, message = {0};
    struct profile profile;
    put_sample(&file, 9, 77); /* before its location, its type and every string */
    put_number(&message, 1, 9);
    put_number(&message, 2, 5);
    put_number(&message, 3, 0x1234);
    struct bytes line = {0};
    put_number(&line, 1, 3);
    put_number(&line, 2, 12);
    put_message(&message, 4, &line);
    put_message(&file, FIELD_LOCATION, &message);
    put_entry(&file, FIELD_FUNCTION, 3);
    put_entry(&file, FIELD_MAPPING, 5);
    put_number(&file, FIELD_DROP_FRAMES, 2);
    struct bytes start = valid_start();
    put_bytes(&file, start.data, start.size);
    assert_reads(&file, &profile);
    assert_int_equal(profile.sample_count, 1);
    assert_int_equal(profile.values[0], 77);
    assert_int_equal(profile.location_ids[0], 0);
    assert_int_equal(profile.locations[0].mapping, 0);
    assert_int_equal(profile.lines[0].function, 0);
    assert_int_equal(profile.lines[0].line, 12);
    assert_string_equal(profile_text(&profile, profile.drop_frames), "b");
    profile_free(&profile);
    free_bytes(&message);
    free_bytes(&line);
    free_bytes(&start);
}

static void packed_and_unpacked_are_the_same(void **state) {
    (void)state;
    struct bytes file = valid_start(), message = {0}, packed = {0};
    struct profile profile;
    for (uint64_t id = 1; id <= 3; id++)
        put_entry(&file, FIELD_LOCATION, id);
    put_number(&message, 1, 1);
    put_varint(&packed, 2);
    put_varint(&packed, 3);
    put_message(&message, 1, &packed);
    put_block(&message, 2, "\x07", 1);
    put_number(&message, 1, 1);
    put_message(&file, FIELD_SAMPLE, &message);
    put_block(&file, FIELD_COMMENT, "\x01\x02", 2);
    put_number(&file, FIELD_COMMENT, 3);
    assert_reads(&file, &profile);
    const uint32_t expected[] = {0, 1, 2, 0};
    assert_int_equal(profile.samples[0].location_count, 4);
    assert_memory_equal(profile.location_ids, expected, sizeof expected);
    assert_int_equal(profile.values[0], 7);
    assert_int_equal(profile.comment_count, 3);
    assert_int_equal(profile.comments[2], 3);
    profile_free(&profile);
    free_bytes(&message);
    free_bytes(&packed);
}

static void ids_may_be_sparse(void **state) {
    (void)state;
    struct bytes file = valid_start();
    struct profile profile;
    const uint64_t ids[] = {UINT64_MAX, 1, 1ull << 31, (1ull << 31) - 1, (1ull << 31) - 2, 1ull << 32, 1ull << 63};
    enum { COUNT = sizeof ids / sizeof *ids };
    for (int i = 0; i < COUNT; i++)
        put_sample(&file, ids[COUNT - 1 - i], 1);
    for (int i = 0; i < COUNT; i++)
        put_entry(&file, FIELD_LOCATION, ids[i]);
    assert_reads(&file, &profile);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(profile.location_ids[i], COUNT - 1 - i);
    profile_free(&profile);
}

static void unknown_fields_are_skipped(void **state) {
    (void)state;
    struct bytes file = valid_start(), message = {0};
    struct profile profile;
    put_number(&file, 99, 1ull << 60);
    put_block(&file, 1000, "whatever", 8);
    put_varint(&file, 77 << 3 | WIRE_FIXED64);
    put_bytes(&file, "12345678", 8);
    put_varint(&file, 78 << 3 | WIRE_FIXED32);
    put_bytes(&file, "1234", 4);
    put_number(&message, 2, 5);
    put_block(&message, 50, "x", 1);
    put_varint(&message, 51 << 3 | WIRE_FIXED32);
    put_bytes(&message, "1234", 4);
    put_message(&file, FIELD_SAMPLE, &message);
    put_number(&file, FIELD_TIME, 1);
    put_number(&file, FIELD_TIME, 2);
    assert_reads(&file, &profile);
    assert_int_equal(profile.sample_count, 1);
    assert_int_equal(profile.samples[0].location_count, 0);
    assert_int_equal(profile.time_nanos, 2);
    profile_free(&profile);
    free_bytes(&message);
}

static void ids_are_checked(void **state) {
    (void)state;
    static const struct {
        unsigned field;
        const char *zero, *twice;
    } kinds[] = {
        {FIELD_MAPPING, "a mapping has the id 0", "two mappings have the same id"},
        {FIELD_FUNCTION, "a function has the id 0", "two functions have the same id"},
        {FIELD_LOCATION, "a location has the id 0", "two locations have the same id"},
    };
    for (int i = 0; i < 3; i++) {
        struct bytes file = valid_start();
        uint64_t offset = file.size;
        put_entry(&file, kinds[i].field, 0);
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, kinds[i].zero);
        file = valid_start();
        put_entry(&file, kinds[i].field, 4);
        put_entry(&file, kinds[i].field, 5);
        offset = file.size;
        put_entry(&file, kinds[i].field, 4);
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, kinds[i].twice);
    }
}

static void references_are_checked(void **state) {
    (void)state;
    struct bytes file = valid_start(), message = {0};
    put_entry(&file, FIELD_LOCATION, 1);
    put_sample(&file, 1, 1);
    uint64_t offset = file.size;
    put_sample(&file, 2, 1);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "a sample refers to a location that does not exist");

    file = valid_start();
    offset = file.size;
    put_sample(&file, 1ull << 40, 1);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "a sample refers to a location that does not exist");

    file = valid_start();
    offset = file.size;
    put_sample(&file, 0, 1);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "a sample refers to a location with the id 0");

    file = valid_start();
    offset = file.size;
    put_number(&message, 1, 1);
    put_number(&message, 2, 3);
    put_message(&file, FIELD_LOCATION, &message);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "a location refers to a mapping that does not exist");

    file = valid_start();
    offset = file.size;
    put_number(&message, 1, 1);
    put_block(&message, 4, "\x08\x07", 2);
    put_message(&file, FIELD_LOCATION, &message);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "a location refers to a function that does not exist");
    free_bytes(&message);
}

static void values_are_counted(void **state) {
    (void)state;
    static const char one_per_type[] = "a sample has not one value for each sample type";
    struct bytes file = valid_start();
    uint64_t offset = file.size;
    put_block(&file, FIELD_SAMPLE, "\x12\x02\x01\x02", 4);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, one_per_type);

    file = valid_start();
    put_block(&file, FIELD_SAMPLE, "\x10\x01", 2);
    offset = file.size;
    put_block(&file, FIELD_SAMPLE, "", 0);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, one_per_type);

    file = (struct bytes){0};
    put_text(&file, "");
    offset = file.size;
    put_block(&file, FIELD_SAMPLE, "", 0);
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "the profile has samples but no sample types");
}

static void strings_are_checked(void **state) {
    (void)state;
    static const char past[] = "a string index is past the string table";
    struct bytes file = {0}, message = {0};
    put_entry(&file, FIELD_FUNCTION, 1);
    uint64_t offset = file.size;
    put_text(&file, "x");
    assert_refused(&file, PROTO_ERROR_CORRUPT, offset, "the first string is not empty");

    put_entry(&file, FIELD_FUNCTION, 1);
    assert_refused(&file, PROTO_ERROR_CORRUPT, 4, "the string table is missing");

    for (uint64_t index = STRING_COUNT; index; index = index == STRING_COUNT ? UINT64_MAX : 0) {
        file = valid_start();
        offset = file.size;
        put_number(&message, 1, 1);
        put_number(&message, 4, index);
        put_message(&file, FIELD_FUNCTION, &message);
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, past);

        file = valid_start();
        offset = file.size;
        put_number(&message, 3, index);
        struct bytes sample = {0};
        struct bytes label = {0};
        put_number(&label, 4, index);
        put_message(&sample, 3, &label);
        put_number(&sample, 2, 1);
        put_message(&file, FIELD_SAMPLE, &sample);
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, past);
        free_bytes(&label);
        free_bytes(&sample);
        message.size = 0;

        file = valid_start();
        offset = file.size;
        put_number(&file, FIELD_COMMENT, index);
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, past);
    }
    free_bytes(&message);
}

static void malformed_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        unsigned field;
        const char *body, *text;
    } bad[] = {
        {FIELD_SAMPLE_TYPE, "\x08\xff", "a value type is malformed"},
        {FIELD_SAMPLE, "\x0a\x05\x01", "a sample is malformed"},
        {FIELD_SAMPLE, "\x0a\x01\xff", "a sample is malformed"},
        {FIELD_SAMPLE, "\x12\x01\xff", "a sample is malformed"},
        {FIELD_SAMPLE, "\x0d\x01\x02\x03\x04", "a sample is malformed"},
        {FIELD_SAMPLE, "\x0b", "a sample is malformed"},
        {FIELD_SAMPLE, "\x1a\x02\x0a\x03", "a label is malformed"},
        {FIELD_SAMPLE, "\x18\x01", "a sample is malformed"},
        {FIELD_SAMPLE, "\x12\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a sample is malformed"},
        {FIELD_MAPPING, "\x0a\x01\x01", "a mapping is malformed"},
        {FIELD_LOCATION, "\x22\x09\x01", "a location is malformed"},
        {FIELD_LOCATION, "\x0a\x01\x01", "a location is malformed"},
        {FIELD_LOCATION, "\x20\x01", "a location is malformed"},
        {FIELD_LOCATION, "\x22\x03\x12\x01\x01", "a location is malformed"},
        {FIELD_FUNCTION, "\x08", "a function is malformed"},
        {FIELD_FUNCTION, "\x08\x01\x12\x01\x01", "a function is malformed"},
        {FIELD_COMMENT, "\x01\xff", "a comment is malformed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bytes file = valid_start();
        uint64_t offset = file.size;
        put_block(&file, bad[i].field, bad[i].body, strlen(bad[i].body));
        assert_refused(&file, PROTO_ERROR_CORRUPT, offset, bad[i].text);
    }
}

static void malformed_framing_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        enum proto_error_code code;
        const char *text;
    } bad[] = {
        {"\0\0\0\0", 4, PROTO_ERROR_CORRUPT, "a field has the number 0"},
        {"\x0b", 1, PROTO_ERROR_CORRUPT, "a field has an unknown type"},
        {"\x10\x01", 2, PROTO_ERROR_CORRUPT, "a field has the wrong type"},
        {"\x4a\x01x", 3, PROTO_ERROR_CORRUPT, "a field has the wrong type"},
        {"\x31"
         "12345678",
         9, PROTO_ERROR_CORRUPT, "a field has the wrong type"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 21,
         PROTO_ERROR_CORRUPT, "a field has a malformed tag"},
        {"\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 21,
         PROTO_ERROR_CORRUPT, "a field has a malformed length or number"},
        {"\x12\xff\xff\xff\xff\x7f", 6, PROTO_ERROR_LIMIT, "a message is larger than is allowed"},
        {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, PROTO_ERROR_LIMIT, "a message is larger than is allowed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bytes file = valid_start();
        uint64_t offset = file.size;
        put_bytes(&file, bad[i].bytes, bad[i].size);
        assert_refused(&file, bad[i].code, offset, bad[i].text);
    }
    struct bytes file = valid_start();
    put_bytes(&file, "\x12\x7f\x01\x02", 4);
    assert_refused(&file, PROTO_ERROR_TRUNCATED, file.size, "the profile is truncated");
    file = valid_start();
    put_bytes(&file,
              "\xa2\x06\xff\xff\xff\xff\x7f"
              "skipped",
              14); /* unknown, and claims 34 GB */
    assert_refused(&file, PROTO_ERROR_TRUNCATED, file.size, "the profile is truncated");
}

static void other_files_are_not_profiles(void **state) {
    (void)state;
    static const char *const texts[] = {
        "heap usage: 1: 2 [3: 4] @ heapusage\n",
        "{\"json\": 1}\n",
        "\x7f"
        "ELF\x02\x01\x01",
        "#!/bin/sh\n",
        "<html><body>",
        "PK\x03\x04",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bytes file = {0};
        struct profile profile;
        struct proto_error error;
        put_bytes(&file, texts[i], strlen(texts[i]));
        assert_false(read_bytes(&file, NULL, &profile, &error));
        assert_int_equal(error.code, PROTO_ERROR_FORMAT);
        assert_string_equal(error.text, "not a profile");
        free_bytes(&file);
    }
    struct bytes empty = {0};
    assert_refused(&empty, PROTO_ERROR_FORMAT, 0, "the profile is empty");
}

static void zeros_end_at_once(void **state) {
    (void)state;
    struct bytes file = {calloc(1, 1 << 20), 1 << 20, 1 << 20};
    struct profile profile;
    struct proto_error error;
    assert_false(read_bytes(&file, NULL, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_FORMAT);
    assert_int_equal(error.offset, 0);
    free_bytes(&file);
}

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void compress_repeated(struct bytes *to, const struct bytes *data, size_t times) {
    struct region region = {0};
    struct proto_error error = {0};
    struct gzip_writer writer;
    assert_true(gzip_writer_open(&writer, &region, writer_to_bytes, to, 9, &error));
    for (size_t i = 0; i < times; i++)
        assert_true(gzip_write(&writer, data->data, data->size, &error));
    assert_true(gzip_writer_close(&writer, &error));
    region_free(&region);
}

/* More than 1 GiB from less than 2 MiB of file: the messages again and again, compressed, and the members of
 * that again and again. */
static void read_bomb(const struct bytes *messages, enum proto_error_code expected) {
    enum { MEMBER = 16 << 20, MEMBERS = 80 };
    struct bytes start = valid_start(), file = {0}, member = {0};
    struct proto_error error;
    compress_repeated(&file, &start, 1);
    compress_repeated(&member, messages, MEMBER / messages->size);
    for (int i = 0; i < MEMBERS; i++)
        put_bytes(&file, member.data, member.size);
    free_bytes(&member);
    assert_true(file.size < 2 << 20);

    const struct reader_limits limits = {1 << 30, 1 << 30, 64 << 20};
    struct profile profile;
    long before = peak_kib();
    int64_t begin = os_now();
    assert_false(read_bytes(&file, &limits, &profile, &error));
    assert_int_equal(error.code, expected);
    assert_true(os_now() - begin < 20000000000);
    assert_true(peak_kib() - before < SANITIZED_MEMORY * 160 * 1024);
    free_bytes(&file);
    free_bytes(&start);
}

static void bombs_are_bounded(void **state) {
    (void)state;
    struct bytes bomb = {0}, body = {0};
    for (int i = 0; i < 1 << 20; i++)
        put_varint(&body, 1);
    struct bytes sample = {0};
    put_message(&sample, 1, &body);
    put_number(&sample, 2, 1);
    put_message(&bomb, FIELD_SAMPLE, &sample);
    read_bomb(&bomb, PROTO_ERROR_LIMIT);

    bomb.size = 0;
    for (int i = 0; i < 1000; i++)
        put_text(&bomb, "x");
    read_bomb(&bomb, PROTO_ERROR_LIMIT);

    /* A gigabyte that nobody keeps is read through to its end, in no memory at all. */
    bomb.size = 0;
    static unsigned char zeros[1 << 20];
    put_block(&bomb, 100, zeros, sizeof zeros);
    read_bomb(&bomb, PROTO_ERROR_LIMIT);
    free_bytes(&bomb);
    free_bytes(&body);
    free_bytes(&sample);
}

/* What a reader that gives `true` promises to everybody who follows its indexes. */
static void assert_consistent(const struct profile *p) {
    assert_true(p->string_count > 0 && p->strings[0].length == 0);
    for (uint32_t i = 0; i < p->location_count; i++) {
        assert_true(p->locations[i].mapping == PROFILE_NONE || p->locations[i].mapping < p->mapping_count);
        assert_true((uint64_t)p->locations[i].first_line + p->locations[i].line_count <= p->line_count);
    }
    for (uint32_t i = 0; i < p->line_count; i++)
        assert_true(p->lines[i].function == PROFILE_NONE || p->lines[i].function < p->function_count);
    for (uint32_t i = 0; i < p->function_count; i++)
        assert_true(p->functions[i].name < p->string_count && p->functions[i].system_name < p->string_count &&
                    p->functions[i].filename < p->string_count);
    for (uint32_t i = 0; i < p->mapping_count; i++)
        assert_true(p->mappings[i].filename < p->string_count && p->mappings[i].build_id < p->string_count);
    for (uint32_t i = 0; i < p->sample_count; i++) {
        assert_true((uint64_t)p->samples[i].first_location + p->samples[i].location_count <= p->location_id_count);
        assert_true((uint64_t)p->samples[i].first_label + p->samples[i].label_count <= p->label_count);
    }
    for (uint32_t i = 0; i < p->location_id_count; i++)
        assert_true(p->location_ids[i] < p->location_count);
    for (uint32_t i = 0; i < p->label_count; i++)
        assert_true(p->labels[i].key < p->string_count && p->labels[i].text < p->string_count &&
                    p->labels[i].unit < p->string_count);
    for (uint32_t i = 0; i < p->string_count; i++)
        assert_int_equal(p->strings[i].text[p->strings[i].length], 0);
    for (uint32_t i = 0; i < p->comment_count; i++)
        assert_true(p->comments[i] < p->string_count);
    assert_true(p->drop_frames < p->string_count && p->default_sample_type < p->string_count);
}

/* True when it was read. */
static bool survive(const struct bytes *file) {
    struct profile profile;
    struct proto_error error;
    if (read_bytes(file, NULL, &profile, &error)) {
        assert_consistent(&profile);
        profile_free(&profile);
        return true;
    }
    assert_int_not_equal(error.code, PROTO_OK);
    assert_non_null(error.text);
    assert_null(profile.samples);
    return false;
}

static struct bytes golden_plain(void) {
    struct bytes file = golden_file(__FILE__, "go_json_200x.pb.gz"), plain = {0};
    struct region region = {0};
    struct proto_error error = {0};
    struct gzip_reader reader;
    unsigned char buffer[4096];
    size_t got = 1;
    int fd = bytes_as_file(&file);
    assert_true(gzip_reader_open(&reader, &region, fd, 0, 0, &error));
    while (got && gzip_read(&reader, buffer, sizeof buffer, &got, &error))
        put_bytes(&plain, buffer, got);
    assert_int_equal(error.code, PROTO_OK);
    close(fd);
    region_free(&region);
    free_bytes(&file);
    return plain;
}

static void every_truncation_survives(void **state) {
    (void)state;
    struct bytes files[] = {golden_file(__FILE__, "go_json_200x.pb.gz"), golden_plain()};
    for (int i = 0; i < 2; i++) {
        struct bytes cut = files[i];
        assert_true(survive(&cut));
        for (cut.size = 0; cut.size < files[i].size; cut.size++) {
            bool ok = survive(&cut);
            assert_false(i == 0 && ok); /* the checksum is behind everything */
        }
        free_bytes(&files[i]);
    }
}

static void mutate(struct rand_state *random, struct bytes *file) {
    for (uint64_t left = 1 + rand_below(random, 4); left; left--) {
        size_t at = rand_below(random, file->size);
        switch (rand_below(random, 4)) {
        case 0:
            file->data[at] ^= (unsigned char)(1 << rand_below(random, 8));
            break;
        case 1:
            file->data[at] = (unsigned char)rand_next(random);
            break;
        case 2:
            file->data[at] = 0xff;
            break;
        default: /* a piece of it elsewhere */
            memmove(file->data + at, file->data + rand_below(random, at + 1), rand_below(random, file->size - at));
        }
    }
}

static void mutations_survive(void **state) {
    (void)state;
    enum { ROUNDS = 10000 };
    struct bytes files[] = {golden_file(__FILE__, "go_json_200x.pb.gz"), golden_plain()};
    struct rand_state random;
    rand_seed(&random, 20);
    for (int i = 0; i < 2; i++) {
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            struct bytes copy = {0};
            put_bytes(&copy, files[i].data, files[i].size);
            mutate(&random, &copy);
            read += survive(&copy);
            free_bytes(&copy);
        }
        /* Plain bytes have no checksum: some mutations stay legal, and most must not. */
        assert_true(read < ROUNDS * 9 / 10);
        free_bytes(&files[i]);
    }
}

/* A random profile that the model can hold, by the builder's outside: the writer. */
static void write_random(struct rand_state *random, struct bytes *out) {
    struct region region = {0};
    struct proto_error error;
    struct writer *writer = writer_open(&region, writer_to_bytes, out, (int)rand_below(random, 10));
    uint64_t types = 1 + rand_below(random, 4), mappings = rand_below(random, 4), functions = 1 + rand_below(random, 9);
    uint64_t locations = 1 + rand_below(random, 30), samples = rand_below(random, 50);
    char text[32];
    for (uint64_t i = 0; i < types; i++) {
        snprintf(text, sizeof text, "type%u", (unsigned)i);
        writer_sample_type(writer, text, "unit");
    }
    for (uint64_t i = 0; i < mappings; i++) {
        struct profile_mapping mapping = {.start = rand_next(random),
                                          .limit = rand_next(random),
                                          .offset = rand_next(random) >> rand_below(random, 64),
                                          .filename = writer_string(writer, i % 2 ? "/bin/a" : ""),
                                          .has_filenames = rand_below(random, 2),
                                          .has_line_numbers = i == 1};
        writer_mapping(writer, &mapping);
    }
    for (uint64_t i = 0; i < functions; i++) {
        snprintf(text, sizeof text, "function%u", (unsigned)rand_below(random, 5));
        struct profile_function function = {.name = writer_string(writer, text),
                                            .start_line = (int64_t)rand_next(random) >> rand_below(random, 64)};
        writer_function(writer, &function);
    }
    for (uint64_t i = 0; i < samples; i++) {
        uint64_t ids[50];
        int64_t values[4];
        struct profile_label labels[3];
        uint64_t depth = rand_below(random, 50), label_count = rand_below(random, 4);
        for (uint64_t k = 0; k < depth; k++)
            ids[k] = 1 + rand_below(random, locations);
        for (uint64_t k = 0; k < types; k++)
            values[k] = (int64_t)rand_next(random) >> rand_below(random, 64);
        for (uint64_t k = 0; k < label_count; k++) {
            labels[k] = (struct profile_label){.key = writer_string(writer, "key"), .number = (int64_t)k};
            if (k == 1)
                labels[k] = (struct profile_label){.key = 1, .text = writer_string(writer, "text")};
        }
        writer_sample(writer, ids, depth, values, types, labels, label_count);
    }
    for (uint64_t i = 0; i < locations; i++) {
        struct profile_line lines[3];
        uint64_t count = rand_below(random, 4);
        for (uint64_t k = 0; k < count; k++)
            lines[k] = (struct profile_line){.function = (uint32_t)(1 + rand_below(random, functions)),
                                             .line = (int64_t)rand_next(random),
                                             .column = (int64_t)k};
        uint32_t mapping = mappings ? (uint32_t)(1 + rand_below(random, mappings)) : PROFILE_NONE;
        writer_location(writer, rand_next(random), mapping, lines, count);
    }
    writer_time(writer, (int64_t)rand_next(random), (int64_t)rand_next(random));
    assert_true(writer_close(writer, &error));
    region_free(&region);
}

static void assert_same_text(const struct profile *a, string_id x, const struct profile *b, string_id y) {
    assert_string_equal(profile_text(a, x), profile_text(b, y));
}

static void assert_same_tables(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->mapping_count, b->mapping_count);
    for (uint32_t i = 0; i < a->mapping_count; i++) {
        struct profile_mapping x = a->mappings[i], y = b->mappings[i];
        assert_same_text(a, x.filename, b, y.filename);
        assert_true(x.start == y.start && x.limit == y.limit && x.offset == y.offset);
        assert_true(x.has_filenames == y.has_filenames && x.has_line_numbers == y.has_line_numbers);
    }
    assert_int_equal(a->function_count, b->function_count);
    for (uint32_t i = 0; i < a->function_count; i++) {
        assert_same_text(a, a->functions[i].name, b, b->functions[i].name);
        assert_true(a->functions[i].start_line == b->functions[i].start_line);
    }
    assert_int_equal(a->location_count, b->location_count);
    assert_int_equal(a->line_count, b->line_count);
    for (uint32_t i = 0; i < a->location_count; i++) {
        struct profile_location x = a->locations[i], y = b->locations[i];
        assert_true(x.address == y.address && x.mapping == y.mapping && x.line_count == y.line_count);
    }
    for (uint32_t i = 0; i < a->line_count; i++) {
        struct profile_line x = a->lines[i], y = b->lines[i];
        assert_true(x.function == y.function && x.line == y.line && x.column == y.column);
    }
}

static void assert_same_samples(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->sample_count, b->sample_count);
    assert_int_equal(a->sample_type_count, b->sample_type_count);
    for (uint32_t i = 0; i < a->sample_count; i++) {
        struct profile_sample x = a->samples[i], y = b->samples[i];
        assert_int_equal(x.location_count, y.location_count);
        if (x.location_count)
            assert_memory_equal(a->location_ids + x.first_location, b->location_ids + y.first_location,
                                x.location_count * sizeof(uint32_t));
        assert_memory_equal(a->values + i * a->sample_type_count, b->values + i * a->sample_type_count,
                            a->sample_type_count * sizeof(int64_t));
        assert_int_equal(x.label_count, y.label_count);
        for (uint32_t k = 0; k < x.label_count; k++) {
            struct profile_label l = a->labels[x.first_label + k], m = b->labels[y.first_label + k];
            assert_same_text(a, l.key, b, m.key);
            assert_same_text(a, l.text, b, m.text);
            assert_true(l.number == m.number);
        }
    }
}

static void random_profiles_there_and_back(void **state) {
    (void)state;
    struct rand_state random;
    rand_seed(&random, 7);
    for (int round = 0; round < 500; round++) {
        struct bytes first = {0}, second = {0};
        struct profile a, b;
        struct proto_error error;
        write_random(&random, &first);
        assert_true(read_bytes(&first, NULL, &a, &error));
        assert_consistent(&a);
        assert_true(writer_write_profile(&a, writer_to_bytes, &second, 1, &error));
        assert_true(read_bytes(&second, NULL, &b, &error));
        assert_same_tables(&a, &b);
        assert_same_samples(&a, &b);
        assert_true(a.time_nanos == b.time_nanos && a.duration_nanos == b.duration_nanos);
        profile_free(&a);
        profile_free(&b);
        free_bytes(&first);
        free_bytes(&second);
    }
}

static void go_files_are_read(void **state) {
    (void)state;
    struct bytes file = golden_file(__FILE__, "go_json_200x.pb.gz");
    struct profile profile;
    assert_reads(&file, &profile);
    assert_consistent(&profile);
    assert_int_equal(profile.sample_type_count, 4);
    assert_int_equal(profile_find_sample_type(&profile, "inuse_space"), 3);
    assert_int_equal(profile.period, 524288);
    assert_int_equal(profile.sample_count, 71);
    profile_free(&profile);
}

static void memory_limit_holds(void **state) {
    (void)state;
    struct bytes file = golden_file(__FILE__, "go_json_100x.pb.gz");
    struct reader_limits limits = reader_default_limits;
    struct profile profile;
    struct proto_error error;
    limits.max_memory = 256 * 1024;
    assert_false(read_bytes(&file, &limits, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    limits = reader_default_limits;
    limits.max_compressed = file.size - 1;
    assert_false(read_bytes(&file, &limits, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    limits.max_compressed = file.size;
    assert_true(read_bytes(&file, &limits, &profile, &error));
    profile_free(&profile);
    free_bytes(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_is_legal),
        cmocka_unit_test(packed_and_unpacked_are_the_same),
        cmocka_unit_test(ids_may_be_sparse),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(ids_are_checked),
        cmocka_unit_test(references_are_checked),
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(strings_are_checked),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(malformed_framing_is_refused),
        cmocka_unit_test(other_files_are_not_profiles),
        cmocka_unit_test(zeros_end_at_once),
        cmocka_unit_test(bombs_are_bounded),
        cmocka_unit_test(every_truncation_survives),
        cmocka_unit_test(mutations_survive),
        cmocka_unit_test(random_profiles_there_and_back),
        cmocka_unit_test(go_files_are_read),
        cmocka_unit_test(memory_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
