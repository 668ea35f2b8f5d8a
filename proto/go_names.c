/* What the runtime writes after "1: 64 [1: 64] @ 0x47e2ac 0x4010f1 0x45a3a1":
 *
 *   #	0x47e2ab	main.inner+0x4b		/src/main.go:12
 *   #	0x47e2ab	main.outer+0x4b		/src/main.go:20        inlined: the same address, caller last
 *   #	0x4010f0	main.main+0x70		/src/main.go:31
 *   (an empty line)
 *
 * An address is that of the call, which is a location's (releases before 1.7 wrote the return address). There is
 * no line for functions of the runtime at the leaf, which are the allocator's, nor for the root, runtime.goexit.
 * Their addresses are in the stack and stay there, under names that drop_frames treats as pprof would treat the
 * real ones: the root gets its own, and the others one that says no more than is known, "runtime.(hidden)".
 *
 * go_names_line:
 *   1. find the location of the address
 *   2. the first line of a location that has none begins its list; lines of the same address follow at once
 *   3. the empty line ends the sample: what its stack has before the first frame shown is hidden, and a frame behind
 *      the last is the root. A file that ends before that line names nothing by this rule
 *
 * Locks: none. Allocation: regions only. */
#include "proto/go_names.h"

#include <string.h>

struct go_name {
    uint32_t shown_in; /* the sample whose lines showed it last, + 1 */
    bool is_shown, is_hidden, is_root;
};

void go_names_open(struct go_names *names, struct legacy_profile *legacy) {
    *names = (struct go_names){.legacy = legacy, .sample = PROFILE_NONE, .location = PROFILE_NONE};
}

void go_names_close(struct go_names *names) { region_free(&names->region); }

/* Entries for all the locations that there are. */
static bool make_room(struct go_names *names) {
    uint32_t need = names->legacy->builder.profile->location_count;
    if (need <= names->count)
        return true;
    size_t used = names->count * sizeof *names->names, size = need * sizeof *names->names;
    if (size > names->capacity) {
        void *grown = builder_grow_array(&names->region, names->names, used, size, &names->capacity);
        if (!grown)
            return proto_fail(names->legacy->error, PROTO_ERROR_MEMORY, names->legacy->offset, "out of memory");
        names->names = grown;
    }
    names->count = need;
    return true;
}

void go_names_begin(struct go_names *names) {
    names->sample = names->legacy->builder.profile->sample_count - 1;
    names->location = PROFILE_NONE;
    names->has_shown = false;
}

/* A comment line of a frame in pieces. */
struct frame_line {
    uint64_t address;
    const char *name, *file;
    size_t name_length, file_length;
    int64_t line;
};

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* "#\t0x47e2ab": false for any other comment. */
static bool take_address(const char **text, const char *end, uint64_t *address) {
    const char *p = *text;
    if (end - p < 5 || memcmp(p, "#\t0x", 4) != 0 || hex_digit(p[4]) < 0)
        return false;
    *address = 0;
    for (p += 4; p < end && hex_digit(*p) >= 0; p++) {
        if (*address >> 60)
            return false;
        *address = *address << 4 | (uint64_t)hex_digit(*p);
    }
    *text = p;
    return p == end || *p == '\t';
}

/* The next of the columns, which tabs separate. */
static size_t take_column(const char **text, const char *end, const char **column) {
    const char *p = *text;
    while (p < end && *p == '\t')
        p++;
    const char *tab = memchr(p, '\t', (size_t)(end - p));
    *column = p;
    *text = tab ? tab : end;
    return (size_t)(*text - p);
}

static size_t without_offset(const char *name, size_t length) {
    const char *plus = memrchr(name, '+', length);
    return plus && name + length - plus > 3 && memcmp(plus, "+0x", 3) == 0 ? (size_t)(plus - name) : length;
}

/* Takes ":12" from the end of the file's name. */
static size_t without_line(const char *file, size_t length, int64_t *line) {
    const char *colon = memrchr(file, ':', length);
    *line = 0;
    if (!colon || file + length - colon > 10)
        return length;
    for (const char *p = colon + 1; p < file + length; p++) {
        if (*p < '0' || *p > '9') {
            *line = 0;
            return length;
        }
        *line = *line * 10 + (*p - '0');
    }
    return (size_t)(colon - file);
}

