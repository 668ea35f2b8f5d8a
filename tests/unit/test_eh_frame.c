/* Unwind tables that are damaged: a copy of the C library's segments, with memory that cannot be read around them, in
 * which random bytes of the tables are changed. Nothing outside may be read, and nothing may run for ever; and what was
 * not changed reads as before. The packing of rules. */
#include "profiler/eh_frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profiler/loader.h"
#include "tests/support/unit.h"

enum { MARGIN = 1 << 16 };

static struct dl_phdr_info original, copy;
static ElfW(Phdr) segments_of_copy[32]; /* those that were not copied say that they cannot be read */
static uintptr_t code_start, code_size;

static uintptr_t page_up(uintptr_t address) { return (address + 0xffff) & ~(uintptr_t)0xffff; }

/* The segments that are not written to; the tables are in one of them, on aarch64 beside the code. All else cannot be
 * read. Each copy ends where its segment does, at the end of a page where that can be. */
static void copy_object(void) {
    uintptr_t end = 0;
    loader_start();
    if (!loader_find_object((uintptr_t)&getppid, &original))
        return;
    copy = original;
    memcpy(segments_of_copy, original.dlpi_phdr, original.dlpi_phnum * sizeof *segments_of_copy);
    copy.dlpi_phdr = segments_of_copy;
    for (size_t i = 0; i < original.dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &original.dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_vaddr + segment->p_memsz > end)
            end = segment->p_vaddr + segment->p_memsz;
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            code_start = segment->p_vaddr;
            code_size = segment->p_memsz;
        }
    }
    char *map = mmap(NULL, page_up(end) + 2 * MARGIN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    copy.dlpi_addr = (uintptr_t)map + MARGIN;
    for (size_t i = 0; i < original.dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &original.dlpi_phdr[i];
        uintptr_t start = copy.dlpi_addr + segment->p_vaddr, page = start & ~(uintptr_t)4095;
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) {
            segments_of_copy[i].p_flags = 0;
            continue;
        }
        mprotect((void *)page, start + segment->p_memsz - page, PROT_READ | PROT_WRITE);
        memcpy((void *)start, (const void *)(original.dlpi_addr + segment->p_vaddr), segment->p_memsz);
    }
}

static const ElfW(Phdr) * tables(void) {
    for (size_t i = 0; i < original.dlpi_phnum; i++)
        if (original.dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            return &original.dlpi_phdr[i];
    return NULL;
}

static void assert_same_rule(uintptr_t offset) {
    struct unwind_rule here, there;
    memset(&here, 0, sizeof here);
    memset(&there, 0, sizeof there);
    bool found = eh_frame_find(&original, original.dlpi_addr + offset, &here);
    assert_int_equal(eh_frame_find(&copy, copy.dlpi_addr + offset, &there), found);
    assert_true(here.cfa == there.cfa && here.fp == there.fp && here.ra == there.ra &&
                here.cfa_offset == there.cfa_offset && here.fp_offset == there.fp_offset &&
                here.ra_offset == there.ra_offset);
}

static void test_whole_tables(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++)
        assert_same_rule(code_start + (uintptr_t)rand() % code_size);
}

static void test_damaged_tables(void **state) {
    enum { ROUNDS = 30000, CHANGES = 40, BYTES_OF_INTEREST = 1 << 17 };
    const ElfW(Phdr) *header = tables();
    size_t found = 0;
    (void)state;
    srand(4711);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t *at[CHANGES], old[CHANGES];
        uint8_t *start = (uint8_t *)(copy.dlpi_addr + header->p_vaddr);
        for (int i = 0; i < CHANGES; i++) {
            size_t reach = i == 0 ? 12 : i < 4 ? header->p_memsz : BYTES_OF_INTEREST;
            at[i] = start + (size_t)rand() % reach;
            old[i] = *at[i];
            *at[i] = (uint8_t)rand();
        }
        for (int i = 0; i < 100; i++) {
            struct unwind_rule rule;
            found += eh_frame_find(&copy, copy.dlpi_addr + code_start + (uintptr_t)rand() % code_size, &rule);
        }
        for (int i = CHANGES; i-- > 0;)
            *at[i] = old[i];
    }
    assert_true(found > ROUNDS); /* the damage did not hide everything */
    for (int i = 0; i < 1000; i++)
        assert_same_rule(code_start + (uintptr_t)rand() % code_size);
}

/* The table's last words at the last bytes that can be read. */
static void test_tables_cut_short(void **state) {
    const ElfW(Phdr) *header = tables();
    ElfW(Phdr) segments[32];
    struct dl_phdr_info shorter = copy;
    (void)state;
    memcpy(segments, copy.dlpi_phdr, copy.dlpi_phnum * sizeof *segments);
    shorter.dlpi_phdr = segments;
    for (size_t i = 0; i < copy.dlpi_phnum; i++) {
        if (segments[i].p_type != PT_LOAD || header->p_vaddr - segments[i].p_vaddr >= segments[i].p_memsz)
            continue;
        size_t whole = segments[i].p_memsz;
        for (size_t size = header->p_vaddr - segments[i].p_vaddr; size < whole; size += 1 + size / 64) {
            struct unwind_rule rule;
            segments[i].p_memsz = size;
            uintptr_t from = (copy.dlpi_addr + segments[i].p_vaddr + size + 4095) & ~(uintptr_t)4095;
            uintptr_t to = copy.dlpi_addr + segments[i].p_vaddr + whole;
            if (from < to)
                mprotect((void *)from, to - from, PROT_NONE);
            for (int k = 0; k < 50; k++)
                eh_frame_find(&shorter, copy.dlpi_addr + code_start + (uintptr_t)rand() % code_size, &rule);
            if (from < to)
                mprotect((void *)from, to - from, PROT_READ | PROT_WRITE);
        }
    }
}

static void test_packing(void **state) {
    static const int64_t offsets[] = {0, 8, -8, 4096, -4096, 65528, -65536, 2097144, -2097152};
    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct unwind_rule rule = {UNWIND_BASE_AT_FP, UNWIND_IN_FP, UNWIND_IN_CFA, true, offsets[i], 0, -16, -8}, back;
        uint64_t word;
        assert_true(unwind_rule_pack(&rule, 200, &word));
        back = unwind_rule_unpack(word);
        assert_int_equal(unwind_rule_owner(word), 200);
        assert_true(back.cfa == rule.cfa && back.fp == rule.fp && back.ra == rule.ra && back.is_signal);
        assert_int_equal(back.cfa_offset, offsets[i]);
        assert_int_equal(back.fp_offset, -16);
        assert_int_equal(back.ra_offset, -8);
    }
    struct unwind_rule wide[] = {{.cfa_offset = 2097152},  {.cfa_offset = 12},      {.cfa_plus = 8},
                                 {.fp_offset = 65536},     {.ra_offset = -65544},   {.fp_offset = INT64_MIN},
                                 {.cfa_offset = -2097160}, {.ra_offset = INT64_MAX}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        uint64_t word;
        assert_false(unwind_rule_pack(&wide[i], 0, &word));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_tables),
        cmocka_unit_test(test_damaged_tables),
        cmocka_unit_test(test_tables_cut_short),
        cmocka_unit_test(test_packing),
    };
    copy_object();
    if (!original.dlpi_addr)
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
