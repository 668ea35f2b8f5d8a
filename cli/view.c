/* Names are compared once a function, not once a frame: a sample's loop touches arrays of numbers only.
 *
 *   1. function -> row, line by line of each location: `frame_rows`, found once through the string table
 *   2. location -> slice of frame_rows, innermost inlined call first
 *   3. sample: its value is added to cum of every row that does not carry this sample's mark yet, and to flat
 * of the first row. The mark is the sample's number, so nothing is cleared between samples
 *
 * With 200,000 samples of 40 frames this is 8 million array steps; hashing frames would be the whole cost. A
 * stack view hashes one sequence a sample. Locks: none. Allocates with malloc and from its own region. */
#include "cli/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/quantity.h"

enum { KEY_SIZE = 64 * 1024 };

/* From one profile to rows. */
struct routes {
    uint32_t *first; /* by location, and one past the last: into `rows` */
    uint32_t *rows;  /* row of each frame */
    uint32_t *marks; /* by row: number of the last sample that counted there, plus 1 */
    char **files;    /* by function: cleaned path, NULL until needed */
    char *key;
};

bool view_open(struct view *view, enum view_by by) {
    *view = (struct view){.by = by};
    strtab_init(&view->keys, &view->region);
    if (by != VIEW_STACK)
        return true;
    view->functions = calloc(1, sizeof *view->functions);
    return view->functions && view_open(view->functions, VIEW_FUNCTION);
}

void view_close(struct view *view) {
    if (view->functions)
        view_close(view->functions);
    free(view->functions);
    free(view->rows);
    free(view->name);
    region_free(&view->region);
}

