/* The reader of profiles that are text, line by line:
 *
 *   1. the first line says the dialect, whether the numbers are sampled, and the period
 *   2. a line of counts and addresses is a sample; in jemalloc's dialect a line of addresses and, after it, the
 *      line of all threads' counts ("t*:") are one, and the lines of single threads are passed over
 *   3. comments may name frames (go_names.c)
 *   4. behind a title line comes the memory map (memory_map.c)
 *
 * Values, locations, the label and the frames to drop are those of `go tool pprof` on the same file. It does not
 * read jemalloc's dialect; there values are jeprof's, and sums are rounded instead of cut.
 *
 * A line that is neither of these is an error, and so is a sample in whose middle the file ends: half an address
 * would be another one. A file may end anywhere else.
 *
 * Locks: none. Allocation: regions, and the C library's sort. For tools only. */
#include "proto/legacy.h"

#include <string.h>

#include "proto/go_names.h"
#include "proto/legacy_counts.h"
#include "proto/legacy_profile.h"
#include "proto/memory_map.h"

/* Frames of allocators, from the program's call of one to the leaf: the names that pprof drops from text
 * profiles, in shorter expressions, and jemalloc's own. */
#define ALLOCATORS                                                                                                     \
    "(tc_)?(calloc|cfree|malloc|free|memalign|posix_memalign|pvalloc|valloc|realloc)|do_memalign|__posix_memalign|"    \
    "tcmalloc::.*|tc_(new|delete)(array)?|tc_new(array)?_nothrow|malloc_zone_([mcv]alloc|realloc|memalign|free)|"      \
    "runtime\\..*|BaseArena::.*|(::)?do_malloc(_no_errno|_pages)?|DoSampledAllocation|"                                \
    "MallocedMemBlock::MallocedMemBlock|__libc_malloc|__builtin_(vec_)?(new|delete)|operator new(\\[\\])?|"            \
    "_M_allocate|__gnu_cxx::new_allocator::allocate|(__malloc_alloc_template|simple_alloc)::allocate|allocate|"        \
    "cpp_alloc"
static const char DROP_FRAMES[] = ALLOCATORS;
static const char DROP_FRAMES_JEMALLOC[] = ALLOCATORS
    "|(je_|_rjem_)?(malloc|malloc_default|calloc|realloc|aligned_alloc|memalign|posix_memalign|valloc|[mrx]allocx)";
static const char KEEP_FRAMES[] = "runtime\\.(panic|reflectcall|call[0-9]*)";

struct legacy {
    struct legacy_profile out;
    struct legacy_head head;
    struct go_names names;
    struct text_lines lines;
    uint32_t first_location; /* jemalloc: of the stack that waits for its counts */
    bool is_in_stack;
};

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The line without white space at its ends. */
static struct legacy_text trim(const struct text_line *line) {
    struct legacy_text text = {line->text, line->text + line->length};
    while (text.next < text.end && is_blank(*text.next))
        text.next++;
    while (text.end > text.next && is_blank(text.end[-1]))
        text.end--;
    return text;
}

static bool fail_counts(struct legacy *legacy, enum legacy_result result) {
    return legacy_profile_corrupt(&legacy->out, result == LEGACY_TOO_LARGE
                                                    ? "a number is too large"
                                                    : "a line is neither a sample nor a comment");
}

/* Appends the locations of the addresses in `text` to location_ids. */
static bool add_stack(struct legacy *legacy, struct legacy_text *text) {
    uint64_t address;
    enum legacy_result result;
    while ((result = legacy_next_address(text, &address)) == LEGACY_OK) {
        uint32_t location = legacy_profile_location(&legacy->out, address);
        if (location == PROFILE_NONE)
            return false;
        uint32_t *id = builder_append(&legacy->out.builder, PROFILE_LOCATION_IDS, 1);
        if (!id)
            return legacy_profile_no_room(&legacy->out);
        *id = location;
    }
    if (result == LEGACY_TOO_LARGE)
        return legacy_profile_corrupt(&legacy->out, "an address has more than 64 bits");
    if (text->next < text->end && text->next[-1] != ' ' && !is_blank(*text->next))
        return legacy_profile_corrupt(&legacy->out, "an address is malformed");
    return true;
}

