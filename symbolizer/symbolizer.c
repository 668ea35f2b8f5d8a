/* One pass over the locations of a profile.
 *
 *   1. the location's mapping -> module: found and opened on the first location that needs it, kept for the
 * next profile
 *   2. address -> link address, by what the loader added to this mapping
 *   3. DWARF first (it knows inlined calls, files and lines), then the symbol tables; else the location stays
 * bare
 *   4. names are demangled once a function: `functions` and `strings` are sets, and because they number their
 * members in order of arrival, a number is at once the index of what is appended to the profile at the end
 *
 * The arrays of the profile are appended to in its own region, doubling, and the old copies stay there until
 * the profile is freed. Locks: none. Allocates with malloc and from the profile's region. */
#include "symbolizer/symbolizer.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "proto/strtab.h"
#include "symbolizer/demangle.h"
#include "symbolizer/inlines.h"
#include "symbolizer/module.h"
#include "symbolizer/symtab.h"

enum { MAX_FRAMES = 128 };

struct opened {
    char *path, *build_id;
    struct module *module; /* NULL: not usable, and a warning was given of this path */
    bool is_refused;       /* a warning was given that it cannot be the file of some profile */
    bool is_partial;       /* a warning was given that some of its debug information is not here */
    struct inlines *inlines;
    struct symtab *symtab;
    uint64_t bias, dwarf_bias;
};

struct symbolizer {
    struct search search;
    struct opened **opened;
    size_t opened_count;
};

/* What a run adds to a profile. */
struct addition {
    struct profile *profile;
    struct strtab strings;   /* texts; string id = number + the count before */
    struct strtab functions; /* keys (struct function_key); index = number + the count before */
    uint32_t strings_before, functions_before;
    uint32_t line_capacity, function_capacity;
    struct region keys; /* of `functions` */
};

struct function_key {
    string_id system_name, filename;
    int64_t start_line;
};

struct symbolizer *symbolizer_open(const struct module_search *search, symbolizer_warn warn, void *context) {
    struct symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (!symbolizer)
        return NULL;
    symbolizer->search = (struct search){.places = *search, .notice = {warn, context}};
    symbolizer->search.server = symbol_server_open(&symbolizer->search.notice);
    if (symbolizer->search.server)
        return symbolizer;
    free(symbolizer);
    return NULL;
}

static void close_one(struct opened *opened) {
    inlines_close(opened->inlines);
    symtab_close(opened->symtab);
    module_close(opened->module);
    free(opened->path);
    free(opened->build_id);
    free(opened);
}

void symbolizer_close(struct symbolizer *symbolizer) {
    if (!symbolizer)
        return;
    for (size_t i = 0; i < symbolizer->opened_count; i++)
        close_one(symbolizer->opened[i]);
    symbol_server_close(symbolizer->search.server);
    free(symbolizer->opened);
    free(symbolizer);
}

static bool open_tables(struct opened *opened) {
    Dwfl_Module *file = module_dwfl(opened->module, &opened->bias);
    Dwarf *dwarf = module_dwarf(opened->module, &opened->dwarf_bias);
    if (dwarf && !(opened->inlines = inlines_open(dwarf)))
        return false;
    opened->symtab = symtab_open(file);
    return opened->symtab != NULL;
}

/* Whether the user knows already that another build of this path is not here. */
static bool is_known_missing(const struct symbolizer *symbolizer, const struct opened *opened) {
    for (size_t i = 0; i < symbolizer->opened_count; i++) {
        const struct opened *other = symbolizer->opened[i];
        if (other != opened && !other->module && strcmp(other->path, opened->path) == 0)
            return true;
    }
    return false;
}

static bool open_module(struct symbolizer *symbolizer, struct opened *opened) {
    enum module_status status;
    opened->module = module_open(opened->path, opened->build_id, &symbolizer->search, &status);
    if (opened->module)
        return open_tables(opened);
    if (status == MODULE_NO_MEMORY)
        return false;
    if (*opened->path && is_known_missing(symbolizer, opened))
        return true;
    notice_say(&symbolizer->search.notice, *opened->path ? opened->path : opened->build_id,
               status == MODULE_MISMATCH ? "is another build than the one in the profile; its frames stay unnamed"
                                         : "is not here; its frames stay unnamed");
    return true;
}

