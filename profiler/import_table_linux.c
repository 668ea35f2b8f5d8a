/* Steps: 1. from the link map to the dynamic section: symbols, strings, and both lists of relocations.  2.
 * every relocation that fills a slot with the address of the named function is overwritten; where the slot
 * lies in the part that the loader made read-only, that page is writable for the moment.
 *
 * Locks: none; the caller is alone with the library. Allocation: none. */
#include "profiler/import_table.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/os.h"
#include "profiler/loader.h"

#if defined(__x86_64__)
#define IS_FUNCTION_SLOT(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#else
#define IS_FUNCTION_SLOT(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#endif

struct imports {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * calls, *others;
    size_t calls_size, others_size;
};

static struct imports read_dynamic(const struct link_map *map) {
    struct imports imports = {.base = map->l_addr};
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        const void *address = (const void *)entry->d_un.d_ptr; /* the loader has added the base */
        if (entry->d_tag == DT_SYMTAB)
            imports.symbols = address;
        else if (entry->d_tag == DT_STRTAB)
            imports.strings = address;
        else if (entry->d_tag == DT_JMPREL)
            imports.calls = address;
        else if (entry->d_tag == DT_PLTRELSZ)
            imports.calls_size = entry->d_un.d_val;
        else if (entry->d_tag == DT_RELA)
            imports.others = address;
        else if (entry->d_tag == DT_RELASZ)
            imports.others_size = entry->d_un.d_val;
    }
    return imports;
}

static bool is_read_only(uintptr_t slot) {
    struct dl_phdr_info info;
    if (!loader_find_object(slot, &info))
        return false;
    for (size_t i = 0; i < info.dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info.dlpi_phdr[i];
        if (segment->p_type == PT_GNU_RELRO && slot - (info.dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

static bool write_slot(uintptr_t slot, void *function) {
    size_t page_size = os_page_size();
    void *page = (void *)align_down(slot, page_size);
    bool read_only = is_read_only(slot);
    if (read_only && mprotect(page, page_size, PROT_READ | PROT_WRITE) != 0)
        return false;
    *(void **)slot = function;
    if (read_only)
        mprotect(page, page_size, PROT_READ);
    return true;
}

static bool replace_in(const struct imports *imports, const ElfW(Rela) * list, size_t size, const char *name,
                       void *function) {
    bool replaced = false;
    for (size_t i = 0; list && i < size / sizeof *list; i++) {
        const char *symbol = imports->strings + imports->symbols[ELF64_R_SYM(list[i].r_info)].st_name;
        if (IS_FUNCTION_SLOT(ELF64_R_TYPE(list[i].r_info)) && strcmp(symbol, name) == 0)
            replaced |= write_slot(imports->base + list[i].r_offset, function);
    }
    return replaced;
}

bool import_table_replace(void *library, const char *name, void *function) {
    struct link_map *map;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0)
        return false;
    struct imports imports = read_dynamic(map);
    if (!imports.symbols || !imports.strings)
        return false;
    bool in_calls = replace_in(&imports, imports.calls, imports.calls_size, name, function);
    bool in_others = replace_in(&imports, imports.others, imports.others_size, name, function);
    return in_calls || in_others;
}
