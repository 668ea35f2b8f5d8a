/* Text profiles: the grammar of each dialect and what is refused, with its place; the memory map; Go's names; and
 * files that are hostile: cut off at every byte, mutated, with absurd numbers, endless lines, NULs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/rand.h"
#include "proto/gzip.h"
#include "proto/legacy_counts.h"
#include "proto/text_lines.h"
#include "proto/writer.h"
#include "tests/support/sanitized.h"
#include "proto_bytes.h"

#define HEAD           "heap profile: 3: 300 [4: 400] @ heapprofile\n"
#define HEAD_INUSE     "heap profile: 3: 300 [3: 300] @ heapprofile\n"
#define SAMPLE         "1: 100 [2: 200] @ 0x1001 0x2001\n"
#define JEMALLOC       "heap_v2/1024\n  t*: 3: 300 [0: 0]\n  t0: 3: 300 [0: 0]\n"
#define JEMALLOC_ACCUM "heap_v2/1\n  t*: 3: 300 [9: 900]\n"

static const char *const golden_names[] = {
    "gperftools_old.heap", "gperftools_new.heap", "tcmalloc_sampled.heap", "tcmalloc_growth.heap",
    "go_old.txt",          "go_new.txt",          "jemalloc.heap",         "jemalloc_accum.heap",
};
enum { GOLDEN_COUNT = sizeof golden_names / sizeof *golden_names };

static struct bytes golden_text(int index) {
    char path[64];
    snprintf(path, sizeof path, "../legacy/%s", golden_names[index]);
    return golden_file(__FILE__, path);
}

static struct bytes bytes_of(const char *text) {
    struct bytes out = {0};
    put_bytes(&out, text, strlen(text));
    return out;
}

static void assert_reads(const char *text, struct profile *profile) {
    struct bytes file = bytes_of(text);
    struct proto_error error;
    if (!read_bytes(&file, NULL, profile, &error))
        fail_msg("%s at %llu in %s", error.text, (unsigned long long)error.offset, text);
    free_bytes(&file);
}

static void assert_refused_bytes(struct bytes *file, enum proto_error_code code, uint64_t offset, const char *text) {
    struct profile profile;
    struct proto_error error;
    assert_false(read_bytes(file, NULL, &profile, &error));
    assert_string_equal(error.text, text);
    assert_int_equal(error.code, code);
    assert_int_equal(error.offset, offset);
    assert_null(profile.strings);
    free_bytes(file);
}

static void assert_refused(const char *start, const char *rest, enum proto_error_code code, const char *text) {
    struct bytes file = bytes_of(start);
    put_bytes(&file, rest, strlen(rest));
    assert_refused_bytes(&file, code, strlen(start) + (code == PROTO_ERROR_TRUNCATED ? strlen(rest) : 0), text);
}

static void assert_type(const struct profile *profile, uint32_t index, const char *type, const char *unit) {
    assert_string_equal(profile_text(profile, profile->sample_types[index].type), type);
    assert_string_equal(profile_text(profile, profile->sample_types[index].unit), unit);
}

static uint64_t address_of(const struct profile *profile, uint32_t sample, uint32_t frame) {
    assert_true(sample < profile->sample_count && frame < profile->samples[sample].location_count);
    return profile->locations[profile->location_ids[profile->samples[sample].first_location + frame]].address;
}

static const char *name_of(const struct profile *profile, uint64_t address, uint32_t line) {
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        if (location->address == address && line < location->line_count)
            return profile_text(profile, profile->functions[profile->lines[location->first_line + line].function].name);
    }
    return "";
}

static const char *mapping_of(const struct profile *profile, uint64_t address) {
    for (uint32_t i = 0; i < profile->location_count; i++) {
        if (profile->locations[i].address == address)
            return profile_text(profile, profile->mappings[profile->locations[i].mapping].filename);
    }
    return "no location";
}

static void four_values_or_two(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(HEAD SAMPLE, &profile);
    assert_int_equal(profile.sample_type_count, 4);
    assert_type(&profile, 0, "alloc_objects", "count");
    assert_type(&profile, 1, "alloc_space", "bytes");
    assert_type(&profile, 2, "inuse_objects", "count");
    assert_type(&profile, 3, "inuse_space", "bytes");
    const int64_t expected[] = {2, 200, 1, 100};
    assert_memory_equal(profile.values, expected, sizeof expected);
    assert_int_equal(profile.period, 1);
    assert_string_equal(profile_text(&profile, profile.period_type.type), "space");
    assert_string_equal(profile_text(&profile, profile.period_type.unit), "bytes");
    assert_int_equal(address_of(&profile, 0, 0), 0x1000);
    assert_int_equal(address_of(&profile, 0, 1), 0x2000);
    assert_int_equal(profile.label_count, 1);
    assert_string_equal(profile_text(&profile, profile.labels[0].key), "bytes");
    assert_int_equal(profile.labels[0].number, 100);
    assert_int_equal(profile.mapping_count, 1);
    profile_free(&profile);

    assert_reads(HEAD_INUSE SAMPLE, &profile);
    assert_int_equal(profile.sample_type_count, 2);
    assert_type(&profile, 0, "objects", "count");
    assert_type(&profile, 1, "space", "bytes");
    assert_int_equal(profile.values[1], 100);
    profile_free(&profile);
}

static struct legacy_text text_of(const char *text) { return (struct legacy_text){text, text + strlen(text)}; }

static void heads_say_how_to_read(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool is_sampled, has_allocs;
        int64_t period;
    } cases[] = {
        {"heap profile: 1: 2 [3: 4] @ heapprofile", false, true, 1},
        {"heap profile: 1: 2 [3: 4] @ heap_v2/524288", true, true, 524288},
        {"heap profile: 1: 2 [3: 4] @ heapz_v2/7", true, true, 7},
        {"heap profile: 1: 2 [3: 4] @ heap/1048576", true, true, 524288},
        {"heap profile: 1: 2 [3: 4] @ heap_v2", true, true, 0},
        {"heap profile:1:2[3:4]@heap/3 and more", true, true, 1},
        {"heap profile:   1:   2 [   1:   2] @ heapprofile", false, false, 1},
        {"heap profile: 1: 2 [0: 0] @ heapprofile", false, false, 1},
        {"heap profile: 1: 2 [1: 3] @ heapprofile", false, true, 1},
        {"heap profile: 1: 2 [3: 4] @ growthz", false, false, 1},
        {"heap profile: 1: 2 [3: 4] @ growth", false, false, 1},
        {"heap profile: 1: 2 [3: 4] @ fragmentationz", false, false, 1},
        {"heap profile: 99999999999999999999: 2 [3: 4] @ heapprofile", false, true, 1},
        {"heap_v2/524288", true, false, 524288},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct legacy_head head;
        if (!legacy_read_head(text_of(cases[i].line), &head))
            fail_msg("%s", cases[i].line);
        assert_int_equal(head.is_sampled, cases[i].is_sampled);
        assert_int_equal(head.has_allocs, cases[i].has_allocs);
        assert_int_equal(head.period, cases[i].period);
    }
}

static void other_heads_are_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "heap profile: 1: 2 [3: 4] @ heap_v3/1\n",
        "heap profile: 1: 2 [3: 4] @ cpu\n",
        "heap profile: 1: 2 3: 4 @ heapprofile\n",
        "heap profile: 1: -2 [3: 4] @ heapprofile\n",
        "heap profile: \n",
        "heap_v2/\n",
        "heap_v2/1x\n",
        "heap_v2/9223372036854775808\n",
        "heap profile: 1: 2 [3: 4] @ heap/99999999999999999999\n",
        "heap profile: 1: 2 [3: 4] @ heapprofile", /* no line end */
        "heap_v2/1024",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_refused("", lines[i], PROTO_ERROR_FORMAT, "not a heap profile");
    struct bytes other = bytes_of("Heap profile: 1: 2 [3: 4] @ heapprofile\n");
    assert_refused_bytes(&other, PROTO_ERROR_FORMAT, 2, "not a profile");
}