/* The opened file of a mapping, opening it the first time. NULL when there is no memory. */
static struct opened *find_opened(struct symbolizer *symbolizer, const char *path, const char *build_id) {
    for (size_t i = 0; i < symbolizer->opened_count; i++) {
        struct opened *opened = symbolizer->opened[i];
        if (strcmp(opened->path, path) == 0 && strcmp(opened->build_id, build_id) == 0)
            return opened;
    }
    struct opened **list = reallocarray(symbolizer->opened, symbolizer->opened_count + 1, sizeof(struct opened *));
    if (!list)
        return NULL;
    symbolizer->opened = list;
    struct opened *opened = calloc(1, sizeof *opened);
    if (!opened)
        return NULL;
    list[symbolizer->opened_count++] = opened;
    opened->path = strdup(path);
    opened->build_id = strdup(build_id);
    return opened->path && opened->build_id && open_module(symbolizer, opened) ? opened : NULL;
}

/* A file that nothing proves and that was written after the profile is another build. */
static bool is_too_new(struct symbolizer *symbolizer, struct opened *opened, int64_t profile_time) {
    int64_t changed;
    if (profile_time <= 0 || !module_is_unproven(opened->module, &changed) || changed <= profile_time)
        return false;
    if (!opened->is_refused)
        notice_say(&symbolizer->search.notice, opened->path,
                   "is newer than the profile, which has no build id of it; its frames stay unnamed unless its "
                   "directory is given with --debug-dir");
    opened->is_refused = true;
    return true;
}

static bool is_mangled(const char *name) { return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0; }

/* Whether the symbol table names the outermost frame better than DWARF: where DWARF lacks the linker's name
 * of a C++ function, and where a C function is exported under another name ("strdup" for "__GI___strdup"). */
static bool prefers_symbol(const struct source_frame *frame, const char *symbol, bool is_exported) {
    if (!frame->name || is_mangled(frame->name))
        return !frame->name;
    return is_mangled(symbol) || (is_exported && !frame->qualified);
}

/* Frames of a link address, innermost first; 0 when nothing covers it. */
static size_t find_frames(struct opened *opened, uint64_t address, struct source_frame *frames) {
    uint64_t numbered = address + opened->bias, described = numbered - opened->dwarf_bias;
    size_t count = opened->inlines ? inlines_find(opened->inlines, described, frames, MAX_FRAMES) : 0;
    bool is_exported;
    const char *symbol = symtab_find(opened->symtab, numbered, &is_exported);
    if (count && symbol && prefers_symbol(&frames[count - 1], symbol, is_exported))
        frames[count - 1].name = symbol;
    for (size_t i = 0; i < count; i++)
        if (!frames[i].name || !*frames[i].name)
            count = 0;
    if (count || !symbol)
        return count;
    frames[0] = (struct source_frame){.name = symbol};
    if (opened->inlines)
        inlines_find_line(opened->inlines, described, &frames[0]);
    return 1;
}

/* Room for one more item at the end of an array of the profile. */
static void *append(struct profile *profile, void **array, uint32_t count, uint32_t *capacity, size_t size) {
    if (count >= *capacity) {
        uint32_t larger = count < UINT32_MAX / 4 ? count * 2 + 64 : 0;
        void *items = larger ? region_alloc(&profile->region, larger * size) : NULL;
        if (!items)
            return NULL;
        if (count)
            memcpy(items, *array, count * size);
        *array = items;
        *capacity = larger;
    }
    return (char *)*array + count * size;
}

static string_id add_bytes(struct addition *addition, const char *text, size_t length) {
    if (!length)
        return 0;
    string_id number = strtab_intern(&addition->strings, text, length, NULL);
    return number == PROFILE_NONE ? PROFILE_NONE : number + addition->strings_before;
}

static string_id add_string(struct addition *addition, const char *text) {
    return add_bytes(addition, text ? text : "", text ? strlen(text) : 0);
}

static bool fill_function(struct addition *addition, struct profile_function *function, const struct function_key *key,
                          const struct source_frame *frame) {
    char *readable = frame->qualified ? strdup(frame->qualified) : demangle_name(frame->name);
    string_id name = readable ? add_string(addition, readable) : PROFILE_NONE;
    free(readable);
    *function = (struct profile_function){name, key->system_name, key->filename, key->start_line};
    return name != PROFILE_NONE;
}