static bool scale_pair(struct legacy *legacy, struct legacy_pair *pair) {
    if (!pair->objects && pair->bytes)
        return legacy_profile_corrupt(&legacy->out, "a sample has bytes but no objects");
    if (legacy->head.is_sampled && !legacy_scale(pair, legacy->head.period, legacy->head.dialect == LEGACY_JEMALLOC))
        return legacy_profile_corrupt(&legacy->out, "a number is too large");
    return true;
}

static bool add_values(struct legacy *legacy, struct legacy_counts counts) {
    if ((legacy->head.has_allocs && !scale_pair(legacy, &counts.alloc)) || !scale_pair(legacy, &counts.inuse))
        return false;
    size_t count = legacy->out.builder.profile->sample_type_count;
    int64_t *values = builder_append(&legacy->out.builder, PROFILE_VALUES, count);
    if (!values)
        return legacy_profile_no_room(&legacy->out);
    values[count - 2] = counts.inuse.objects;
    values[count - 1] = counts.inuse.bytes;
    if (legacy->head.has_allocs) {
        values[0] = counts.alloc.objects;
        values[1] = counts.alloc.bytes;
    }
    return true;
}

/* The label that says how large one object is. */
static bool add_size(struct legacy *legacy, const struct legacy_counts *counts) {
    int64_t size = legacy_mean_size(counts->inuse.objects || !legacy->head.has_allocs ? counts->inuse : counts->alloc);
    if (!size)
        return true;
    string_id key = legacy_profile_string(&legacy->out, "bytes", 5);
    if (key == PROFILE_NONE)
        return false;
    struct profile_label *label = builder_append(&legacy->out.builder, PROFILE_LABELS, 1);
    if (!label)
        return legacy_profile_no_room(&legacy->out);
    *label = (struct profile_label){.key = key, .number = size};
    return true;
}

/* A sample of the stack that begins at `first_location` and ends with the last id. */
static bool add_sample(struct legacy *legacy, uint32_t first_location, const struct legacy_counts *counts) {
    struct profile *profile = legacy->out.builder.profile;
    uint32_t first_label = profile->label_count;
    if (!add_values(legacy, *counts) || !add_size(legacy, counts))
        return false;
    struct profile_sample *sample = builder_append(&legacy->out.builder, PROFILE_SAMPLES, 1);
    if (!sample)
        return legacy_profile_no_room(&legacy->out);
    *sample = (struct profile_sample){.first_location = first_location,
                                      .location_count = profile->location_id_count - first_location,
                                      .first_label = first_label,
                                      .label_count = profile->label_count - first_label};
    return true;
}

static bool read_pprof_line(struct legacy *legacy, struct legacy_text text) {
    struct legacy_counts counts;
    uint32_t first_location = legacy->out.builder.profile->location_id_count;
    enum legacy_result result = legacy_find_counts(&text, &counts);
    if (result != LEGACY_OK)
        return fail_counts(legacy, result);
    if (!add_stack(legacy, &text) || !add_sample(legacy, first_location, &counts))
        return false;
    go_names_begin(&legacy->names);
    return true;
}

/* "t*: counts" or "t12: counts name"; the former are of all threads. */
static bool parse_thread(struct legacy *legacy, struct legacy_text text, bool *is_all, struct legacy_counts *counts) {
    *is_all = text.end - text.next > 2 && memcmp(text.next, "t*:", 3) == 0;
    const char *colon = memchr(text.next, ':', (size_t)(text.end - text.next));
    text.next = colon ? colon + 1 : text.end;
    while (text.next < text.end && *text.next == ' ')
        text.next++;
    enum legacy_result result = legacy_read_counts(&text, counts);
    return result == LEGACY_OK || fail_counts(legacy, result);
}