static void samples_may_be_anywhere_in_a_line(void **state) {
    (void)state;
    static const char *const lines[] = {
        "1: 100 [2: 200] @ 0x1001\n",      "   1:  100 [   2:  200] @ 0x00001001 \n",
        "\t1:100[2:200] @0x1001\n",        "x12 1: 100 [2: 200] @ 0x1001 # said later\n",
        "7: 1: 100 [2: 200] @ 0x1001\r\n", "- 9 1: 100 [2: 200] @ 1001 x 0x 0x1001\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[512];
        struct profile profile;
        snprintf(text, sizeof text, HEAD "%s", lines[i]);
        assert_reads(text, &profile);
        assert_int_equal(profile.sample_count, 1);
        assert_int_equal(profile.values[1], 200);
        assert_int_equal(profile.samples[0].location_count, 1);
        assert_int_equal(address_of(&profile, 0, 0), 0x1000);
        profile_free(&profile);
    }
}

static void broken_samples_are_refused(void **state) {
    (void)state;
    static const char *const not_samples[] = {"hello\n",
                                              "1: 100 [2: 200]\n",
                                              "1: 100 [2: -200] @ 0x1\n",
                                              "1: 100 [2: 200 @ 0x1\n",
                                              "1 : 100 [2: 200] @ 0x1\n",
                                              ":\n"};
    for (size_t i = 0; i < sizeof not_samples / sizeof *not_samples; i++)
        assert_refused(HEAD SAMPLE, not_samples[i], PROTO_ERROR_CORRUPT, "a line is neither a sample nor a comment");
    assert_refused(HEAD, "0: 100 [2: 200] @ 0x1\n", PROTO_ERROR_CORRUPT, "a sample has bytes but no objects");
    assert_refused(HEAD, "1: 100 [0: 200] @ 0x1\n", PROTO_ERROR_CORRUPT, "a sample has bytes but no objects");
    assert_refused(HEAD, "1: 9223372036854775808 [2: 200] @ 0x1\n", PROTO_ERROR_CORRUPT, "a number is too large");
    assert_refused(HEAD, "1: 1 [2: 99999999999999999999] @ 0x1\n", PROTO_ERROR_CORRUPT, "a number is too large");
    assert_refused(HEAD, "1: 1 [2: 2] @ 0x10000000000000000\n", PROTO_ERROR_CORRUPT,
                   "an address has more than 64 bits");
    assert_refused(HEAD, "1: 1 [2: 2] @ 0X12\n", PROTO_ERROR_CORRUPT, "an address is malformed");
    assert_refused(HEAD, "1: 1 [2: 2] @ 0x12g\n", PROTO_ERROR_CORRUPT, "an address is malformed");
    assert_refused(HEAD SAMPLE, "1: 1 [2: 2] @ 0x12", PROTO_ERROR_TRUNCATED, "the profile is truncated");
    assert_refused("heap profile: 1: 1 [2: 2] @ heap_v2/9223372036854775807\n",
                   "1: 1 [9223372036854775807: 9223372036854775807] @ 0x1\n", PROTO_ERROR_CORRUPT,
                   "a number is too large");
}

