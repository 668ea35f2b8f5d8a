/* 1. function -> row, line by line of each location, found once through the table of rows
 * 2. location -> slice of rows
 *
 * A frame without a function is named by the file of its mapping and its link address ("redis-server+0x5a3c1"; for
 * files and packages only by the file).
 *
 * Locks: none. Allocates with malloc, and file names from the rows' region. */
#include "diff/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "diff/package.h"

enum { KEY_SIZE = 64 * 1024 };

struct naming {
    struct rows *rows;
    const struct heapprofile *source;
    char **files;    /* by string: the cleaned path, NULL until needed */
    uint32_t *known; /* by function: row + 1 where it is the same in every location, or 0 */
    char *key;       /* KEY_SIZE */
};

/* Takes "//", "/./" and "/x/../" out of a path, as pprof does, so that one file has one name. */
static void clean_path(char *path) {
    bool is_rooted = *path == '/';
    char *root = path + is_rooted, *out = root, *floor = root;
    for (const char *p = root; *p;) {
        size_t length = strcspn(p, "/");
        bool is_up = length == 2 && p[0] == '.' && p[1] == '.';
        if (length == 0 || (length == 1 && *p == '.') || (is_up && is_rooted && out == root)) {
            /* nothing to keep */
        } else if (is_up && out > floor) {
            while (out > floor && out[-1] != '/')
                out--;
            out -= out > floor;
        } else {
            if (out > root)
                *out++ = '/';
            memmove(out, p, length);
            out += length;
            if (is_up)
                floor = out;
        }
        p += length + (p[length] == '/');
    }
    *out = 0;
}

/* The cleaned file of a function. NULL when there is no memory. */
static const char *find_file(struct naming *naming, uint32_t function) {
    static const char cwd[] = "/proc/self/cwd/";
    const struct profile *profile = &naming->source->profile;
    string_id name = profile->functions[function].filename;
    if (naming->files[name])
        return naming->files[name];
    const char *path = profile_text(profile, name);
    if (strncmp(path, cwd, sizeof cwd - 1) == 0)
        path += sizeof cwd - 1;
    char *copy = region_alloc(&naming->rows->region, strlen(path) + 1);
    if (!copy)
        return NULL;
    strcpy(copy, path);
    clean_path(copy);
    return naming->files[name] = copy;
}

/* The row of what is in `key`; `length` as snprintf returned it. */
static uint32_t find_key(struct naming *naming, int length, bool *is_new) {
    return rows_find(naming->rows, naming->key, length < KEY_SIZE ? (size_t)length : KEY_SIZE - 1, is_new);
}

static const char *mapping_path(const struct profile *profile, const struct profile_location *location) {
    return location->mapping == PROFILE_NONE ? ""
                                             : profile_text(profile, profile->mappings[location->mapping].filename);
}

/* Row of a frame that has no function. */
static uint32_t find_unnamed(struct naming *naming, const struct profile_location *location) {
    const char *path = mapping_path(&naming->source->profile, location);
    uint64_t address = location->address;
    if (location->mapping != PROFILE_NONE)
        address -= naming->source->bases[location->mapping];
    enum heapprofile_by by = naming->rows->by;
    if (by == HEAPPROFILE_BY_FILE || by == HEAPPROFILE_BY_MAPPING || by == HEAPPROFILE_BY_PACKAGE)
        return find_key(naming, snprintf(naming->key, KEY_SIZE, *path ? "[%s]" : "[unknown]", text_base_name(path)),
                        NULL);
    return find_key(
        naming,
        snprintf(naming->key, KEY_SIZE, "%s%s0x%lx", text_base_name(path), *path ? "+" : "", (unsigned long)address),
        NULL);
}

static uint32_t find_mapping(struct naming *naming, const struct profile_location *location) {
    const char *path = mapping_path(&naming->source->profile, location);
    return *path ? rows_find(naming->rows, path, strlen(path), NULL) : find_unnamed(naming, location);
}

static uint32_t find_function(struct naming *naming, const char *name, const char *file, int64_t line) {
    bool is_new;
    uint32_t row = rows_find(naming->rows, name, strlen(name), &is_new);
    if (row != PROFILE_NONE)
        rows_note_file(naming->rows, row, is_new, file, line);
    return row;
}

static uint32_t find_source_line(struct naming *naming, const char *name, const char *file, int64_t line) {
    bool is_new;
    uint32_t row =
        find_key(naming, snprintf(naming->key, KEY_SIZE, "%s%c%s%c%ld", name, 0, file, 0, (long)line), &is_new);
    if (row != PROFILE_NONE && is_new)
        rows_note_file(naming->rows, row, true, file, line);
    return row;
}

