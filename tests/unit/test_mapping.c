/* Segments and build ids of this very program, a library that goes, and notes of every shape. */
#include "profiler/mapping.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "profiler/loader.h"
#include "tests/support/unit.h"

static struct stack_table stacks = STACK_TABLE_INIT;
static struct mapping_table table = MAPPING_TABLE_INIT(&stacks);

static void test_own_program_comes_first(void **state) {
    struct region region = {0};
    struct mapping_copy copy;
    char path[4096] = "";
    (void)state;
    assert_true(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    loader_start();
    mapping_refresh(&table);
    assert_true(mapping_copy(&table, &region, &copy));
    assert_true(copy.count >= 3);
    assert_string_equal(copy.rows[0].filename, path);
    uint32_t own = mapping_find(&copy, (uintptr_t)&test_own_program_comes_first, 0);
    assert_int_equal(own, 0);
    uint32_t libc = mapping_find(&copy, (uintptr_t)&getppid, 0);
    assert_int_not_equal(libc, MAPPING_NONE);
    assert_non_null(strstr(copy.rows[libc].filename, "libc"));
    assert_int_equal(mapping_find(&copy, (uintptr_t)path, 0), MAPPING_NONE);
    for (uint32_t i = 0; i < copy.count; i++) {
        assert_int_equal(copy.rows[i].start % 4096 + copy.rows[i].limit % 4096 + copy.rows[i].offset % 4096, 0);
        assert_true(copy.rows[i].start < copy.rows[i].limit);
        assert_int_equal(strspn(copy.rows[i].build_id, "0123456789abcdef"), strlen(copy.rows[i].build_id));
    }
    assert_int_equal(strlen(copy.rows[libc].build_id), 40);
    region_free(&region);
}

static void test_refresh_adds_nothing_twice(void **state) {
    uint32_t before = table.count;
    (void)state;
    table.loads = table.unloads = 0; /* as if the loader had changed */
    assert_false(mapping_refresh(&table));
    assert_int_equal(table.count, before);
}

/* Rows by hand: one address in two libraries, one after the other. */
static void test_address_with_a_history(void **state) {
    struct mapping_row rows[] = {
        {.start = 0x1000, .limit = 0x3000, .retired = 2},
        {.start = 0x2000, .limit = 0x4000, .retired = 5},
        {.start = 0x2000, .limit = 0x5000, .retired = 0},
    };
    struct mapping_copy copy = {rows, 3};
    (void)state;
    assert_int_equal(mapping_find(&copy, 0x2800, 0), 2);
    assert_int_equal(mapping_find(&copy, 0x2800, 1), 0);
    assert_int_equal(mapping_find(&copy, 0x2800, 2), 0);
    assert_int_equal(mapping_find(&copy, 0x2800, 3), 1);
    assert_int_equal(mapping_find(&copy, 0x2800, 5), 1);
    assert_int_equal(mapping_find(&copy, 0x2800, 6), 2);
    assert_int_equal(mapping_find(&copy, 0x1800, 0), MAPPING_NONE);
    assert_int_equal(mapping_find(&copy, 0x4fff, 0), 2);
    assert_int_equal(mapping_find(&copy, 0x5000, 0), MAPPING_NONE);
}

static void test_library_that_goes(void **state) {
    struct region region = {0};
    struct mapping_copy copy;
    (void)state;
    void *library = dlopen("liblzma.so.5", RTLD_NOW);
    void *code = library ? dlsym(library, "lzma_code") : NULL;
    if (!code)
        skip();
    mapping_refresh(&table);
    uintptr_t frames[1] = {(uintptr_t)code + 1};
    uint32_t stack = stack_table_intern(&stacks, frames, 1);
    uint32_t generation = table.generation;
    dlclose(library);
    if (!mapping_refresh(&table))
        skip(); /* something else holds it */
    uint32_t retired = stack_table_view(&stacks, stack).retired;
    assert_int_equal(retired, generation + 1);
    assert_true(mapping_copy(&table, &region, &copy));
    assert_int_equal(mapping_find(&copy, frames[0] - 1, 0), MAPPING_NONE);
    uint32_t row = mapping_find(&copy, frames[0] - 1, retired);
    assert_int_not_equal(row, MAPPING_NONE);
    assert_non_null(strstr(copy.rows[row].filename, "liblzma"));
    region_free(&region);
}

static void test_build_id_notes(void **state) {
    struct {
        Elf64_Nhdr other;
        char other_name[8], other_content[8];
        Elf64_Nhdr header;
        char name[4];
        unsigned char id[20];
    } notes = {{6, 5, 1}, "OTHER", "abcde", {4, 20, NT_GNU_BUILD_ID}, "GNU", {0xab, 0x01}};
    char out[2 * MAPPING_BUILD_ID_BYTES + 1];
    (void)state;
    notes.id[19] = 0xff;
    mapping_read_build_id(&notes, sizeof notes, 4, out);
    assert_string_equal(out, "ab010000000000000000000000000000000000ff");
    for (size_t size = 0; size < sizeof notes; size++) {
        mapping_read_build_id(&notes, size, 4, out);
        assert_string_equal(out, "");
    }
    notes.other.n_namesz = UINT32_MAX; /* lies about its length */
    mapping_read_build_id(&notes, sizeof notes, 4, out);
    assert_string_equal(out, "");
    notes.other.n_namesz = 6;
    notes.other.n_descsz = UINT32_MAX;
    mapping_read_build_id(&notes, sizeof notes, 4, out);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_program_comes_first), cmocka_unit_test(test_refresh_adds_nothing_twice),
        cmocka_unit_test(test_address_with_a_history),  cmocka_unit_test(test_library_that_goes),
        cmocka_unit_test(test_build_id_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