static void extreme_numbers(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(HEAD "9223372036854775807: 9223372036854775807 [0: 0] @ 0x0 0x1 0xffffffffffffffff\n"
                      "-1: -9223372036854775808 [1: 9223372036854775807] @\n",
                 &profile);
    assert_true(profile.values[2] == INT64_MAX && profile.values[3] == INT64_MAX);
    assert_true(address_of(&profile, 0, 0) == UINT64_MAX && address_of(&profile, 0, 1) == 0);
    assert_true(address_of(&profile, 0, 2) == UINT64_MAX - 1);
    assert_true(profile.values[7] == INT64_MIN);
    assert_int_equal(profile.samples[1].location_count, 0);
    assert_true(profile.labels[1].number == INT64_MIN); /* as the quotient wraps in Go */
    profile_free(&profile);
}

static int64_t scaled_bytes(int64_t objects, int64_t bytes, int64_t period, bool is_rounded) {
    struct legacy_pair pair = {objects, bytes};
    assert_true(legacy_scale(&pair, period, is_rounded));
    return pair.bytes;
}

static void sampled_counts_stand_for_more(void **state) {
    (void)state;
    struct profile profile;
    assert_reads("heap profile: 1: 2 [3: 4] @ heap/1048576\n2: 1024 [3: 1536] @ 0x1001\n", &profile);
    assert_int_equal(profile.period, 524288);
    /* n / (1 - e^(-512/524288)) by the series 1/x + 1/2 + x/12, and cut */
    double x = 512.0 / 524288, weight = 1 / x + 0.5 + x / 12;
    assert_int_equal(profile.values[2], (int64_t)(2 * weight));
    assert_int_equal(profile.values[3], (int64_t)(1024 * weight));
    assert_int_equal(profile.values[1], (int64_t)(1536 * weight));
    assert_int_equal(profile.labels[0].number, 512);
    profile_free(&profile);
    assert_int_equal(scaled_bytes(1, 100, 1, false), 100);
    assert_int_equal(scaled_bytes(1, 100, 0, false), 100);
    assert_int_equal(scaled_bytes(0, 0, 1000, false), 0);
    assert_int_equal(scaled_bytes(5, 0, 1000, false), 0);
    assert_int_equal(scaled_bytes(1, 1000, 1000, false), 1581); /* 1000 / (1 - 1/e) = 1581.976... */
    assert_int_equal(scaled_bytes(1, 1000, 1000, true), 1582);
    assert_int_equal(scaled_bytes(1, INT64_MAX / 2, 2, false), 4611686018427387904);
}

static void jemalloc_sums_all_threads(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(JEMALLOC "@ 0x1001 0x2001\n  t*: 2: 2048 [0: 0]\n  t0: 1: 1024 [0: 0]\n  t17: 1: 1024 [0: 0] worker\n"
                          "@ 0x3001\n  t0: 7: 7 [0: 0]\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n",
                 &profile);
    assert_int_equal(profile.sample_count, 2);
    assert_int_equal(profile.sample_type_count, 2);
    assert_type(&profile, 1, "inuse_space", "bytes");
    assert_int_equal(profile.values[0], 3);    /* 2 / (1 - 1/e) = 3.16 */
    assert_int_equal(profile.values[1], 3240); /* 3239.88 */
    assert_int_equal(profile.values[3], 0);
    assert_int_equal(profile.period, 1024);
    assert_int_equal(address_of(&profile, 1, 0), 0x3000);
    profile_free(&profile);
    assert_reads(JEMALLOC_ACCUM "@ 0x1001\n  t*: 2: 200 [7: 700]\n", &profile);
    const int64_t expected[] = {7, 700, 2, 200};
    assert_int_equal(profile.sample_type_count, 4);
    assert_memory_equal(profile.values, expected, sizeof expected);
    profile_free(&profile);
}

