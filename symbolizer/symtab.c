/* Which symbols may name an address, and which of them does:
 *
 *   1. a function symbol with a size covers [value, value + size); nothing outside, however near
 *   2. a function symbol without a size (hand-written assembly) covers the bytes up to the next function
 * symbol or the end of its section, but only where the table also holds local functions: in a stripped file
 * the gap after an exported symbol is full of functions that have lost their names
 *   3. of several that cover it: the smallest; then global before weak before local; then fewer underscores
 * in front, then the shorter, then the alphabetically first name, so that aliases give the same answer every
 * time
 *
 * Locks: none. Allocates with malloc. */
#include "symbolizer/symtab.h"

#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/ranges.h"

struct symbol {
    const char *name;
    uint64_t address, end;
    unsigned binding;
};

struct symtab {
    struct symbol *symbols;
    size_t count;
    struct ranges ranges; /* payload: index of symbols */
};

static bool is_function(const GElf_Sym *symbol) {
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

/* End of the executable section that holds the symbol, in libdwfl's numbering; 0 when there is none. */
static uint64_t find_section_end(Elf *elf, GElf_Word index, GElf_Addr bias) {
    GElf_Shdr header;
    Elf_Scn *section = elf && index < SHN_LORESERVE ? elf_getscn(elf, index) : NULL;
    if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR))
        return 0;
    return header.sh_addr + header.sh_size + bias;
}

static int by_address(const void *a, const void *b) {
    const struct symbol *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* Cuts each at the next function symbol of either kind. The sized ones are sorted already. */
static bool add_sizeless(struct symtab *symtab, struct symbol *sizeless, size_t count) {
    qsort(sizeless, count, sizeof *sizeless, by_address);
    for (size_t i = 0, next = 0; i < count; i++) {
        uint64_t end = sizeless[i].end;
        size_t other = i + 1;
        while (other < count && sizeless[other].address == sizeless[i].address)
            other++;
        if (other < count && sizeless[other].address < end)
            end = sizeless[other].address;
        while (next < symtab->count && symtab->symbols[next].address <= sizeless[i].address)
            next++;
        if (next < symtab->count && symtab->symbols[next].address < end)
            end = symtab->symbols[next].address;
        sizeless[i].end = end;
    }
    for (size_t i = 0; i < count; i++) {
        symtab->symbols[symtab->count] = sizeless[i];
        if (!ranges_add(&symtab->ranges, sizeless[i].address, sizeless[i].end, symtab->count++))
            return false;
    }
    return true;
}

static bool fill(struct symtab *symtab, Dwfl_Module *file, int total) {
    struct symbol *sizeless = calloc((size_t)total + 1, sizeof *sizeless);
    size_t sizeless_count = 0;
    bool has_locals = false, ok = sizeless != NULL;
    for (int i = 1; ok && i < total; i++) {
        GElf_Sym entry;
        GElf_Addr address, bias;
        GElf_Word section;
        Elf *elf;
        const char *name = dwfl_module_getsym_info(file, i, &entry, &address, &section, &elf, &bias);
        if (!name || !*name || !is_function(&entry))
            continue;
        unsigned binding = GELF_ST_BIND(entry.st_info);
        has_locals |= binding == STB_LOCAL;
        struct symbol symbol = {name, address, 0, binding};
        if (entry.st_size) {
            symbol.end = address + entry.st_size;
            symtab->symbols[symtab->count++] = symbol;
        } else if ((symbol.end = find_section_end(elf, section, bias)) > address) {
            sizeless[sizeless_count++] = symbol;
        }
    }
    qsort(symtab->symbols, symtab->count, sizeof *symtab->symbols, by_address);
    for (size_t i = 0; ok && i < symtab->count; i++)
        ok = ranges_add(&symtab->ranges, symtab->symbols[i].address, symtab->symbols[i].end, i);
    ok = ok && (!has_locals || add_sizeless(symtab, sizeless, sizeless_count)) && ranges_seal(&symtab->ranges);
    free(sizeless);
    return ok;
}

struct symtab *symtab_open(struct Dwfl_Module *file) {
    struct symtab *symtab = calloc(1, sizeof *symtab);
    int total = dwfl_module_getsymtab(file);
    if (!symtab || total <= 0)
        return symtab;
    symtab->symbols = calloc((size_t)total, sizeof *symtab->symbols);
    if (symtab->symbols && fill(symtab, file, total))
        return symtab;
    symtab_close(symtab);
    return NULL;
}

static unsigned rank_binding(unsigned binding) { return binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2; }

static bool is_better(const struct symtab *symtab, const struct range *a, const struct range *b) {
    const struct symbol *x = &symtab->symbols[a->payload], *y = &symtab->symbols[b->payload];
    if (a->high - a->low != b->high - b->low)
        return a->high - a->low < b->high - b->low;
    if (rank_binding(x->binding) != rank_binding(y->binding))
        return rank_binding(x->binding) < rank_binding(y->binding);
    size_t underscores_x = strspn(x->name, "_"), underscores_y = strspn(y->name, "_");
    if (underscores_x != underscores_y)
        return underscores_x < underscores_y;
    size_t length_x = strlen(x->name), length_y = strlen(y->name);
    return length_x != length_y ? length_x < length_y : strcmp(x->name, y->name) < 0;
}

const char *symtab_find(const struct symtab *symtab, uint64_t address, bool *is_exported) {
    const struct range *best = NULL, *range = NULL;
    while ((range = ranges_find(&symtab->ranges, address, range)) != NULL)
        if (!best || is_better(symtab, range, best))
            best = range;
    *is_exported = best && symtab->symbols[best->payload].binding != STB_LOCAL;
    return best ? symtab->symbols[best->payload].name : NULL;
}

void symtab_close(struct symtab *symtab) {
    if (!symtab)
        return;
    ranges_free(&symtab->ranges);
    free(symtab->symbols);
    free(symtab);
}
