/* The symbolizer on this very program: its own functions at the addresses where they run. Comparison with
 * other tools' answers is in tests/interop/heapdiff_symbols.sh. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbolizer/symbolizer.h"

static int warnings;

static void count_warning(void *context, const char *subject, const char *text) {
    (void)context;
    (void)subject;
    (void)text;
    warnings++;
}

enum { KNOWN_LINE = __LINE__ + 1 };
__attribute__((noinline)) static const char *known_function(void) {
    __asm__ volatile("");
    return __builtin_extract_return_addr(__builtin_return_address(0));
}

/* The executable segment of this program, as it is mapped. */
static int find_own_segment(struct dl_phdr_info *info, size_t size, void *context) {
    struct profile_mapping *mapping = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        mapping->start = (info->dlpi_addr + header->p_vaddr) & ~(uint64_t)4095;
        mapping->limit = (info->dlpi_addr + header->p_vaddr + header->p_memsz + 4095) & ~(uint64_t)4095;
        mapping->offset = header->p_offset & ~(uint64_t)4095;
    }
    return 1;
}

static char own_path[4096];

/* A profile of one mapping (this program) and three locations: inside a function, outside the mapping, no
 * mapping. */
static void make_profile(struct profile *profile, const char *build_id) {
    *profile = (struct profile){0};
    assert_true(readlink("/proc/self/exe", own_path, sizeof own_path - 1) > 0);
    profile->strings = region_alloc(&profile->region, 3 * sizeof *profile->strings);
    profile->strings[0] = (struct profile_string){"", 0};
    profile->strings[1] = (struct profile_string){own_path, (uint32_t)strlen(own_path)};
    profile->strings[2] = (struct profile_string){build_id, (uint32_t)strlen(build_id)};
    profile->string_count = 3;
    profile->mappings = region_alloc(&profile->region, sizeof *profile->mappings);
    profile->mapping_count = 1;
    profile->mappings[0] = (struct profile_mapping){.filename = 1, .build_id = *build_id ? 2 : 0};
    dl_iterate_phdr(find_own_segment, &profile->mappings[0]);
    profile->locations = region_alloc(&profile->region, 3 * sizeof *profile->locations);
    profile->location_count = 3;
    profile->locations[0] = (struct profile_location){.address = (uintptr_t)&known_function};
    profile->locations[1] = (struct profile_location){.address = profile->mappings[0].limit + 5};
    profile->locations[2] = (struct profile_location){.address = (uintptr_t)&known_function, .mapping = PROFILE_NONE};
}

static void run(struct profile *profile) {
    struct module_search search = {0};
    struct symbolizer *symbolizer = symbolizer_open(&search, count_warning, NULL);
    assert_non_null(symbolizer);
    warnings = 0;
    assert_true(symbolizer_run(symbolizer, profile, 0, NULL));
    symbolizer_close(symbolizer);
}

static void own_function_is_named(void **state) {
    (void)state;
    struct profile profile;
    make_profile(&profile, "");
    assert_non_null(known_function());
    run(&profile);
    assert_int_equal(warnings, 0);
    assert_int_equal(profile.locations[0].line_count, 1);
    const struct profile_line *line = &profile.lines[profile.locations[0].first_line];
    const struct profile_function *function = &profile.functions[line->function];
    assert_string_equal(profile_text(&profile, function->name), "known_function");
    assert_non_null(strstr(profile_text(&profile, function->filename), "test_symbolizer.c"));
    assert_in_range(line->line, KNOWN_LINE, KNOWN_LINE + 3);
    profile_free(&profile);
}

/* A location of the mapping that has no name keeps the flags down, so that other tools try it too. */
static void flags_tell_the_truth(void **state) {
    (void)state;
    struct profile profile;
    make_profile(&profile, "");
    profile.locations[1].mapping = 0;
    run(&profile);
    assert_int_equal(profile.locations[1].line_count, 0);
    assert_int_equal(profile.locations[2].line_count, 0);
    assert_false(profile.mappings[0].has_functions);
    profile_free(&profile);

    make_profile(&profile, "");
    profile.location_count = 1;
    run(&profile);
    assert_true(profile.mappings[0].has_functions && profile.mappings[0].has_filenames &&
                profile.mappings[0].has_line_numbers);
    profile_free(&profile);
}

static void another_build_gives_no_name(void **state) {
    (void)state;
    const char *const ids[] = {"00112233445566778899aabbccddeeff00112233", "not hexadecimal/../..", "f"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct profile profile;
        make_profile(&profile, ids[i]);
        run(&profile);
        assert_int_equal(warnings, 1);
        assert_int_equal(profile.locations[0].line_count, 0);
        assert_false(profile.mappings[0].has_functions);
        profile_free(&profile);
    }
}

static void named_mappings_are_left_alone(void **state) {
    (void)state;
    struct profile profile;
    make_profile(&profile, "");
    profile.mappings[0].has_functions = true;
    run(&profile);
    assert_int_equal(profile.locations[0].line_count, 0);
    assert_int_equal(profile.string_count, 3);
    profile_free(&profile);
}

/* Mappings whose numbers make no sense, and files that are no programs. */
static void hostile_mappings(void **state) {
    (void)state;
    const char *const paths[] = {"/dev/zero", "/",      "/proc/self/mem", "/nonexistent",
                                 "relative",  "[vdso]", "//anon",         ""};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct profile profile;
        make_profile(&profile, "");
        profile.strings[1] = (struct profile_string){paths[i], (uint32_t)strlen(paths[i])};
        run(&profile);
        assert_int_equal(profile.locations[0].line_count, 0);
        profile_free(&profile);
    }
    const uint64_t numbers[] = {0, 1, UINT64_MAX, UINT64_MAX - 4095, (uint64_t)1 << 63};
    for (size_t i = 0; i < 125; i++) {
        struct profile profile;
        make_profile(&profile, "");
        profile.mappings[0].start = numbers[i % 5];
        profile.mappings[0].limit = numbers[i / 5 % 5];
        profile.mappings[0].offset = numbers[i / 25];
        run(&profile);
        profile_free(&profile);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_function_is_named),
        cmocka_unit_test(flags_tell_the_truth),
        cmocka_unit_test(another_build_gives_no_name),
        cmocka_unit_test(named_mappings_are_left_alone),
        cmocka_unit_test(hostile_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
