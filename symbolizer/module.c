/* libdwfl opens the file and finds its separate debug information (build id, debug link, debuginfod where the
 * environment names a server), each checked there against the file. What is left to do here is to find the
 * file and to refuse the wrong one.
 *
 *   1. candidates in the order of the header's comment; only regular files with ELF's magic are opened at all
 *   2. the GNU build id of the candidate is compared with the profile's; a difference ends that candidate
 *   3. program headers are read once: the segment at the mapping's file offset says what the loader added
 *
 * A file that holds only debug information keeps the segments' addresses but not their file offsets, so there
 * the executable segment of the mapping's size is taken. Locks: none. Allocates with malloc. */
#include "symbolizer/module.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"

#define SYSTEM_DEBUG_DIR "/usr/lib/debug"

enum { PATH_LENGTH = 4096, BUILD_ID_LENGTH = 128, SMALL_PAGE = 4096, LARGE_PAGE = 65536 };

struct segment {
    uint64_t offset, file_size, address, memory_size;
    bool is_executable;
};

struct module {
    Dwfl *dwfl;
    Dwfl_Module *file;
    Dwfl_Callbacks callbacks; /* libdwfl keeps a pointer to it */
    char *debug_path;         /* the callbacks keep a pointer to this field */
    uint64_t bias;
    struct segment *segments;
    size_t segment_count;
    bool is_debug_only;
};

static bool is_elf(int fd) {
    struct stat status;
    char magic[SELFMAG];
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && pread(fd, magic, SELFMAG, 0) == SELFMAG &&
           memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* ":.debug:DIR...:SYSTEM": beside the file, its .debug directory, then the directories. */
static char *make_debug_path(const struct module_search *search) {
    size_t size = sizeof ":.debug:" SYSTEM_DEBUG_DIR;
    for (size_t i = 0; i < search->dir_count; i++)
        size += strlen(search->dirs[i]) + 1;
    char *path = malloc(size);
    if (!path)
        return NULL;
    char *end = stpcpy(path, ":.debug");
    for (size_t i = 0; i < search->dir_count; i++) {
        *end++ = ':';
        end = stpcpy(end, search->dirs[i]);
    }
    stpcpy(end, ":" SYSTEM_DEBUG_DIR);
    return path;
}

static bool has_build_id(Dwfl_Module *file, const char *wanted) {
    const unsigned char *bits;
    GElf_Addr where;
    int length = dwfl_module_build_id(file, &bits, &where);
    char text[BUILD_ID_LENGTH] = "";
    for (int i = 0; i < length && (size_t)i * 2 + 2 < sizeof text; i++)
        snprintf(text + (size_t)i * 2, 3, "%02x", bits[i]);
    return strcmp(text, wanted) == 0;
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

static bool open_dwfl(struct module *module, const char *path, int fd) {
    module->callbacks = (Dwfl_Callbacks){.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = dwfl_standard_find_debuginfo,
                                         .section_address = dwfl_offline_section_address,
                                         .debuginfo_path = &module->debug_path};
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
    Elf *elf = dwfl_module_getelf(module->file, &bias);
    module->bias = bias;
    return elf && read_segments(module, elf);
}

static struct module *open_candidate(const char *path, const char *build_id, const struct module_search *search,
                                     enum module_status *status) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    if (!is_elf(fd)) {
        close(fd);
        return NULL;
    }
    struct module *module = calloc(1, sizeof *module);
    if (!module || !(module->debug_path = make_debug_path(search))) {
        close(fd);
        free(module);
        *status = MODULE_NO_MEMORY;
        return NULL;
    }
    if (open_dwfl(module, path, fd)) {
        if (!*build_id || has_build_id(module->file, build_id)) {
            *status = MODULE_OK;
            return module;
        }
        *status = MODULE_MISMATCH;
    }
    module_close(module);
    return NULL;
}

static struct module *open_in_dir(const char *dir, const char *path, const char *build_id,
                                  const struct module_search *search, enum module_status *status) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char candidates[5][PATH_LENGTH];
    snprintf(candidates[0], PATH_LENGTH, "%s/%s/%s", dir, build_id, base);
    snprintf(candidates[1], PATH_LENGTH, "%s/%s", dir, base);
    snprintf(candidates[2], PATH_LENGTH, "%s/%s", dir, path);
    snprintf(candidates[3], PATH_LENGTH, "%s/.build-id/%.2s/%s", dir, build_id,
             strlen(build_id) > 2 ? build_id + 2 : "-");
    snprintf(candidates[4], PATH_LENGTH, "%s/.build-id/%.2s/%s.debug", dir, build_id,
             strlen(build_id) > 2 ? build_id + 2 : "-");
    struct module *module = NULL;
    for (size_t i = 0; i < 5 && !module; i++)
        module = open_candidate(candidates[i], build_id, search, status);
    return module;
}

static bool is_hex(const char *text) { return text[strspn(text, "0123456789abcdef")] == 0; }

struct module *module_open(const char *path, const char *build_id, const struct module_search *search,
                           enum module_status *status) {
    *status = MODULE_NOT_FOUND;
    if (!is_hex(build_id) || strlen(build_id) >= BUILD_ID_LENGTH - 2)
        return NULL;
    struct module *module = *path ? open_candidate(path, build_id, search, status) : NULL;
    for (size_t i = 0; i < search->dir_count && !module; i++)
        module = open_in_dir(search->dirs[i], path, build_id, search, status);
    if (!module && strlen(build_id) > 2) {
        char debug[PATH_LENGTH];
        snprintf(debug, sizeof debug, SYSTEM_DEBUG_DIR "/.build-id/%.2s/%s.debug", build_id, build_id + 2);
        module = open_candidate(debug, build_id, search, status);
    }
    return module;
}

void module_close(struct module *module) {
    if (!module)
        return;
    if (module->dwfl)
        dwfl_end(module->dwfl);
    free(module->debug_path);
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

/* Only the one executable segment can be recognised: by its size in pages. */
static bool base_of_debug_file(const struct module *module, uint64_t start, uint64_t limit, uint64_t *base) {
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t first = align_down(segment->address, SMALL_PAGE);
        uint64_t size = align_up(segment->address + segment->memory_size, SMALL_PAGE) - first;
        if (segment->is_executable && size == limit - start) {
            *base = start - first;
            return true;
        }
    }
    return false;
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

struct Dwfl_Module *module_dwfl(const struct module *module, uint64_t *bias) {
    *bias = module->bias;
    return module->file;
}