static void broken_jemalloc_is_refused(void **state) {
    (void)state;
    assert_refused("heap_v2/1\n", "  t0: 3: 300 [0: 0]\n", PROTO_ERROR_CORRUPT,
                   "a line is neither a sample nor a comment");
    assert_refused("heap_v2/1\n", "", PROTO_ERROR_TRUNCATED, "the profile is truncated");
    assert_refused("heap_v2/1\n", "  t*: 3: 300 [0: 0]", PROTO_ERROR_TRUNCATED, "the profile is truncated");
    assert_refused(JEMALLOC "@ 0x1\n", "@ 0x2\n", PROTO_ERROR_CORRUPT, "a stack has no counts");
    assert_refused(JEMALLOC, "@ 0x1\n", PROTO_ERROR_TRUNCATED, "the profile is truncated");
    assert_refused(JEMALLOC "@ 0x1\n", "  t*: 1: 2 [0: 0", PROTO_ERROR_TRUNCATED, "the profile is truncated");
    assert_refused(JEMALLOC "@ 0x1\n", "  t*: 1: 2 [0: 0\n", PROTO_ERROR_CORRUPT,
                   "a line is neither a sample nor a comment");
    assert_refused(JEMALLOC "@ 0x1\n", "  t*: -1: 2 [0: 0]\n", PROTO_ERROR_CORRUPT,
                   "a line is neither a sample nor a comment");
    assert_refused(JEMALLOC, "t\n", PROTO_ERROR_CORRUPT, "a line is neither a sample nor a comment");
    assert_refused(JEMALLOC, SAMPLE, PROTO_ERROR_CORRUPT, "a line is neither a sample nor a comment");
}

static void jemalloc_itself_is_no_leaf(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(JEMALLOC "@ 0x5001 0x5002 0x1001 0x5003\n  t*: 1: 1024 [0: 0]\n@ 0x5001\n  t*: 1: 1024 [0: 0]\n"
                          "MAPPED_LIBRARIES:\n"
                          "1000-2000 r-xp 00000000 08:01 1 /bin/program\n"
                          "5000-6000 r-xp 00000000 08:01 2 /lib/libjemalloc.so.2\n",
                 &profile);
    assert_int_equal(profile.samples[0].location_count, 2);
    assert_int_equal(address_of(&profile, 0, 0), 0x1000);
    assert_int_equal(profile.samples[1].location_count, 1); /* a stack never becomes empty */
    profile_free(&profile);
}

static void maps_of_the_kernel(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(HEAD "1: 1 [2: 2] @ 0x401001 0x7f0000002001 0x7f0000003001 0x7f0000001001 0x9001 0x8001 0x7001\n"
                      "MAPPED_LIBRARIES:\n"
                      "00007000-00008000 r-xp 00000000 00:00 0     [vdso]\n"
                      "7f0000001000-7f0000002000 r-xp 00001000 08:01 11    /lib/libc.so.6\n"
                      "7f0000002000-7f0000003000 r-xp 00002000 08:01 11    /lib/libc.so.6\n"
                      "7f0000003000-7f0000004000 r-xp 00001000 08:01 12    /lib/libm.so\n"
                      "7f0000004000-7f0000005000 r-xp 00007000 08:01 12    /lib/libm.so\n"
                      "00401000-00402000 r-xp 00001000 08:01 22    /opt/my program (deleted)  \r\n"
                      "00402000-00403000 rw-p 00001000 08:01 22    /opt/data\n"
                      "00009000-0000a000 r-xs 00001000 08:01 23    /shared\n",
                 &profile);
    assert_int_equal(profile.mapping_count, 5 + 1);
    assert_string_equal(mapping_of(&profile, 0x401000), "/opt/my program");
    assert_int_equal(profile.mappings[0].start, 0x400000);
    assert_int_equal(profile.mappings[0].offset, 0);
    assert_string_equal(mapping_of(&profile, 0x7f0000002000), "/lib/libc.so.6");
    assert_string_equal(mapping_of(&profile, 0x7f0000001000), "/lib/libc.so.6");
    assert_string_equal(mapping_of(&profile, 0x7f0000003000), "/lib/libm.so");
    assert_string_equal(mapping_of(&profile, 0x9000), "/shared");
    assert_string_equal(mapping_of(&profile, 0x8000), "/shared"); /* where its file would begin */
    assert_string_equal(mapping_of(&profile, 0x7000), "[vdso]");
    assert_int_equal(profile.mappings[0].has_functions, 0);
    profile_free(&profile);
}