/* Index of the frame's function in the profile, or PROFILE_NONE when there is no memory. */
static uint32_t add_function(struct addition *addition, const struct source_frame *frame) {
    struct function_key key;
    memset(&key, 0, sizeof key);
    key.system_name = add_bytes(addition, frame->name, demangle_measure(frame->name));
    key.filename = add_string(addition, frame->file);
    key.start_line = frame->start_line;
    bool is_new;
    if (key.system_name == PROFILE_NONE || key.filename == PROFILE_NONE)
        return PROFILE_NONE;
    string_id number = strtab_intern(&addition->functions, (const char *)&key, sizeof key, &is_new);
    if (number == PROFILE_NONE)
        return PROFILE_NONE;
    uint32_t index = number + addition->functions_before;
    if (!is_new)
        return index;
    struct profile *profile = addition->profile;
    void *array = profile->functions;
    struct profile_function *function =
        append(profile, &array, index, &addition->function_capacity, sizeof *profile->functions);
    profile->functions = array;
    if (!function || !fill_function(addition, function, &key, frame))
        return PROFILE_NONE;
    profile->function_count = index + 1;
    return index;
}

static bool add_lines(struct addition *addition, struct profile_location *location, const struct source_frame *frames,
                      size_t count) {
    struct profile *profile = addition->profile;
    uint32_t first = profile->line_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t function = add_function(addition, &frames[i]);
        if (function == PROFILE_NONE)
            return false;
        void *array = profile->lines;
        struct profile_line *line =
            append(profile, &array, profile->line_count, &addition->line_capacity, sizeof *profile->lines);
        profile->lines = array;
        if (!line)
            return false;
        *line = (struct profile_line){.function = function, .line = frames[i].line};
        profile->line_count++;
    }
    location->first_line = first;
    location->line_count = (uint32_t)count;
    return true;
}

static bool append_strings(struct addition *addition) {
    struct profile *profile = addition->profile;
    uint32_t more = addition->strings.count;
    if (!more)
        return true;
    if (more > UINT32_MAX - profile->string_count)
        return false;
    size_t before = profile->string_count * sizeof *profile->strings;
    struct profile_string *strings = region_alloc(&profile->region, before + more * sizeof *strings);
    if (!strings)
        return false;
    memcpy(strings, profile->strings, before);
    memcpy(strings + profile->string_count, addition->strings.strings, more * sizeof *strings);
    profile->strings = strings;
    profile->string_count += more;
    return true;
}

void symbolizer_guess_bases(const struct profile *profile, uint64_t *bases) {
    for (uint32_t i = 0; i < profile->mapping_count; i++)
        bases[i] = profile->mappings[i].start - profile->mappings[i].offset;
}

/* What is mapped but is no file that could be found: the kernel's own, anonymous memory, devices. */
static bool is_special(const char *path, const char *build_id) {
    static const char *const without_file[] = {"/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "anon_inode:"};
    if (*path == '[' || strncmp(path, "//", 2) == 0 || (!*path && !*build_id))
        return true;
    for (size_t i = 0; !*build_id && i < sizeof without_file / sizeof *without_file; i++)
        if (strncmp(path, without_file[i], strlen(without_file[i])) == 0)
            return true;
    return false;
}

/* Opens the files of the mappings that have bare locations: files[i] is NULL for the others, and where the mapping is
 * none of the file's. */
static bool open_mappings(struct symbolizer *symbolizer, const struct profile *profile, int64_t made,
                          const bool *is_wanted, uint64_t *bases, struct opened **files) {
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];
        const char *path = profile_text(profile, mapping->filename);
        const char *build_id = profile_text(profile, mapping->build_id);
        if (!is_wanted[i] || is_special(path, build_id))
            continue;
        struct opened *opened = find_opened(symbolizer, path, build_id);
        if (!opened)
            return false;
        if (opened->module && mapping->start < mapping->limit && !is_too_new(symbolizer, opened, made) &&
            module_base(opened->module, mapping->start, mapping->limit, mapping->offset, &bases[i]))
            files[i] = opened;
    }
    return true;
}

static bool is_bare(const struct profile *profile, const struct profile_location *location) {
    return location->line_count == 0 && location->mapping != PROFILE_NONE &&
           !profile->mappings[location->mapping].has_functions;
}