static bool parse_frame(const struct text_line *line, struct frame_line *frame) {
    const char *text = line->text, *end = text + line->length;
    *frame = (struct frame_line){0};
    if (line->is_open || !take_address(&text, end, &frame->address))
        return false;
    frame->name_length = take_column(&text, end, &frame->name);
    frame->file_length = take_column(&text, end, &frame->file);
    frame->name_length = without_offset(frame->name, frame->name_length);
    frame->file_length = without_line(frame->file, frame->file_length, &frame->line);
    return true;
}

/* The index at the front of the sample's stack of the frames that were shown, and the end of them. */
static void find_shown(const struct go_names *names, const struct profile_sample *sample, uint32_t *first,
                       uint32_t *behind) {
    const uint32_t *ids = names->legacy->builder.profile->location_ids + sample->first_location;
    *first = sample->location_count;
    *behind = 0;
    for (uint32_t i = 0; i < sample->location_count; i++) {
        if (names->names[ids[i]].shown_in != names->sample + 1)
            continue;
        *first = *first < i ? *first : i;
        *behind = i + 1;
    }
}

static void end_sample(struct go_names *names) {
    if (names->sample == PROFILE_NONE || !names->has_shown) {
        names->sample = PROFILE_NONE;
        return;
    }
    const struct profile *profile = names->legacy->builder.profile;
    const struct profile_sample *sample = &profile->samples[names->sample];
    const uint32_t *ids = profile->location_ids + sample->first_location;
    uint32_t first, behind;
    find_shown(names, sample, &first, &behind);
    for (uint32_t i = 0; behind && i < first; i++)
        names->names[ids[i]].is_hidden = true;
    if (behind && behind + 1 == sample->location_count)
        names->names[ids[behind]].is_root = true;
    names->sample = PROFILE_NONE;
}

static bool add_line(struct go_names *names, uint32_t location, string_id name, string_id file, int64_t number) {
    struct legacy_profile *legacy = names->legacy;
    uint32_t function = legacy_profile_function(legacy, name, file);
    struct profile_line *line = function == PROFILE_NONE ? NULL : builder_append(&legacy->builder, PROFILE_LINES, 1);
    if (!line)
        return legacy_profile_no_room(legacy);
    *line = (struct profile_line){.function = function, .line = number};
    struct profile_location *place = &legacy->builder.profile->locations[location];
    if (!place->line_count)
        place->first_line = legacy->builder.profile->line_count - 1;
    place->line_count++;
    return true;
}

static bool add_frame(struct go_names *names, uint32_t location, const struct frame_line *frame) {
    string_id name = legacy_profile_string(names->legacy, frame->name, frame->name_length);
    if (name == PROFILE_NONE)
        return false;
    string_id file = legacy_profile_string(names->legacy, frame->file, frame->file_length);
    return file != PROFILE_NONE && add_line(names, location, name, file, frame->line);
}

static uint32_t find_location(const struct go_names *names, uint64_t address) {
    uint32_t location = legacy_profile_find_location(names->legacy, address + 1);
    return location == PROFILE_NONE ? legacy_profile_find_location(names->legacy, address) : location;
}

bool go_names_line(struct go_names *names, const struct text_line *line) {
    struct frame_line frame;
    names->legacy->offset = line->offset;
    if (names->sample == PROFILE_NONE)
        return true;
    if (!line->length && !line->is_open)
        end_sample(names);
    if (names->sample == PROFILE_NONE || !parse_frame(line, &frame))
        return true;
    uint32_t location = find_location(names, frame.address);
    if (location == PROFILE_NONE)
        return true;
    if (!make_room(names))
        return false;
    if (location != names->location)
        names->is_new = !names->legacy->builder.profile->locations[location].line_count;
    names->location = location;
    names->has_shown = true;
    names->names[location].shown_in = names->sample + 1;
    names->names[location].is_shown = true;
    return !names->is_new || !frame.name_length || add_frame(names, location, &frame);
}

bool go_names_finish(struct go_names *names) {
    struct legacy_profile *legacy = names->legacy;
    static const char root[] = "runtime.goexit", hidden[] = "runtime.(hidden)";
    for (uint32_t i = 0; i < names->count; i++) {
        const struct go_name *name = &names->names[i];
        bool is_left_out = !name->is_shown && (name->is_hidden || name->is_root);
        if (legacy->builder.profile->locations[i].line_count || !is_left_out)
            continue;
        const char *text = name->is_hidden ? hidden : root;
        string_id id = legacy_profile_string(legacy, text, strlen(text));
        if (id == PROFILE_NONE || !add_line(names, i, id, 0, 0))
            return false;
    }
    return true;
}