static void maps_in_short(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(HEAD "1: 1 [2: 2] @ 0x401001 0x501001 0x601001 0x701001 0x801001\n"
                      "--- Memory map: ---\n"
                      "  0x400000-0x402000: /bin/program (@1000) 0123ABCD\n"
                      "500000 502000 /bin/second\n"
                      "600000-602000\n"
                      "700000-702000 r--p /no/code\n"
                      "800000-\n900000\nx\n\n10000000000000000-20000000000000000 /too/large\n"
                      "a00000-b00000x /bin/x\n",
                 &profile);
    assert_int_equal(profile.mapping_count, 4);
    assert_string_equal(mapping_of(&profile, 0x401000), "/bin/program");
    assert_int_equal(profile.mappings[0].offset, 0x1000);
    assert_string_equal(profile_text(&profile, profile.mappings[0].build_id), "0123ABCD");
    assert_string_equal(mapping_of(&profile, 0x501000), "/bin/second");
    assert_string_equal(mapping_of(&profile, 0x601000), "");
    assert_string_equal(mapping_of(&profile, 0x701000), "");
    assert_true(profile.mappings[3].limit == UINT64_MAX);
    profile_free(&profile);
}

static void first_mapping_of_the_list_wins(void **state) {
    (void)state;
    struct rand_state random;
    rand_seed(&random, 3);
    for (int round = 0; round < 200; round++) {
        uint64_t start[20], limit[20];
        struct bytes file = bytes_of(HEAD);
        struct profile profile;
        struct proto_error error;
        for (uint64_t a = 1; a < 100; a++) {
            char line[64];
            put_bytes(&file, line, (size_t)snprintf(line, sizeof line, "1: 1 [2: 2] @ 0x%lx\n", (unsigned long)a + 1));
        }
        put_bytes(&file, "MAPPED_LIBRARIES:\n", 18);
        for (int i = 0; i < 20; i++) {
            char line[64];
            start[i] = rand_below(&random, 100);
            limit[i] = start[i] + rand_below(&random, 30);
            put_bytes(&file, line,
                      (size_t)snprintf(line, sizeof line, "%lx-%lx r-xp 0 0:0 0 lib%d.so\n", (unsigned long)start[i],
                                       (unsigned long)limit[i], i));
        }
        assert_true(read_bytes(&file, NULL, &profile, &error));
        for (uint64_t a = 1; a < 100; a++) {
            char expected[32] = "";
            for (int i = 0; i < 20 && !*expected; i++) {
                if (start[i] <= a && a < limit[i])
                    snprintf(expected, sizeof expected, "lib%d.so", i);
            }
            assert_string_equal(mapping_of(&profile, a), expected);
        }
        profile_free(&profile);
        free_bytes(&file);
    }
}