static bool name_locations(struct addition *addition, struct opened *const *files, const uint64_t *bases) {
    struct profile *profile = addition->profile;
    for (uint32_t i = 0; i < profile->location_count; i++) {
        struct profile_location *location = &profile->locations[i];
        if (!is_bare(profile, location) || !files[location->mapping])
            continue;
        const struct profile_mapping *mapping = &profile->mappings[location->mapping];
        if (location->address < mapping->start || location->address >= mapping->limit)
            continue;
        struct source_frame frames[MAX_FRAMES];
        size_t count = find_frames(files[location->mapping], location->address - bases[location->mapping], frames);
        if (count && !add_lines(addition, location, frames, count))
            return false;
    }
    return true;
}

static void lower_flags(const struct profile *profile, const struct profile_location *location,
                        struct profile_mapping *mapping) {
    mapping->has_functions &= location->line_count > 0;
    for (uint32_t i = 0; i < location->line_count; i++) {
        const struct profile_line *line = &profile->lines[location->first_line + i];
        bool has_file = line->function != PROFILE_NONE && profile->functions[line->function].filename;
        mapping->has_functions &= line->function != PROFILE_NONE;
        mapping->has_filenames &= has_file;
        mapping->has_line_numbers &= line->line != 0;
    }
}

/* Raises the flags of the mappings that were worked on, then lowers those that some location contradicts. */
static void set_flags(struct profile *profile, struct opened *const *files) {
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        struct profile_mapping *mapping = &profile->mappings[i];
        if (files[i])
            mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = true;
    }
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        if (location->mapping != PROFILE_NONE && files[location->mapping])
            lower_flags(profile, location, &profile->mappings[location->mapping]);
    }
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        struct profile_mapping *mapping = &profile->mappings[i];
        if (files[i]) {
            mapping->has_filenames &= mapping->has_functions;
            mapping->has_line_numbers &= mapping->has_filenames;
            mapping->has_inline_frames = mapping->has_line_numbers;
        }
    }
}

static void tell_of_lost_units(struct symbolizer *symbolizer) {
    for (size_t i = 0; i < symbolizer->opened_count; i++) {
        struct opened *opened = symbolizer->opened[i];
        if (opened->is_partial || !opened->inlines || !inlines_has_lost_unit(opened->inlines))
            continue;
        opened->is_partial = true;
        notice_say(&symbolizer->search.notice, opened->path,
                   "has debug information in .dwo files that are not here; inlined calls are missing");
    }
}

static bool run(struct symbolizer *symbolizer, struct profile *profile, int64_t made, uint64_t *bases, bool *is_wanted,
                struct opened **files) {
    for (uint32_t i = 0; i < profile->location_count; i++)
        if (is_bare(profile, &profile->locations[i]))
            is_wanted[profile->locations[i].mapping] = true;
    if (!open_mappings(symbolizer, profile, made, is_wanted, bases, files))
        return false;
    struct addition addition = {.profile = profile,
                                .strings_before = profile->string_count,
                                .functions_before = profile->function_count,
                                .line_capacity = profile->line_count,
                                .function_capacity = profile->function_count};
    strtab_init(&addition.strings, &profile->region);
    strtab_init(&addition.functions, &addition.keys);
    bool ok = name_locations(&addition, files, bases) && append_strings(&addition);
    region_free(&addition.keys);
    tell_of_lost_units(symbolizer);
    if (ok)
        set_flags(profile, files);
    return ok;
}

bool symbolizer_run(struct symbolizer *symbolizer, struct profile *profile, int64_t made, uint64_t *bases) {
    size_t count = (size_t)profile->mapping_count + 1;
    bool *is_wanted = calloc(count, sizeof *is_wanted);
    struct opened **files = calloc(count, sizeof(struct opened *));
    uint64_t *own_bases = calloc(count, sizeof *own_bases);
    bool ok = is_wanted && files && own_bases;
    if (ok) {
        uint64_t *used = bases ? bases : own_bases;
        symbolizer_guess_bases(profile, used);
        ok = run(symbolizer, profile, made, used, is_wanted, files);
    }
    free(is_wanted);
    free(files);
    free(own_bases);
    return ok;
}