/* Row of one line of a location. */
static uint32_t find_line(struct naming *naming, const struct profile_location *location,
                          const struct profile_line *line) {
    const struct profile *profile = &naming->source->profile;
    if (line->function == PROFILE_NONE)
        return find_unnamed(naming, location);
    const struct profile_function *function = &profile->functions[line->function];
    const char *name = profile_text(profile, function->name), *file = find_file(naming, line->function);
    if (!file)
        return PROFILE_NONE;
    if (naming->rows->by == HEAPPROFILE_BY_FILE)
        return *file ? rows_find(naming->rows, file, strlen(file), NULL) : find_unnamed(naming, location);
    if (!*name)
        return find_unnamed(naming, location);
    if (naming->rows->by == HEAPPROFILE_BY_PACKAGE) {
        size_t length = package_find(name, file, mapping_path(profile, location), naming->key, KEY_SIZE);
        return rows_find(naming->rows, naming->key, length, NULL);
    }
    return naming->rows->by == HEAPPROFILE_BY_LINE ? find_source_line(naming, name, file, line->line)
                                                   : find_function(naming, name, file, function->start_line);
}

/* The same, asked once a function where its name or file alone says which row it is. */
static uint32_t find_frame(struct naming *naming, const struct profile_location *location,
                           const struct profile_line *line) {
    enum heapprofile_by by = naming->rows->by;
    bool is_alone = line->function != PROFILE_NONE && (by == HEAPPROFILE_BY_FUNCTION || by == HEAPPROFILE_BY_FILE);
    if (!is_alone)
        return find_line(naming, location, line);
    uint32_t known = naming->known[line->function];
    if (known)
        return known - 1;
    const struct profile_function *function = &naming->source->profile.functions[line->function];
    uint32_t row = find_line(naming, location, line);
    const char *alone = by == HEAPPROFILE_BY_FUNCTION ? profile_text(&naming->source->profile, function->name)
                                                      : naming->files[function->filename];
    if (row != PROFILE_NONE && *alone)
        naming->known[line->function] = row + 1;
    return row;
}

static bool fill(struct frames *frames, struct naming *naming) {
    const struct profile *profile = &naming->source->profile;
    bool has_lines = naming->rows->by != HEAPPROFILE_BY_MAPPING;
    uint32_t next = 0;
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        uint32_t lines = has_lines ? location->line_count : 0;
        frames->first[i] = next;
        for (uint32_t k = 0; k < lines; k++)
            if ((frames->rows[next++] = find_frame(naming, location, &profile->lines[location->first_line + k])) ==
                PROFILE_NONE)
                return false;
        if (lines)
            continue;
        uint32_t row = has_lines ? find_unnamed(naming, location) : find_mapping(naming, location);
        frames->rows[next++] = row;
        if (row == PROFILE_NONE)
            return false;
    }
    frames->first[profile->location_count] = next;
    frames->is_flat = next == profile->location_count;
    return true;
}

bool frames_open(struct frames *frames, struct rows *rows, const struct heapprofile *source) {
    const struct profile *profile = &source->profile;
    uint64_t total = 0;
    for (uint32_t i = 0; i < profile->location_count; i++)
        total += profile->locations[i].line_count ? profile->locations[i].line_count : 1;
    *frames = (struct frames){.first = calloc((size_t)profile->location_count + 1, sizeof *frames->first),
                              .rows = calloc(total + 1, sizeof *frames->rows)};
    struct naming naming = {.rows = rows,
                            .source = source,
                            .files = calloc((size_t)profile->string_count + 1, sizeof *naming.files),
                            .known = calloc((size_t)profile->function_count + 1, sizeof *naming.known),
                            .key = malloc(KEY_SIZE)};
    bool ok = total < UINT32_MAX && frames->first && frames->rows && naming.files && naming.known && naming.key;
    ok = ok && fill(frames, &naming);
    free(naming.files);
    free(naming.known);
    free(naming.key);
    return ok;
}

void frames_close(struct frames *frames) {
    free(frames->first);
    free(frames->rows);
}

bool frames_sequence(const struct frames *frames, const struct profile *profile, const struct profile_sample *sample,
                     uint32_t **sequence, size_t *capacity, size_t *length) {
    const uint32_t *location = profile->location_ids + sample->first_location;
    size_t need = 0;
    for (uint32_t k = 0; k < sample->location_count; k++)
        need += frames->first[location[k] + 1] - frames->first[location[k]];
    if (!*sequence || need > *capacity) {
        uint32_t *larger = reallocarray(*sequence, need * 2 + 64, sizeof **sequence);
        if (!larger)
            return false;
        *sequence = larger;
        *capacity = need * 2 + 64;
    }
    *length = 0;
    for (uint32_t k = 0; k < sample->location_count; k++)
        for (uint32_t r = frames->first[location[k]]; r < frames->first[location[k] + 1]; r++)
            (*sequence)[(*length)++] = frames->rows[r];
    return true;
}