/* The row of this key, a new one the first time; PROFILE_NONE when there is no memory. */
static uint32_t find_row(struct view *view, const char *key, size_t length, bool *is_new) {
    uint32_t row = strtab_intern(&view->keys, key, length, is_new);
    if (row == PROFILE_NONE || row < view->count)
        return row;
    if (row >= view->capacity) {
        uint32_t capacity = row < UINT32_MAX / 4 ? row * 2 + 256 : 0;
        struct view_row *rows = capacity ? reallocarray(view->rows, capacity, sizeof *rows) : NULL;
        if (!rows)
            return PROFILE_NONE;
        view->rows = rows;
        view->capacity = capacity;
    }
    view->rows[row] = (struct view_row){.file = ""};
    view->count = row + 1;
    return row;
}

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
static const char *find_file(struct view *view, const struct profile *profile, struct routes *routes,
                             uint32_t function) {
    static const char cwd[] = "/proc/self/cwd/";
    if (routes->files[function])
        return routes->files[function];
    const struct profile_string *text = &profile->strings[profile->functions[function].filename];
    const char *path = text->text;
    if (strncmp(path, cwd, sizeof cwd - 1) == 0)
        path += sizeof cwd - 1;
    char *copy = region_alloc(&view->region, strlen(path) + 1);
    if (!copy)
        return NULL;
    strcpy(copy, path);
    clean_path(copy);
    return routes->files[function] = copy;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Row of a frame that has no function. */
static uint32_t find_unnamed(struct view *view, const struct loaded *loaded, struct routes *routes,
                             const struct profile_location *location) {
    const struct profile *profile = &loaded->profile;
    const char *path = "";
    uint64_t address = location->address;
    if (location->mapping != PROFILE_NONE) {
        path = profile_text(profile, profile->mappings[location->mapping].filename);
        address -= loaded->bases[location->mapping];
    }
    int length;
    if (view->by == VIEW_FILE || view->by == VIEW_MAPPING)
        length = snprintf(routes->key, KEY_SIZE, *path ? "[%s]" : "[unknown]", base_name(path));
    else
        length =
            snprintf(routes->key, KEY_SIZE, "%s%s0x%lx", base_name(path), *path ? "+" : "", (unsigned long)address);
    return find_row(view, routes->key, length < KEY_SIZE ? (size_t)length : KEY_SIZE - 1, NULL);
}

/* Row of mapping rows. */
static uint32_t find_mapping_row(struct view *view, const struct loaded *loaded, struct routes *routes,
                                 const struct profile_location *location) {
    if (location->mapping == PROFILE_NONE)
        return find_unnamed(view, loaded, routes, location);
    const struct profile *profile = &loaded->profile;
    const struct profile_string *path = &profile->strings[profile->mappings[location->mapping].filename];
    return path->length ? find_row(view, path->text, path->length, NULL) : find_unnamed(view, loaded, routes, location);
}

/* Remembers where a function row's function is. */
static void note_file(struct view_row *row, bool is_new, const char *file, int64_t line) {
    if (is_new || !*row->file) {
        row->file = file;
        row->line = line;
    } else if (*file && strcmp(row->file, file) != 0) {
        row->has_other_files = true;
    }
}

/* Row of one line of a location. */
static uint32_t find_line_row(struct view *view, const struct loaded *loaded, struct routes *routes,
                              const struct profile_location *location, const struct profile_line *line) {
    const struct profile *profile = &loaded->profile;
    if (line->function == PROFILE_NONE)
        return find_unnamed(view, loaded, routes, location);
    const struct profile_function *function = &profile->functions[line->function];
    const char *name = profile_text(profile, function->name);
    const char *file = find_file(view, profile, routes, line->function);
    if (!file)
        return PROFILE_NONE;
    if (view->by == VIEW_FILE)
        return *file ? find_row(view, file, strlen(file), NULL) : find_unnamed(view, loaded, routes, location);
    if (!*name)
        return find_unnamed(view, loaded, routes, location);
    bool is_new;
    if (view->by != VIEW_LINE) {
        uint32_t row = find_row(view, name, strlen(name), &is_new);
        if (row != PROFILE_NONE)
            note_file(&view->rows[row], is_new, file, function->start_line);
        return row;
    }
    int length = snprintf(routes->key, KEY_SIZE, "%s%c%s%c%ld", name, 0, file, 0, (long)line->line);
    uint32_t row = find_row(view, routes->key, length < KEY_SIZE ? (size_t)length : KEY_SIZE - 1, &is_new);
    if (row != PROFILE_NONE && is_new) {
        view->rows[row].file = file;
        view->rows[row].line = line->line;
    }
    return row;
}

/* Row of a frame: `line` is NULL where the location has none. */
static uint32_t find_frame(struct view *view, const struct loaded *loaded, struct routes *routes,
                           const struct profile_location *location, const struct profile_line *line) {
    if (view->by == VIEW_MAPPING)
        return find_mapping_row(view, loaded, routes, location);
    return line ? find_line_row(view, loaded, routes, location, line) : find_unnamed(view, loaded, routes, location);
}

static bool make_routes(struct view *view, const struct loaded *loaded, struct routes *routes) {
    const struct profile *profile = &loaded->profile;
    uint64_t total = 0;
    for (uint32_t i = 0; i < profile->location_count; i++)
        total += profile->locations[i].line_count ? profile->locations[i].line_count : 1;
    routes->first = calloc((size_t)profile->location_count + 1, sizeof *routes->first);
    routes->rows = calloc(total + 1, sizeof *routes->rows);
    routes->files = calloc((size_t)profile->function_count + 1, sizeof *routes->files);
    routes->key = malloc(KEY_SIZE);
    if (total > UINT32_MAX || !routes->first || !routes->rows || !routes->files || !routes->key)
        return false;
    uint32_t next = 0;
    for (uint32_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        uint32_t lines = view->by == VIEW_MAPPING ? 0 : location->line_count;
        routes->first[i] = next;
        for (uint32_t k = 0; k < (lines ? lines : 1); k++) {
            const struct profile_line *line = lines ? &profile->lines[location->first_line + k] : NULL;
            if ((routes->rows[next++] = find_frame(view, loaded, routes, location, line)) == PROFILE_NONE)
                return false;
        }
    }
    routes->first[profile->location_count] = next;
    return true;
}

static void free_routes(struct routes *routes) {
    free(routes->first);
    free(routes->rows);
    free(routes->marks);
    free(routes->files);
    free(routes->key);
}

static void add_samples(struct view *view, const struct profile *profile, const struct routes *routes,
                        uint32_t sample_type, enum view_side side) {
    const int64_t *value = profile->values + sample_type;
    for (uint32_t i = 0; i < profile->sample_count; i++, value += profile->sample_type_count) {
        const struct profile_sample *sample = &profile->samples[i];
        const uint32_t *location = profile->location_ids + sample->first_location;
        for (uint32_t k = 0; k < sample->location_count; k++) {
            for (uint32_t r = routes->first[location[k]]; r < routes->first[location[k] + 1]; r++) {
                uint32_t row = routes->rows[r];
                if (routes->marks[row] == i + 1)
                    continue;
                routes->marks[row] = i + 1;
                view->rows[row].cum[side] = quantity_add(view->rows[row].cum[side], *value);
            }
        }
        if (sample->location_count) {
            struct view_row *leaf = &view->rows[routes->rows[routes->first[location[0]]]];
            leaf->flat[side] = quantity_add(leaf->flat[side], *value);
        }
    }
}

/* The rows of a sample's frames, one after the other, in *key. False when there is no memory. */
static bool make_sequence(const struct profile *profile, const struct routes *routes,
                          const struct profile_sample *sample, uint32_t **key, size_t *capacity, size_t *length) {
    const uint32_t *location = profile->location_ids + sample->first_location;
    size_t need = 0;
    for (uint32_t k = 0; k < sample->location_count; k++)
        need += routes->first[location[k] + 1] - routes->first[location[k]];
    if (!*key || need > *capacity) {
        uint32_t *larger = reallocarray(*key, need * 2 + 64, sizeof **key);
        if (!larger)
            return false;
        *key = larger;
        *capacity = need * 2 + 64;
    }
    *length = 0;
    for (uint32_t k = 0; k < sample->location_count; k++)
        for (uint32_t r = routes->first[location[k]]; r < routes->first[location[k] + 1]; r++)
            (*key)[(*length)++] = routes->rows[r];
    return true;
}

static bool add_stacks(struct view *view, const struct profile *profile, const struct routes *routes,
                       uint32_t sample_type, enum view_side side) {
    size_t capacity = 0, length = 0;
    uint32_t *key = NULL;
    bool ok = true;
    for (uint32_t i = 0; ok && i < profile->sample_count; i++) {
        ok = make_sequence(profile, routes, &profile->samples[i], &key, &capacity, &length);
        if (!ok || !length)
            continue;
        uint32_t index = find_row(view, (const char *)key, length * sizeof *key, NULL);
        ok = index != PROFILE_NONE;
        if (!ok)
            continue;
        const struct view_row *leaf = &view->functions->rows[key[0]];
        int64_t value = profile->values[(size_t)i * profile->sample_type_count + sample_type];
        struct view_row *row = &view->rows[index];
        row->file = leaf->file;
        row->line = leaf->line;
        row->flat[side] = row->cum[side] = quantity_add(row->flat[side], value);
    }
    free(key);
    return ok;
}

static void add_totals(struct view *view, const struct profile *profile, uint32_t sample_type, enum view_side side) {
    const int64_t *value = profile->values + sample_type;
    for (uint32_t i = 0; i < profile->sample_count; i++, value += profile->sample_type_count) {
        view->total[side] = quantity_add(view->total[side], *value);
        view->magnitude[side] += quantity_magnitude(*value);
    }
}

bool view_add(struct view *view, const struct loaded *loaded, uint32_t sample_type, enum view_side side) {
    struct view *frames = view->functions ? view->functions : view;
    struct routes routes = {0};
    bool ok = make_routes(frames, loaded, &routes);
    routes.marks = ok ? calloc((size_t)frames->count + 1, sizeof *routes.marks) : NULL;
    ok = ok && routes.marks;
    if (ok && view->functions)
        ok = add_stacks(view, &loaded->profile, &routes, sample_type, side);
    else if (ok)
        add_samples(view, &loaded->profile, &routes, sample_type, side);
    if (ok)
        add_totals(view, &loaded->profile, sample_type, side);
    free_routes(&routes);
    return ok;
}

const char *view_name(struct view *view, uint32_t row) {
    const struct profile_string *key = &view->keys.strings[row];
    if (!view->functions)
        return key->text;
    static const char separator[] = " < ";
    size_t count = key->length / sizeof(uint32_t), size = 1, used = 0;
    for (int is_writing = 0; is_writing < 2; is_writing++) {
        if (is_writing && size > view->name_size) {
            char *larger = realloc(view->name, size);
            if (!larger)
                return NULL;
            view->name = larger;
            view->name_size = size;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t function;
            memcpy(&function, key->text + i * sizeof function, sizeof function);
            const char *text = view->functions->keys.strings[function].text;
            size += strlen(text) + sizeof separator;
            if (is_writing)
                used += (size_t)sprintf(view->name + used, "%s%s", i ? separator : "", text);
        }
    }
    return view->name;
}