/* Many ranges around one address, and many addresses: refused before it takes long. */
static void overlap_is_bounded(void **state) {
    (void)state;
    enum { RANGES = 60000, ADDRESSES = 60000 };
    struct bytes file = bytes_of(HEAD "1: 1 [2: 2] @ ");
    struct profile profile;
    struct proto_error error;
    char line[64];
    for (unsigned i = 0; i < ADDRESSES; i++)
        put_bytes(&file, line, (size_t)snprintf(line, sizeof line, "0x%x ", 0x50000000 + i));
    put_bytes(&file, "\nMAPPED_LIBRARIES:\n", 19);
    for (unsigned i = 0; i < RANGES; i++)
        put_bytes(&file, line, (size_t)snprintf(line, sizeof line, "%x-%x /lib%u.so\n", i, 0xf0000000 - i, i));
    assert_false(read_bytes(&file, NULL, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    assert_string_equal(error.text, "the memory map has too many mappings that overlap");
    free_bytes(&file);
}

#define GO_HEAD  "heap profile: 1: 64 [2: 128] @ heap/2\n"
#define GO_STACK "1: 64 [2: 128] @ 0x101 0x201 0x301 0x401\n"

static void go_names_its_frames(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(GO_HEAD GO_STACK "#\t0x200\tmain.inner+0x20\t\t/src/a b.go:12\n"
                                  "#\t0x200\tmain.(*T[...]).outer+0x20\t/src/b.go:7\n"
                                  "#\t0x300\tmain.main+0x10\t/src/b.go:99\n\n"
                                  "\n# runtime.MemStats\n# Alloc = 17\n",
                 &profile);
    assert_string_equal(name_of(&profile, 0x200, 0), "main.inner");
    assert_string_equal(name_of(&profile, 0x200, 1), "main.(*T[...]).outer");
    assert_string_equal(name_of(&profile, 0x300, 0), "main.main");
    assert_string_equal(name_of(&profile, 0x100, 0), "runtime.(hidden)");
    assert_string_equal(name_of(&profile, 0x400, 0), "runtime.goexit");
    assert_string_equal(profile_text(&profile, profile.functions[0].filename), "/src/a b.go");
    assert_int_equal(profile.lines[0].line, 12);
    assert_int_equal(profile.sample_count, 1);
    assert_int_equal(profile.period, 1);
    assert_int_equal(profile.mappings[0].has_functions, 1);
    assert_int_equal(profile.mappings[0].has_filenames, 0); /* the hidden ones have none */
    profile_free(&profile);
}

static void names_of_one_stack_serve_all(void **state) {
    (void)state;
    struct profile profile;
    /* The first stack hides 0x100, the second shows it, as the runtime does where all frames are its own. */
    assert_reads(GO_HEAD "1: 64 [2: 128] @ 0x101 0x201\n#\t0x200\tmain.a+0x1\t/a.go:1\n\n"
                         "1: 64 [2: 128] @ 0x101\n#\t0x100\truntime.malg+0x1\t/r.go:2\n\n"
                         "1: 64 [2: 128] @ 0x201 0x301\n#\t0x200\tother.name+0x1\t/a.go:1\n#\t0x300\n\n",
                 &profile);
    assert_string_equal(name_of(&profile, 0x100, 0), "runtime.malg");
    assert_string_equal(name_of(&profile, 0x200, 0), "main.a");
    assert_string_equal(name_of(&profile, 0x200, 1), "");
    assert_string_equal(name_of(&profile, 0x300, 0), ""); /* shown, and without a name */
    assert_int_equal(profile.mappings[0].has_functions, 0);
    profile_free(&profile);
}

static void cut_off_lists_name_nothing_by_rule(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(GO_HEAD GO_STACK "#\t0x200\tmain.inner+0x20\t/src/a.go:12\n#\t0x300\tmain.ma", &profile);
    assert_string_equal(name_of(&profile, 0x200, 0), "main.inner");
    assert_string_equal(name_of(&profile, 0x300, 0), "");
    assert_string_equal(name_of(&profile, 0x100, 0), "");
    assert_string_equal(name_of(&profile, 0x400, 0), "");
    profile_free(&profile);
    /* Two frames behind the last one shown are not the root alone. */
    assert_reads(GO_HEAD GO_STACK "#\t0x200\tmain.inner+0x20\t/src/a.go:12\n\n", &profile);
    assert_string_equal(name_of(&profile, 0x300, 0), "");
    assert_string_equal(name_of(&profile, 0x400, 0), "");
    profile_free(&profile);
}

static void odd_names_pass_unchanged(void **state) {
    (void)state;
    struct profile profile;
    assert_reads(GO_HEAD "1: 64 [2: 128] @ 0x101 0x201 0x301 0x401 0x501\n"
                         "#\t0x100\t\x1b[31mred\xe2\x80\xae+0x1\t/src/\x07.go:1\n"
                         "#\t0x200\tno_offset\tno_line\n"
                         "#\t0x300\ta+0x1+0x2\tC:/b.go:x12\n"
                         "#\t0x400\t+0x7\t:5\n"
                         "#\t0x501\treturn_address+0x1\t/old.go:99999999999999\n"
                         "#\t0x10000000000000000\tfar+0x1\t/a.go:1\n#\t0x999\tnowhere+0x1\t/a.go:1\n\n",
                 &profile);
    assert_string_equal(name_of(&profile, 0x100, 0), "\x1b[31mred\xe2\x80\xae");
    assert_string_equal(name_of(&profile, 0x200, 0), "no_offset");
    assert_string_equal(name_of(&profile, 0x300, 0), "a+0x1");
    assert_string_equal(name_of(&profile, 0x400, 0), "");
    assert_string_equal(name_of(&profile, 0x500, 0), "return_address");
    assert_int_equal(profile.lines[2].line, 0);
    assert_string_equal(profile_text(&profile, profile.functions[2].filename), "C:/b.go:x12");
    assert_string_equal(profile_text(&profile, profile.functions[0].filename), "/src/\x07.go");
    profile_free(&profile);
}

static void line_ends_of_either_kind(void **state) {
    (void)state;
    for (int i = 0; i < GOLDEN_COUNT; i++) {
        struct bytes file = golden_text(i), other = {0};
        struct profile plain, crlf;
        struct proto_error error;
        for (size_t k = 0; k < file.size; k++)
            put_bytes(&other, file.data[k] == '\n' ? "\r\n" : (char[]){(char)file.data[k], 0},
                      file.data[k] == '\n' ? 2 : 1);
        assert_true(read_bytes(&file, NULL, &plain, &error));
        assert_true(read_bytes(&other, NULL, &crlf, &error));
        assert_int_equal(plain.sample_count, crlf.sample_count);
        assert_memory_equal(plain.values, crlf.values,
                            (size_t)plain.sample_count * plain.sample_type_count * sizeof(int64_t));
        assert_int_equal(plain.mapping_count, crlf.mapping_count);
        assert_int_equal(plain.string_count, crlf.string_count);
        profile_free(&plain);
        profile_free(&crlf);
        free_bytes(&file);
        free_bytes(&other);
    }
}

static void put_fill(struct bytes *file, char c, size_t count) {
    char *fill = malloc(count);
    memset(fill, c, count);
    put_bytes(file, fill, count);
    free(fill);
}

static void long_lines(void **state) {
    (void)state;
    struct profile profile;
    struct proto_error error;
    for (size_t over = 0; over < 2; over++) {
        struct bytes file = bytes_of(HEAD "#");
        put_fill(&file, 'x', TEXT_LINE_MAX - 1 + over);
        put_bytes(&file, "\n" SAMPLE, sizeof "\n" SAMPLE - 1);
        if (over) {
            assert_refused_bytes(&file, PROTO_ERROR_LIMIT, sizeof HEAD - 1, "a line is longer than is allowed");
            continue;
        }
        assert_true(read_bytes(&file, NULL, &profile, &error));
        assert_int_equal(profile.sample_count, 1);
        profile_free(&profile);
        free_bytes(&file);
    }
    struct bytes endless = bytes_of("heap profile:");
    put_fill(&endless, '1', 8 << 20);
    assert_refused_bytes(&endless, PROTO_ERROR_LIMIT, 0, "a line is longer than is allowed");
    struct bytes digits = bytes_of(HEAD); /* one long walk, not one from each digit */
    put_fill(&digits, '1', TEXT_LINE_MAX);
    put_bytes(&digits, "\n", 1);
    assert_refused_bytes(&digits, PROTO_ERROR_CORRUPT, sizeof HEAD - 1, "a line is neither a sample nor a comment");
    struct bytes deep = bytes_of(HEAD "1: 1 [2: 2] @");
    for (int i = 0; i < 100000; i++)
        put_bytes(&deep, " 0xfffff1", 9);
    put_bytes(&deep, "\n", 1);
    assert_true(read_bytes(&deep, NULL, &profile, &error));
    assert_int_equal(profile.samples[0].location_count, 100000);
    assert_int_equal(profile.location_count, 1);
    profile_free(&profile);
    free_bytes(&deep);
}

static void nuls_are_bytes_like_others(void **state) {
    (void)state;
    struct profile profile;
    struct proto_error error;
    static const char bad[] = HEAD "1: 1 [2: 2] @ 0x1\0\n", map[] = HEAD SAMPLE "MAPPED_LIBRARIES:\n"
                                                                                "0-9000 r-xp 0 0:0 0 /a\0b\n\0\n";
    struct bytes file = {0};
    put_bytes(&file, bad, sizeof bad - 1);
    assert_refused_bytes(&file, PROTO_ERROR_CORRUPT, sizeof HEAD - 1, "an address is malformed");
    put_bytes(&file, map, sizeof map - 1);
    assert_true(read_bytes(&file, NULL, &profile, &error));
    assert_int_equal(profile.strings[profile.mappings[0].filename].length, 4);
    profile_free(&profile);
    free_bytes(&file);
}

static int put_compressed(void *to, const void *bytes, size_t size) {
    put_bytes(to, bytes, size);
    return 0;
}

static struct bytes compressed(const struct bytes *file) {
    struct region region = {0};
    struct gzip_writer writer;
    struct proto_error error;
    struct bytes out = {0};
    assert_true(gzip_writer_open(&writer, &region, put_compressed, &out, 6, &error) &&
                gzip_write(&writer, file->data, file->size, &error) && gzip_writer_close(&writer, &error));
    region_free(&region);
    return out;
}

static void compressed_text_is_read(void **state) {
    (void)state;
    struct bytes file = golden_text(0), small = compressed(&file);
    struct profile plain, profile;
    struct proto_error error;
    assert_true(read_bytes(&file, NULL, &plain, &error) && read_bytes(&small, NULL, &profile, &error));
    assert_int_equal(plain.sample_count, profile.sample_count);
    profile_free(&plain);
    profile_free(&profile);
    small.size -= 9;
    assert_false(read_bytes(&small, NULL, &profile, &error));
    assert_string_equal(error.text, "the gzip data is truncated");
    free_bytes(&file);
    free_bytes(&small);
}

static int64_t sum_of(const struct profile *profile) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < profile->sample_count; i++)
        sum += profile->values[(i + 1) * profile->sample_type_count - 1];
    return sum;
}