static bool read_thread(struct legacy *legacy, struct legacy_text text) {
    struct legacy_counts counts;
    bool is_all;
    if (!parse_thread(legacy, text, &is_all, &counts))
        return false;
    if (!is_all || !legacy->is_in_stack)
        return true;
    legacy->is_in_stack = false;
    return add_sample(legacy, legacy->first_location, &counts);
}

static bool read_jemalloc_line(struct legacy *legacy, struct legacy_text text) {
    if (*text.next == 't')
        return read_thread(legacy, text);
    if (*text.next != '@')
        return fail_counts(legacy, LEGACY_ABSENT);
    if (legacy->is_in_stack)
        return legacy_profile_corrupt(&legacy->out, "a stack has no counts");
    text.next++;
    legacy->is_in_stack = true;
    legacy->first_location = legacy->out.builder.profile->location_id_count;
    return add_stack(legacy, &text);
}

static bool read_sample_line(struct legacy *legacy, const struct text_line *line, struct legacy_text text) {
    legacy->out.offset = line->offset;
    if (line->is_open)
        return proto_fail(legacy->out.error, PROTO_ERROR_TRUNCATED, line->offset + line->length,
                          "the profile is truncated");
    return legacy->head.dialect == LEGACY_JEMALLOC ? read_jemalloc_line(legacy, text) : read_pprof_line(legacy, text);
}

/* All lines up to the title of the memory map or the end. */
static bool read_samples(struct legacy *legacy) {
    struct text_line line;
    for (;;) {
        if (!text_lines_next(&legacy->lines, &line, legacy->out.error))
            return false;
        if (!line.text)
            break;
        struct legacy_text text = trim(&line);
        bool is_comment = text.next == text.end || *text.next == '#';
        if (!is_comment && memory_map_is_title(&line))
            break;
        if (is_comment ? !go_names_line(&legacy->names, &line) : !read_sample_line(legacy, &line, text))
            return false;
    }
    if (legacy->is_in_stack)
        return proto_fail(legacy->out.error, PROTO_ERROR_TRUNCATED, line.offset, "the profile is truncated");
    return go_names_finish(&legacy->names);
}

static bool read_map(struct legacy *legacy) {
    struct text_line line;
    do {
        if (!text_lines_next(&legacy->lines, &line, legacy->out.error) ||
            (line.text && !memory_map_add(&legacy->out, &line)))
            return false;
    } while (line.text);
    return memory_map_finish(&legacy->out);
}

/* The second line of jemalloc's dialect: the sums of all stacks. Without its option prof_accum it counts no
 * allocations, and then the bracket holds zeros. */
static bool read_jemalloc_sums(struct legacy *legacy) {
    struct text_line line;
    struct legacy_counts sums;
    bool is_all;
    if (!text_lines_next(&legacy->lines, &line, legacy->out.error))
        return false;
    legacy->out.offset = line.offset;
    if (!line.text || line.is_open)
        return proto_fail(legacy->out.error, PROTO_ERROR_TRUNCATED, line.offset + line.length,
                          "the profile is truncated");
    if (!parse_thread(legacy, trim(&line), &is_all, &sums))
        return false;
    legacy->head.has_allocs = sums.alloc.objects || sums.alloc.bytes;
    return is_all || fail_counts(legacy, LEGACY_ABSENT);
}

static bool read_head(struct legacy *legacy) {
    struct text_line line;
    if (!text_lines_next(&legacy->lines, &line, legacy->out.error))
        return false;
    struct legacy_text text = {line.text, line.text + line.length};
    if (!line.text || line.is_open || !legacy_read_head(text, &legacy->head))
        return proto_fail(legacy->out.error, PROTO_ERROR_FORMAT, 0, "not a heap profile");
    return legacy->head.dialect != LEGACY_JEMALLOC || read_jemalloc_sums(legacy);
}

