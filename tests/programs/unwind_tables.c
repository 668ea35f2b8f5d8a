/* What profiler/eh_frame reads in a file's unwind tables, against what elfutils reads there: for every row of every
 * entry, the CFA, the frame pointer's and the return address's places. Both readings are evaluated on the same made-up
 * frame, whose memory is a hash of the address, so that equal results mean equal places.
 *
 * Arguments: ELF files. Prints a line of counts for each; exit 1 when anything differs. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profiler/eh_frame.h"
#include "profiler/unwind_machine.h"

static const uint64_t made_up_sp = 0x7ffd00001000, made_up_fp = 0x7ffd00005550;

struct image {
    struct dl_phdr_info object;
    GElf_Phdr *segments;
    const uint32_t *table; /* pairs */
    size_t count;
    uintptr_t header;
};

struct counts {
    size_t entries, rows, compact, wide, ends, cut, unknown_to_elfutils, fp_lost, different;
};

/* The segments of a file where a loader would put them, relative to each other. */
static struct image map_file(int fd, Elf *elf) {
    struct image image = {0};
    size_t count, end = 0;
    elf_getphdrnum(elf, &count);
    image.segments = calloc(count, sizeof *image.segments);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr *segment = &image.segments[i];
        gelf_getphdr(elf, (int)i, segment);
        if (segment->p_type == PT_LOAD && segment->p_vaddr + segment->p_memsz > end)
            end = segment->p_vaddr + segment->p_memsz;
    }
    char *base = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr *segment = &image.segments[i];
        if (segment->p_type == PT_LOAD && pread(fd, base + segment->p_vaddr, segment->p_filesz,
                                                (off_t)segment->p_offset) != (ssize_t)segment->p_filesz)
            exit(2);
        if (segment->p_type == PT_GNU_EH_FRAME)
            image.header = (uintptr_t)base + segment->p_vaddr;
    }
    image.object.dlpi_addr = (uintptr_t)base;
    image.object.dlpi_phdr = (const void *)image.segments;
    image.object.dlpi_phnum = (uint16_t)count;
    image.count = ((const uint32_t *)image.header)[2]; /* udata4, as every linker writes it */
    image.table = (const uint32_t *)image.header + 3;
    return image;
}

static uint64_t memory(uint64_t address) {
    return (address * UINT64_C(0x9e3779b97f4a7c15)) ^ (address >> 7) ^ 0x1234567;
}

/* DWARF operations as elfutils hands them out. False: one that is not known here. */
static bool evaluate(const Dwarf_Op *ops, size_t count, uint64_t pc, uint64_t cfa, uint64_t *result) {
    uint64_t stack[32] = {0};
    int top = -1;
    for (size_t i = 0; i < count; i++) {
        uint8_t op = ops[i].atom;
        if (top > 28 || top < -1)
            return false;
        if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
            stack[++top] = op - DW_OP_lit0;
        else if ((op >= DW_OP_breg0 && op <= DW_OP_breg31) || op == DW_OP_bregx) {
            uint64_t number = op == DW_OP_bregx ? ops[i].number : op - DW_OP_breg0;
            uint64_t plus = op == DW_OP_bregx ? ops[i].number2 : ops[i].number;
            if (number == UNWIND_REGISTER_SP)
                stack[++top] = made_up_sp + plus;
            else if (number == UNWIND_REGISTER_FP)
                stack[++top] = made_up_fp + plus;
            else if (number == UNWIND_REGISTER_RA)
                stack[++top] = pc + plus;
            else
                return false;
        } else if (op == DW_OP_call_frame_cfa)
            stack[++top] = cfa;
        else if (op >= DW_OP_const1u && op <= DW_OP_consts)
            stack[++top] = ops[i].number;
        else if (op == DW_OP_deref)
            stack[top] = memory(stack[top]);
        else if (op == DW_OP_plus_uconst)
            stack[top] += ops[i].number;
        else {
            uint64_t b = stack[top--], a = stack[top];
            switch (op) {
            case DW_OP_plus:
                stack[top] = a + b;
                break;
            case DW_OP_minus:
                stack[top] = a - b;
                break;
            case DW_OP_and:
                stack[top] = a & b;
                break;
            case DW_OP_shl:
                stack[top] = a << b;
                break;
            case DW_OP_ge:
                stack[top] = (int64_t)a >= (int64_t)b;
                break;
            default:
                return false;
            }
        }
    }
    *result = top >= 0 ? stack[top] : 0;
    return top >= 0;
}

enum meaning { SAME, GONE, PLACE, OTHER };

/* Where the caller's register is, by elfutils. */
static enum meaning register_place(Dwarf_Frame *frame, int number, uint64_t pc, uint64_t cfa, uint64_t *address) {
    Dwarf_Op memory_of_ops[3], *ops;
    size_t count;
    if (dwarf_frame_register(frame, number, memory_of_ops, &ops, &count) != 0)
        return OTHER;
    if (count == 0)
        return ops == NULL ? SAME : GONE;
    if (ops[count - 1].atom == DW_OP_stack_value) /* the value itself, not its place */
        return OTHER;
    uint64_t with_cfa = cfa;
    Dwarf_Op first = {.atom = DW_OP_call_frame_cfa};
    if (evaluate(ops, count, pc, with_cfa, address))
        return PLACE;
    (void)first;
    return OTHER;
}

static uint64_t place_of(enum unwind_place place, int64_t offset, uint64_t cfa) {
    uint64_t base = place == UNWIND_IN_CFA ? cfa : place == UNWIND_IN_SP ? made_up_sp : made_up_fp;
    return base + (uint64_t)offset;
}

