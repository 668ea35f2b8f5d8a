/* What proto/ can do, from a shell: for the tests that compare it with `go tool pprof`.
 *
 *   proto_tool rewrite IN                 reads and writes
 *   proto_tool merge IN...                the sum
 *   proto_tool diff OLD NEW               NEW - OLD, OLD marked as pprof marks a diff base
 *   proto_tool subtract OLD NEW           NEW - OLD, not marked
 *   proto_tool drop IN                    drop_frames applied
 *   proto_tool filter OPTION REGEX IN     focus, ignore, hide or show
 *   proto_tool random SEED                a profile made up from a seed, with drop_frames when that is even
 *
 * The profile goes to standard output, a reason to standard error with exit status 1. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "proto/filter.h"
#include "proto/merge.h"
#include "proto/reader.h"
#include "proto/writer.h"

enum { INPUTS_MAX = 16 };

__attribute__((noreturn)) static void die(const char *subject, const struct proto_error *error) {
    fprintf(stderr, "proto_tool: '%s': %s at byte %llu\n", subject, error->text, (unsigned long long)error->offset);
    exit(1);
}

static int write_stdout(void *context, const void *bytes, size_t size) {
    (void)context;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : EIO;
}

static void read_file(const char *path, struct profile *profile) {
    struct proto_error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !reader_read(fd, NULL, profile, &error)) {
        if (fd < 0)
            error = (struct proto_error){.text = strerror(errno)};
        die(path, &error);
    }
    close(fd);
}

static int put(const struct profile *profile) {
    struct proto_error error;
    if (!writer_write_profile(profile, write_stdout, NULL, 1, &error))
        die("standard output", &error);
    return 0;
}

static int put_merged(const struct merge_input *inputs, size_t count) {
    struct profile sum;
    struct proto_error error;
    if (!merge_profiles(inputs, count, &sum, &error))
        die("merge", &error);
    return put(&sum);
}

static int difference(char **paths, bool is_marked) {
    struct profile old, new;
    read_file(paths[0], &old);
    read_file(paths[1], &new);
    const struct merge_input inputs[] = {
        {.profile = &new, .scale = 1},
        {.profile = &old,
         .scale = -1,
         .label_key = is_marked ? "pprof::base" : NULL,
         .label_text = is_marked ? "true" : NULL},
    };
    return put_merged(inputs, 2);
}

static int merge(char **paths, int count) {
    static struct profile profiles[INPUTS_MAX];
    struct merge_input inputs[INPUTS_MAX];
    for (int i = 0; i < count && i < INPUTS_MAX; i++) {
        read_file(paths[i], &profiles[i]);
        inputs[i] = (struct merge_input){.profile = &profiles[i], .scale = 1};
    }
    return put_merged(inputs, (size_t)count);
}

static int drop(const char *path) {
    struct profile profile;
    struct proto_error error;
    read_file(path, &profile);
    if (!filter_drop_frames(&profile, &error))
        die(path, &error);
    return put(&profile);
}

static int filter(const char *option, const char *regex, const char *path) {
    struct profile profile;
    struct proto_error error;
    struct filter filter = {
        .focus = strcmp(option, "focus") == 0 ? regex : NULL,
        .ignore = strcmp(option, "ignore") == 0 ? regex : NULL,
        .hide = strcmp(option, "hide") == 0 ? regex : NULL,
        .show = strcmp(option, "show") == 0 ? regex : NULL,
    };
    read_file(path, &profile);
    if (!filter_apply(&profile, &filter, &error))
        die(path, &error);
    return put(&profile);
}

/* Two mappings at a base that depends on the seed, as address space randomization makes it; functions and
 * lines that do not, so that two seeds have much in common. Locations come after the samples. */
enum { FUNCTIONS = 40, LOCATIONS = 120, SAMPLES = 300, DEPTH_MAX = 12 };

static void put_random_mappings(struct writer *writer, uint64_t base) {
    struct profile_mapping program = {.start = base,
                                      .limit = base + 0x10000 + (base >> 20) % 4096,
                                      .filename = writer_string(writer, "/usr/bin/program"),
                                      .build_id = writer_string(writer, "0123abcd"),
                                      .has_functions = true};
    struct profile_mapping library = {.start = base + 0x100000,
                                      .limit = base + 0x120000,
                                      .offset = 0x1000,
                                      .filename = writer_string(writer, "/usr/lib/library.so"),
                                      .has_functions = true};
    writer_mapping(writer, &program);
    writer_mapping(writer, &library);
}