/* A prefix is read or refused (not every one of large files); what is read of it is a part of the whole, and its stacks
 * are whole ones. */
static void every_truncation_survives(void **state) {
    (void)state;
    for (int i = 0; i < GOLDEN_COUNT; i++) {
        struct bytes file = golden_text(i);
        struct profile whole, profile;
        struct proto_error error;
        assert_true(read_bytes(&file, NULL, &whole, &error));
        int64_t last = 0;
        for (size_t size = 0; size < file.size; size += (file.size > 8000 ? 11 : 1) * SANITIZED_STRIDE) {
            struct bytes part = {.data = file.data, .size = size};
            if (!read_bytes(&part, NULL, &profile, &error)) {
                assert_non_null(error.text);
                continue;
            }
            int64_t sum = sum_of(&profile);
            assert_true(sum >= last && sum <= sum_of(&whole));
            assert_true(profile.sample_count <= whole.sample_count);
            for (uint32_t k = 0; k < profile.location_count; k++)
                assert_true(profile.locations[k].address == whole.locations[k].address);
            last = sum;
            profile_free(&profile);
        }
        profile_free(&whole);
        free_bytes(&file);
    }
}

static void assert_survives(struct bytes *file) {
    struct profile profile, copy;
    struct proto_error error;
    struct bytes out = {0};
    if (!read_bytes(file, NULL, &profile, &error)) {
        assert_true(error.code != PROTO_OK && error.text);
        return;
    }
    assert_true(writer_write_profile(&profile, writer_to_bytes, &out, 0, &error));
    assert_true(read_bytes(&out, NULL, &copy, &error));
    assert_int_equal(profile.sample_count, copy.sample_count);
    profile_free(&profile);
    profile_free(&copy);
    free_bytes(&out);
}