/* Both the same, or one line that says what is not. */
static bool is_same(const struct unwind_rule *rule, Dwarf_Frame *frame, uint64_t pc, struct counts *counts, char *says,
                    size_t size) {
    Dwarf_Op *ops;
    size_t count;
    uint64_t cfa, address, base = rule->cfa & 1 ? made_up_fp : made_up_sp;
    base += (uint64_t)rule->cfa_offset;
    if (rule->cfa >= UNWIND_BASE_AT_SP)
        base = memory(base) + (uint64_t)rule->cfa_plus;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || !evaluate(ops, count, pc, 0, &cfa))
        return snprintf(says, size, "CFA not known to elfutils"), false;
    if (cfa != base)
        return snprintf(says, size, "CFA %" PRIx64 ", elfutils %" PRIx64, base, cfa), false;
    enum meaning meaning = register_place(frame, UNWIND_REGISTER_RA, pc, cfa, &address);
    if (rule->ra == UNWIND_SAME ? meaning != SAME
                                : meaning != PLACE || address != place_of(rule->ra, rule->ra_offset, cfa))
        return snprintf(says, size, "return address: place %d%+" PRId64 ", elfutils %d %" PRIx64, rule->ra,
                        rule->ra_offset, meaning, address),
               false;
    meaning = register_place(frame, UNWIND_REGISTER_FP, pc, cfa, &address);
    if (rule->fp == UNWIND_LOST) {
        counts->fp_lost++;
        return meaning == OTHER || meaning == GONE ? true : (snprintf(says, size, "frame pointer lost"), false);
    }
    if (rule->fp == UNWIND_SAME ? meaning != SAME && meaning != GONE
                                : meaning != PLACE || address != place_of(rule->fp, rule->fp_offset, cfa))
        return snprintf(says, size, "frame pointer: place %d%+" PRId64 ", elfutils %d %" PRIx64, rule->fp,
                        rule->fp_offset, meaning, address),
               false;
    return true;
}

/* Whether elfutils too finds what a rule cannot express, or the end. */
static bool is_rightly_cut(Dwarf_Frame *frame, uint64_t pc) {
    Dwarf_Op *ops;
    size_t count;
    uint64_t cfa, address;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || !evaluate(ops, count, pc, 0, &cfa))
        return true;
    return register_place(frame, UNWIND_REGISTER_RA, pc, cfa, &address) == OTHER;
}

static void check_row(const struct image *image, uintptr_t vaddr, Dwarf_Frame *frame, struct counts *counts) {
    struct unwind_rule rule;
    char says[200] = "no entry";
    uint64_t word, unused, pc = image->object.dlpi_addr + vaddr;
    counts->rows++;
    bool same = eh_frame_find(&image->object, pc, &rule);
    if (same && rule.ra == UNWIND_END) {
        counts->ends++;
        same = register_place(frame, UNWIND_REGISTER_RA, pc, 0, &unused) == GONE;
    } else if (same && rule.ra == UNWIND_CUT) {
        counts->cut++;
        same = is_rightly_cut(frame, pc);
        snprintf(says, sizeof says, "cut for nothing");
    } else if (same) {
        struct unwind_rule back = {0};
        bool packs = unwind_rule_pack(&rule, 0, &word);
        if (packs)
            back = unwind_rule_unpack(word);
        counts->compact += packs;
        counts->wide += !packs;
        same = is_same(packs ? &back : &rule, frame, pc, counts, says, sizeof says);
    }
    if (!same && counts->different++ < 20)
        printf("  at %" PRIxPTR ": %s\n", vaddr, says);
}

static struct counts check_file(const char *path) {
    struct counts counts = {0};
    int fd = open(path, O_RDONLY);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    Dwarf_CFI *cfi = elf ? dwarf_getcfi_elf(elf) : NULL;
    if (!cfi)
        exit(2);
    struct image image = map_file(fd, elf);
    for (size_t i = 0; i < image.count; i++) {
        Dwarf_Addr start = image.header - image.object.dlpi_addr + (uintptr_t)(int32_t)image.table[2 * i];
        Dwarf_Addr next = i + 1 == image.count
                              ? UINT64_MAX
                              : image.header - image.object.dlpi_addr + (uintptr_t)(int32_t)image.table[2 * i + 2];
        Dwarf_Frame *frame;
        bool found = false;
        for (Dwarf_Addr at = start, from; at < next && dwarf_cfi_addrframe(cfi, at, &frame) == 0; found = true) {
            Dwarf_Addr end;
            bool is_signal;
            dwarf_frame_info(frame, &from, &end, &is_signal);
            check_row(&image, at, frame, &counts);
            if (end - at > 1) /* the last address of the row too */
                check_row(&image, end - 1, frame, &counts);
            free(frame);
            at = end;
        }
        counts.entries++;
        counts.unknown_to_elfutils += !found;
    }
    return counts;
}

int main(int argc, char **argv) {
    size_t different = 0;
    elf_version(EV_CURRENT);
    for (int i = 1; i < argc; i++) {
        struct counts c = check_file(argv[i]);
        printf("%s: %zu entries, %zu rows: %zu in one word, %zu wider, %zu ends, %zu cut (%zu lose the frame pointer); "
               "%zu entries unread by elfutils; %zu differ\n",
               argv[i], c.entries, c.rows, c.compact, c.wide, c.ends, c.cut, c.fp_lost, c.unknown_to_elfutils,
               c.different);
        different += c.different + (c.rows < c.entries - c.unknown_to_elfutils) + (c.entries == 0);
    }
    return different != 0;
}
