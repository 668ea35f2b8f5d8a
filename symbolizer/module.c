/* libdwfl opens the file and reads it together with its separate debug information. What is left to do here is to find
 * the file and to refuse the wrong one.
 *
 *   1. candidates in the order of places.h; only regular files with ELF's magic are opened at all
 *   2. the GNU build id of the candidate is compared with the profile's; a difference ends that candidate
 *   3. where no file is found, the server is asked for the binary, and then for its debug file, which is enough
 *   4. program headers are read once: the segment at the mapping's file offset says what the loader added
 *
 * A file that holds only debug information keeps the segments' addresses but not their file offsets, so there
 * the executable segment of the mapping's size is taken. Locks: none. Allocates with malloc. */
#include "symbolizer/module.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"

enum { SMALL_PAGE = 4096, LARGE_PAGE = 65536 };

struct segment {
    uint64_t offset, file_size, address, memory_size;
    bool is_executable;
};

struct module {
    const struct search *search;
    Dwfl *dwfl;
    Dwfl_Module *file;
    Dwfl_Callbacks callbacks; /* libdwfl keeps a pointer to it */
    uint64_t bias;
    struct build_id id;
    struct debug_link link;
    struct shared_link shared; /* of the binary, or of its debug file once that is found */
    struct segment *segments;
    size_t segment_count;
    int64_t changed;
    bool is_debug_only, is_unproven, has_asked;
};

static bool is_elf(int fd, struct stat *status) {
    char magic[SELFMAG];
    return fstat(fd, status) == 0 && S_ISREG(status->st_mode) && pread(fd, magic, SELFMAG, 0) == SELFMAG &&
           memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static bool read_segments(struct module *module, Elf *elf) {
    size_t count;
    if (elf_getphdrnum(elf, &count) != 0 || !(module->segments = calloc(count ? count : 1, sizeof *module->segments)))
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD)
            continue;
        module->segments[module->segment_count++] =
            (struct segment){header.p_offset, header.p_filesz, header.p_vaddr, header.p_memsz, header.p_flags & PF_X};
    }
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != NULL)
        if (gelf_getshdr(section, &header) && (header.sh_flags & SHF_EXECINSTR) && header.sh_type == SHT_NOBITS)
            module->is_debug_only = true;
    return true;
}

static int open_debug(struct module *module, const char *path, char **found) {
    int fd = debug_file_open(module->search, path, &module->id, &module->link, found);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    if (elf)
        debug_file_read_shared_link(elf, &module->shared);
    elf_end(elf);
    return fd;
}

/* libdwfl's question for a debug file, named by the debug link or not at all, and for what that shares with others,
 * which is named by another section. It asks again when it looks for symbols. */
static int find_debug(Dwfl_Module *file, void **user_data, const char *name, Dwarf_Addr base, const char *path,
                      const char *link, GElf_Word checksum, char **found) {
    struct module *module = *user_data;
    (void)file, (void)name, (void)base, (void)checksum;
    bool is_shared = link && !(module->link.name && strcmp(link, module->link.name) == 0);
    if (is_shared)
        return strcmp(link, module->shared.name) == 0
                   ? debug_file_open_shared(module->search, path, &module->shared, found)
                   : -1;
    if (module->has_asked)
        return -1;
    module->has_asked = true;
    return open_debug(module, path, found);
}

/* Takes the descriptor. */
static bool open_dwfl(struct module *module, const char *path, int fd) {
    module->callbacks = (Dwfl_Callbacks){.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = find_debug,
                                         .section_address = dwfl_offline_section_address};
    module->dwfl = dwfl_begin(&module->callbacks);
    if (!module->dwfl) {
        close(fd);
        return false;
    }
    dwfl_report_begin(module->dwfl);
    module->file = dwfl_report_offline(module->dwfl, path, path, fd);
    dwfl_report_end(module->dwfl, NULL, NULL);
    if (!module->file) {
        close(fd);
        return false;
    }
    GElf_Addr bias;
    GElf_Word checksum = 0;
    void **user_data;
    Elf *elf = dwfl_module_getelf(module->file, &bias);
    dwfl_module_info(module->file, &user_data, NULL, NULL, NULL, NULL, NULL, NULL);
    *user_data = module;
    if (!elf || !read_segments(module, elf))
        return false;
    module->bias = bias;
    build_id_read(&module->id, elf);
    module->link.name = dwelf_elf_gnu_debuglink(elf, &checksum);
    module->link.checksum = checksum;
    debug_file_read_shared_link(elf, &module->shared);
    return true;
}

struct attempt {
    const struct search *search;
    const struct build_id *id; /* what the profile says */
    struct module *module;
    enum module_status status;
};

