/* The two inputs of the symbolizer that somebody else may have made, chosen by the first byte:
 *
 *   'p'  the mappings and addresses of a profile, against this very program: 25 bytes each, an address, the mapping's
 *        start, its size, its offset and its path. No frame gets a name outside of its mapping
 *   else the bytes of the file that is mapped, with addresses all over its segments: no crash, no endless loop, and a
 *        profile that is whole */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "symbolizer/symbolizer.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
size_t LLVMFuzzerCustomMutator(unsigned char *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(unsigned char *data, size_t size, size_t room);

enum { MAX_MAPPINGS = 16, ADDRESSES_OF_SEGMENT = 48, RECORD = 25 };

static void ignore(void *context, const char *subject, const char *text) {
    (void)context;
    CHECK(subject && text);
}

static string_id add_text(struct profile *profile, const char *text) {
    profile->strings[profile->string_count] = (struct profile_string){text, (uint32_t)strlen(text)};
    return profile->string_count++;
}

static void allocate(struct profile *profile, size_t mappings, size_t locations) {
    *profile = (struct profile){0};
    profile->strings = region_alloc(&profile->region, (mappings * 2 + 1) * sizeof *profile->strings);
    profile->mappings = region_alloc(&profile->region, (mappings + 1) * sizeof *profile->mappings);
    profile->locations = region_alloc(&profile->region, (locations + 1) * sizeof *profile->locations);
    CHECK(profile->strings && profile->mappings && profile->locations);
    add_text(profile, "");
}

static void check_location(const struct profile *profile, const struct profile_location *location) {
    CHECK(location->first_line <= profile->line_count &&
          location->line_count <= profile->line_count - location->first_line);
    if (location->line_count) {
        const struct profile_mapping *mapping = &profile->mappings[location->mapping];
        CHECK(location->address >= mapping->start && location->address < mapping->limit);
    }
    for (uint32_t i = 0; i < location->line_count; i++) {
        const struct profile_line *line = &profile->lines[location->first_line + i];
        CHECK(line->function < profile->function_count && line->line >= 0);
        const struct profile_function *function = &profile->functions[line->function];
        CHECK(function->name && function->name < profile->string_count);
        CHECK(function->system_name < profile->string_count && function->filename < profile->string_count);
        CHECK(strlen(profile_text(profile, function->name)) > 0);
    }
}

static struct symbolizer *open_symbolizer(void) {
    const struct module_search search = {0};
    struct symbolizer *symbolizer = symbolizer_open(&search, ignore, NULL);
    CHECK(symbolizer);
    return symbolizer;
}

static void run(struct symbolizer *symbolizer, struct profile *profile) {
    CHECK(symbolizer_run(symbolizer, profile, 0, NULL));
    for (uint32_t i = 0; i < profile->location_count; i++)
        check_location(profile, &profile->locations[i]);
    profile_free(profile);
}

static uint64_t read_number(const unsigned char *bytes) {
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static void name_mappings(const unsigned char *data, size_t size) {
    static char program[4096];
    static struct symbolizer *symbolizer; /* this program is opened once */
    const char *const paths[] = {program, "[vdso]", "", "/memfd:x (deleted)", "relative", "/", "/dev/zero", "//anon"};
    size_t count = size / RECORD < MAX_MAPPINGS ? size / RECORD : MAX_MAPPINGS;
    struct profile profile;
    if (!symbolizer)
        symbolizer = open_symbolizer();
    CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    allocate(&profile, count, count);
    for (size_t i = 0; i < count; i++, data += RECORD) {
        uint64_t start = read_number(data + 8);
        unsigned path = data[24];
        profile.mappings[i] = (struct profile_mapping){.start = start,
                                                       .limit = start + (read_number(data + 16) & 0xffffffff),
                                                       .offset = read_number(data + 16) >> 32 << (path >> 4),
                                                       .filename = add_text(&profile, paths[path % 8])};
        profile.mappings[i].build_id = path & 8 ? add_text(&profile, "00") : 0;
        profile.locations[i] = (struct profile_location){.address = read_number(data), .mapping = (uint32_t)i};
        profile.mapping_count = profile.location_count = (uint32_t)i + 1;
    }
    run(symbolizer, &profile);
}

/* The segments of the file as a loader would map them, as far as they can be read. */
static size_t read_segments(const unsigned char *data, size_t size, Elf64_Phdr *segments) {
    Elf64_Ehdr header;
    size_t count = 0;
    if (size < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    for (size_t i = 0; i < header.e_phnum && count < MAX_MAPPINGS; i++) {
        size_t where = header.e_phoff + i * sizeof *segments;
        if (header.e_phoff > size || where > size - sizeof *segments)
            break;
        memcpy(&segments[count], data + where, sizeof *segments);
        count += segments[count].p_type == PT_LOAD;
    }
    return count;
}

static void name_file(const unsigned char *data, size_t size) {
    Elf64_Phdr segments[MAX_MAPPINGS + 1];
    char path[64];
    struct profile profile;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    size_t count = read_segments(data, size, segments);
    allocate(&profile, count + 1, (count + 1) * ADDRESSES_OF_SEGMENT);
    if (!count) /* a file whose header is spoilt is asked too */
        segments[count++] = (Elf64_Phdr){.p_vaddr = 0x1000, .p_offset = 0x1000, .p_memsz = 0x1000};
    profile.mapping_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = segments[i].p_vaddr, length = segments[i].p_memsz;
        struct profile_mapping *mapping = &profile.mappings[i];
        *mapping = (struct profile_mapping){.start = first & ~UINT64_C(4095),
                                            .limit = (first + length + 4095) & ~UINT64_C(4095),
                                            .offset = segments[i].p_offset & ~UINT64_C(4095),
                                            .filename = add_text(&profile, path)};
        for (size_t k = 0; k < ADDRESSES_OF_SEGMENT; k++)
            profile.locations[profile.location_count++] = (struct profile_location){
                .address = first + length / ADDRESSES_OF_SEGMENT * k + k, .mapping = (uint32_t)i};
    }
    struct symbolizer *symbolizer = open_symbolizer();
    run(symbolizer, &profile);
    symbolizer_close(symbolizer);
    close(fd);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    unsetenv("DEBUGINFOD_URLS");
    if (size && data[0] == 'p')
        name_mappings(data + 1, size - 1);
    else
        name_file(data, size);
    return 0;
}

/* The bytes of the n-th section, or 0 of them. */
static size_t find_section(const unsigned char *data, size_t size, unsigned n, size_t *offset) {
    Elf64_Ehdr header;
    Elf64_Shdr section;
    if (size < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    if (!header.e_shnum || header.e_shoff > size)
        return 0;
    size_t where = header.e_shoff + (size_t)(n % header.e_shnum) * sizeof section;
    if (where > size || size - where < sizeof section)
        return 0;
    memcpy(&section, data + where, sizeof section);
    if (section.sh_type == SHT_NOBITS || section.sh_offset > size || section.sh_size > size - section.sh_offset)
        return 0;
    *offset = section.sh_offset;
    return section.sh_size;
}

/* Most changes of any bytes spoil the header, and the rest of the file is never read. So three of four change one
 * section and leave everything where it is. */
size_t LLVMFuzzerCustomMutator(unsigned char *data, size_t size, size_t room, unsigned seed) {
    size_t offset, length = seed % 4 ? find_section(data, size, seed / 4, &offset) : 0;
    unsigned char *copy = length ? malloc(length) : NULL;
    if (!copy)
        return LLVMFuzzerMutate(data, size, room);
    memcpy(copy, data + offset, length);
    size_t changed = LLVMFuzzerMutate(copy, length, length);
    memcpy(data + offset, copy, changed);
    free(copy);
    return size;
}