static void put_random_functions(struct writer *writer) {
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        char name[64], file[64];
        snprintf(name, sizeof name, i % 7 ? "(anonymous namespace)::f%u(int)" : "operator()_%u", i);
        snprintf(file, sizeof file, "/src/file%u.cc", i % 5);
        struct profile_function function = {.name = writer_string(writer, name),
                                            .system_name = writer_string(writer, name + 1),
                                            .filename = writer_string(writer, file),
                                            .start_line = i * 10};
        writer_function(writer, &function);
    }
}

static void put_random_locations(struct writer *writer, uint64_t base) {
    struct rand_state shape;
    rand_seed(&shape, 1);
    for (unsigned i = 0; i < LOCATIONS; i++) {
        struct profile_line lines[3];
        size_t line_count = 1 + rand_below(&shape, 3);
        for (size_t k = 0; k < line_count; k++)
            lines[k] = (struct profile_line){.function = (uint32_t)rand_below(&shape, FUNCTIONS) + 1,
                                             .line = (int64_t)rand_below(&shape, 50)};
        unsigned mapping = i % 3 == 2 ? 2 : 1;
        uint64_t address = base + (mapping == 2 ? 0x100000 : 0) + rand_below(&shape, 0x10000);
        writer_location(writer, address, i % 31 ? mapping : PROFILE_NONE, lines, line_count);
    }
}

static void put_random_samples(struct writer *writer, uint64_t seed) {
    struct rand_state stacks, values;
    rand_seed(&stacks, 2);
    rand_seed(&values, seed);
    string_id bytes = writer_string(writer, "bytes"), thread = writer_string(writer, "thread");
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t ids[DEPTH_MAX];
        size_t depth = 1 + rand_below(&stacks, DEPTH_MAX);
        for (size_t k = 0; k < depth; k++)
            ids[k] = 1 + rand_below(&stacks, LOCATIONS);
        int64_t size = 16 << rand_below(&values, 2), count = (int64_t)rand_below(&values, 3) - 1;
        int64_t sample[] = {count, count * size};
        struct profile_label labels[] = {{.key = thread, .text = i % 5 ? bytes : thread},
                                         {.key = bytes, .number = size}};
        if (rand_below(&values, 8))
            writer_sample(writer, ids, depth, sample, 2, labels + (i % 4 != 0), i % 4 ? 1 : 2);
    }
}

static int make_random(uint64_t seed) {
    struct region region = {0};
    struct proto_error error = {.text = "out of memory"};
    struct writer *writer = writer_open(&region, write_stdout, NULL, 1);
    if (!writer)
        die("random", &error);
    uint64_t base = 0x400000 + seed * 0x1000000;
    writer_sample_type(writer, "inuse_objects", "count");
    writer_sample_type(writer, "inuse_space", "bytes");
    writer_period(writer, "space", "bytes", (int64_t)(1000 + seed % 10));
    writer_time(writer, (int64_t)(1700000000000000000 - seed), (int64_t)seed * 1000);
    writer_comment(writer, "made up");
    writer_comment(writer, seed % 2 ? "odd" : "even");
    if (seed % 2 == 0)
        writer_drop_frames(writer, ".*f1[0-9]|operator.*", ".*f11");
    put_random_samples(writer, seed);
    put_random_mappings(writer, base);
    put_random_locations(writer, base);
    put_random_functions(writer);
    if (!writer_close(writer, &error))
        die("random", &error);
    region_free(&region);
    return 0;
}

int main(int argc, char **argv) {
    const char *command = argc > 2 ? argv[1] : "";
    if (strcmp(command, "rewrite") == 0) {
        struct profile profile;
        read_file(argv[2], &profile);
        return put(&profile);
    }
    if (strcmp(command, "merge") == 0)
        return merge(argv + 2, argc - 2);
    if (strcmp(command, "diff") == 0 && argc == 4)
        return difference(argv + 2, true);
    if (strcmp(command, "subtract") == 0 && argc == 4)
        return difference(argv + 2, false);
    if (strcmp(command, "drop") == 0)
        return drop(argv[2]);
    if (strcmp(command, "filter") == 0 && argc == 5)
        return filter(argv[2], argv[3], argv[4]);
    if (strcmp(command, "random") == 0)
        return make_random(strtoull(argv[2], NULL, 10));
    fprintf(stderr, "proto_tool: rewrite | merge | diff | subtract | drop | filter | random\n");
    return 2;
}