static void mutations_survive(void **state) {
    (void)state;
    static const char letters[] = "0123456789abcdefx:[]@# \t\n\r-/*t.()+\0\x80\xff";
    struct rand_state random;
    rand_seed(&random, 40);
    for (int round = 0; round < 2500 / SANITIZED_STRIDE; round++) {
        struct bytes file = golden_text(round % GOLDEN_COUNT);
        for (uint64_t n = 1 + rand_below(&random, 8); n; n--) {
            size_t at = rand_below(&random, file.size), size = rand_below(&random, file.size - at);
            switch (rand_below(&random, 4)) {
            case 0: /* a part goes */
                size = size % 200;
                memmove(file.data + at, file.data + at + size, file.size - at - size);
                file.size -= size;
                break;
            case 1: /* a part comes twice */
                memmove(file.data + at, file.data + rand_below(&random, at + 1), size % 300);
                break;
            default:
                file.data[at] = (unsigned char)letters[rand_below(&random, sizeof letters - 1)];
            }
        }
        assert_survives(&file);
        free_bytes(&file);
    }
}

static void memory_limit_holds(void **state) {
    (void)state;
    struct bytes file = bytes_of(HEAD);
    struct reader_limits limits = reader_default_limits;
    struct profile profile;
    struct proto_error error;
    char line[64];
    for (unsigned i = 0; i < 100000; i++)
        put_bytes(&file, line, (size_t)snprintf(line, sizeof line, "1: 1 [2: 2] @ 0x%x\n", i * 64));
    limits.max_memory = 2 << 20;
    assert_false(read_bytes(&file, &limits, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    limits.max_memory = 64 << 20;
    assert_true(read_bytes(&file, &limits, &profile, &error));
    profile_free(&profile);
    limits.max_uncompressed = file.size / 2;
    assert_false(read_bytes(&file, &limits, &profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_LIMIT);
    free_bytes(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_values_or_two),
        cmocka_unit_test(heads_say_how_to_read),
        cmocka_unit_test(other_heads_are_refused),
        cmocka_unit_test(samples_may_be_anywhere_in_a_line),
        cmocka_unit_test(broken_samples_are_refused),
        cmocka_unit_test(extreme_numbers),
        cmocka_unit_test(sampled_counts_stand_for_more),
        cmocka_unit_test(jemalloc_sums_all_threads),
        cmocka_unit_test(broken_jemalloc_is_refused),
        cmocka_unit_test(jemalloc_itself_is_no_leaf),
        cmocka_unit_test(maps_of_the_kernel),
        cmocka_unit_test(maps_in_short),
        cmocka_unit_test(first_mapping_of_the_list_wins),
        cmocka_unit_test(overlap_is_bounded),
        cmocka_unit_test(go_names_its_frames),
        cmocka_unit_test(names_of_one_stack_serve_all),
        cmocka_unit_test(cut_off_lists_name_nothing_by_rule),
        cmocka_unit_test(odd_names_pass_unchanged),
        cmocka_unit_test(line_ends_of_either_kind),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(nuls_are_bytes_like_others),
        cmocka_unit_test(compressed_text_is_read),
        cmocka_unit_test(every_truncation_survives),
        cmocka_unit_test(mutations_survive),
        cmocka_unit_test(memory_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