/* Takes the descriptor. True ends the search: the module is there, or no memory is. */
static bool try_open(struct attempt *attempt, const char *path, int fd, enum place_kind kind) {
    struct stat status;
    if (!is_elf(fd, &status)) {
        close(fd);
        return false;
    }
    struct module *module = calloc(1, sizeof *module);
    if (!module) {
        close(fd);
        attempt->status = MODULE_NO_MEMORY;
        return true;
    }
    module->search = attempt->search;
    module->is_unproven = !attempt->id->length && kind == PLACE_MAPPED;
    module->changed = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
    if (open_dwfl(module, path, fd)) {
        if (!attempt->id->length || build_id_is_equal(attempt->id, &module->id)) {
            attempt->status = MODULE_OK;
            attempt->module = module;
            return true;
        }
        attempt->status = MODULE_MISMATCH;
    }
    module_close(module);
    return false;
}

static bool try_path(void *context, const char *path, enum place_kind kind) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 && try_open(context, path, fd, kind);
}

static bool try_server(struct attempt *attempt, const char *subject, enum symbol_server_kind kind) {
    char *path = NULL;
    int fd = symbol_server_fetch(attempt->search->server, attempt->id, kind, subject, &path);
    bool is_done = fd >= 0 && try_open(attempt, path ? path : subject, fd, PLACE_SYSTEM);
    free(path);
    return is_done;
}

struct module *module_open(const char *path, const char *build_id, const struct search *search,
                           enum module_status *status) {
    struct build_id id;
    struct attempt attempt = {.search = search, .id = &id, .status = MODULE_NOT_FOUND};
    if (build_id_parse(&id, build_id) && !places_walk_binary(path, &id, &search->places, try_path, &attempt) &&
        !try_server(&attempt, path, SYMBOL_SERVER_BINARY))
        try_server(&attempt, path, SYMBOL_SERVER_DEBUG);
    *status = attempt.status;
    return attempt.module;
}

void module_close(struct module *module) {
    if (!module)
        return;
    if (module->dwfl)
        dwfl_end(module->dwfl);
    free(module->segments);
    free(module);
}

/* The segment that was mapped at this file offset by a kernel with pages of this size; executable ones first,
 * because a page of the file can hold the end of one segment and the begin of the next. */
static const struct segment *find_mapped(const struct module *module, uint64_t offset, uint64_t page) {
    const struct segment *best = NULL;
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t first = align_down(segment->offset, page);
        if (offset < first || offset - first >= segment->offset - first + segment->file_size)
            continue;
        bool is_better = !best || (segment->is_executable && !best->is_executable) ||
                         (segment->is_executable == best->is_executable && first == offset);
        if (is_better)
            best = segment;
    }
    return best;
}

/* An executable segment can be recognised by its size in pages, where no other has the same. */
static bool base_of_debug_file(const struct module *module, uint64_t start, uint64_t limit, uint64_t *base) {
    size_t found = 0;
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t first = align_down(segment->address, SMALL_PAGE);
        uint64_t size = align_up(segment->address + segment->memory_size, SMALL_PAGE) - first;
        if (segment->is_executable && size == limit - start) {
            *base = start - first;
            found++;
        }
    }
    return found == 1;
}

bool module_base(const struct module *module, uint64_t start, uint64_t limit, uint64_t offset, uint64_t *base) {
    if (module->is_debug_only)
        return base_of_debug_file(module, start, limit, base);
    for (uint64_t page = SMALL_PAGE; page <= LARGE_PAGE; page *= 4) {
        const struct segment *segment = find_mapped(module, offset, page);
        if (segment) {
            *base = start - (offset - segment->offset + segment->address);
            return true;
        }
    }
    return false;
}

bool module_is_unproven(const struct module *module, int64_t *changed) {
    *changed = module->changed;
    return module->is_unproven;
}

struct Dwfl_Module *module_dwfl(const struct module *module, uint64_t *bias) {
    *bias = module->bias;
    return module->file;
}

/* What dwz moved out of the debug information into a file of its own is found by libdw too, but not compared. */
static bool has_right_shared_file(struct module *module, Dwarf *dwarf) {
    const char *name;
    const void *bytes;
    struct build_id wanted, found = {0};
    ssize_t length = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &bytes);
    Dwarf *shared = length > 0 ? dwarf_getalt(dwarf) : NULL;
    if (length <= 0)
        return true;
    if (!shared) {
        notice_say(&module->search->notice, name, "is not here; frames whose names are in it have fewer details");
        return true;
    }
    build_id_read(&found, dwarf_getelf(shared));
    return build_id_set(&wanted, bytes, (size_t)length) && build_id_is_equal(&wanted, &found);
}

struct Dwarf *module_dwarf(struct module *module, uint64_t *bias) {
    Dwarf_Addr added = 0;
    Dwarf *dwarf = dwfl_module_getdwarf(module->file, &added);
    *bias = added;
    return dwarf && has_right_shared_file(module, dwarf) ? dwarf : NULL;
}