static bool add_types(struct legacy *legacy) {
    struct legacy_profile *out = &legacy->out;
    if (legacy->head.has_allocs && (!legacy_profile_sample_type(out, "alloc_objects", "count") ||
                                    !legacy_profile_sample_type(out, "alloc_space", "bytes")))
        return false;
    bool is_inuse = legacy->head.has_allocs || legacy->head.dialect == LEGACY_JEMALLOC;
    return legacy_profile_sample_type(out, is_inuse ? "inuse_objects" : "objects", "count") &&
           legacy_profile_sample_type(out, is_inuse ? "inuse_space" : "space", "bytes");
}

static bool add_facts(struct legacy *legacy) {
    struct profile *profile = legacy->out.builder.profile;
    const char *drop = legacy->head.dialect == LEGACY_JEMALLOC ? DROP_FRAMES_JEMALLOC : DROP_FRAMES;
    profile->period = legacy->head.period;
    profile->period_type.type = legacy_profile_string(&legacy->out, "space", 5);
    profile->period_type.unit = legacy_profile_string(&legacy->out, "bytes", 5);
    profile->drop_frames = legacy_profile_string(&legacy->out, drop, strlen(drop));
    profile->keep_frames = legacy_profile_string(&legacy->out, KEEP_FRAMES, strlen(KEEP_FRAMES));
    return profile->period_type.type != PROFILE_NONE && profile->period_type.unit != PROFILE_NONE &&
           profile->drop_frames != PROFILE_NONE && profile->keep_frames != PROFILE_NONE;
}

/* A mapping has functions when each of its locations has one, and so on. */
static void set_flags(struct profile *profile) {
    for (uint32_t i = 0; profile->line_count && i < profile->mapping_count; i++) {
        struct profile_mapping *mapping = &profile->mappings[i];
        mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = true;
    }
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        if (location->mapping == PROFILE_NONE)
            continue;
        struct profile_mapping *mapping = &profile->mappings[location->mapping];
        const struct profile_line *line = &profile->lines[location->first_line];
        bool has_file = location->line_count && profile->functions[line->function].filename;
        mapping->has_functions &= location->line_count > 0;
        mapping->has_filenames &= has_file;
        mapping->has_line_numbers &= has_file && line->line;
    }
}

static bool is_jemalloc(const struct profile *profile, uint32_t location) {
    static const char name[] = "libjemalloc";
    uint32_t mapping = profile->locations[location].mapping;
    const char *path = mapping == PROFILE_NONE ? "" : profile_text(profile, profile->mappings[mapping].filename);
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, name, sizeof name - 1) == 0;
}

/* Takes jemalloc's own frames from the leaves: distributions strip its library, so they have no names by which they
 * would be dropped. */
static void drop_jemalloc(struct profile *profile) {
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        struct profile_sample *sample = &profile->samples[i];
        while (sample->location_count > 1 && is_jemalloc(profile, profile->location_ids[sample->first_location])) {
            sample->first_location++;
            sample->location_count--;
        }
    }
}

bool legacy_read(text_source source, void *context, uint64_t max_memory, struct profile *profile,
                 struct proto_error *error) {
    struct legacy legacy = {0};
    bool ok = text_lines_open(&legacy.lines, source, context, error) &&
              legacy_profile_open(&legacy.out, profile, max_memory, error);
    go_names_open(&legacy.names, &legacy.out);
    ok = ok && read_head(&legacy) && add_types(&legacy) && add_facts(&legacy) && read_samples(&legacy) &&
         read_map(&legacy);
    if (ok && legacy.head.dialect == LEGACY_JEMALLOC)
        drop_jemalloc(profile);
    if (ok)
        set_flags(profile);
    go_names_close(&legacy.names);
    legacy_profile_close(&legacy.out);
    text_lines_close(&legacy.lines);
    return ok;
}
