/* Two forms of a line, START-LIMIT in hexadecimal first:
 *
 *   55c7d399d000-55c7d39b3000 r-xp 00004000 fe:00 247728   /usr/bin/ls (deleted)     the kernel's
 *   0x400000-0x800000: /usr/bin/program (@ff00) 0123abcd                             short: offset, build id
 *
 * memory_map_finish does what `go tool pprof` does with such a map, so that a frame is in the same mapping:
 *   1. neighbours of one file whose offsets follow each other become one mapping
 *   2. the first that looks like a program and not like a library becomes mapping 0
 *   3. a main program of huge pages, or one whose first part is missing, is mended
 *   4. a location belongs to the first mapping in the list that holds its address; else to the first that
 *      would hold it if it began at its file's beginning, and then it does; else to one added at the end. (There
 *      pprof depends on the order: the mapping it adds holds every later address that the map does not.)
 *
 * For step 4 the ranges are sorted by their beginnings, with the highest end so far beside each: from the last
 * range that begins before the address, going back is over as soon as no earlier one reaches it. In the map of a
 * real process ranges do not overlap, and that is one step; what a made-up file may cost is bounded.
 *
 * Locks: none. Allocation: regions only. */
#include "proto/memory_map.h"

#include <stdlib.h>
#include <string.h>

enum { MAPPINGS_MAX = 1024 * 1024 };
static const uint64_t STEPS_MAX = 1ull << 30;

/* What is left of a line. */
struct piece {
    const char *next, *end;
};

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static void skip_blanks(struct piece *text) {
    while (text->next < text->end && is_blank(*text->next))
        text->next++;
}

/* The next word; empty at the end. */
static struct piece take_word(struct piece *text) {
    skip_blanks(text);
    struct piece word = {text->next, text->next};
    while (word.end < text->end && !is_blank(*word.end))
        word.end++;
    text->next = word.end;
    return word;
}

static size_t length_of(struct piece text) { return (size_t)(text.end - text.next); }

static bool holds(struct piece text, const char *needle) {
    return memmem(text.next, length_of(text), needle, strlen(needle)) != NULL;
}

static bool starts_with(struct piece text, const char *prefix) {
    size_t length = strlen(prefix);
    return length_of(text) >= length && memcmp(text.next, prefix, length) == 0;
}

static bool is_made_of(struct piece text, const char *set) {
    for (const char *p = text.next; p < text.end; p++) {
        if (!*p || !strchr(set, *p))
            return false;
    }
    return text.next < text.end;
}

static const char HEX[] = "0123456789abcdefABCDEF", DECIMAL[] = "0123456789", PERMISSIONS[] = "-rwxps";

/* All of the text as a hexadecimal number of 64 bits. */
static bool parse_hex(struct piece text, uint64_t *number) {
    if (!is_made_of(text, HEX))
        return false;
    *number = 0;
    for (const char *p = text.next; p < text.end; p++) {
        if (*number >> 60)
            return false;
        *number = *number << 4 | (uint64_t)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
    }
    return true;
}

static bool take_hex(struct piece *text, uint64_t *number) {
    if (starts_with(*text, "0x"))
        text->next += 2;
    struct piece digits = {text->next, text->next};
    while (digits.end < text->end && *digits.end && strchr(HEX, *digits.end))
        digits.end++;
    text->next = digits.end;
    return parse_hex(digits, number);
}

static bool take_range(struct piece *text, struct profile_mapping *mapping) {
    skip_blanks(text);
    if (!take_hex(text, &mapping->start))
        return false;
    if (text->next == text->end || (*text->next != '-' && !is_blank(*text->next)))
        return false;
    text->next++;
    skip_blanks(text);
    if (!take_hex(text, &mapping->limit))
        return false;
    if (text->next < text->end && *text->next == ':')
        text->next++;
    return text->next == text->end || is_blank(*text->next);
}

static bool is_device(struct piece word) {
    const char *colon = memchr(word.next, ':', length_of(word));
    return colon && is_made_of((struct piece){word.next, colon}, HEX) &&
           is_made_of((struct piece){colon + 1, word.end}, HEX);
}

/* "OFFSET DEVICE INODE FILE": the file is the rest of the line, blanks and all. */
static bool take_kernel_form(struct piece *text, struct profile_mapping *mapping, struct piece *file) {
    struct piece rest = *text, word = take_word(&rest);
    uint64_t offset = 0;
    if (parse_hex(word, &offset))
        word = take_word(&rest);
    if (!is_device(word) || !is_made_of(take_word(&rest), DECIMAL))
        return false;
    mapping->offset = offset;
    skip_blanks(&rest);
    while (rest.end > rest.next && is_blank(rest.end[-1]))
        rest.end--;
    *file = rest;
    return true;
}

/* "FILE (@OFFSET) BUILD_ID", each of which may be absent. */
static void take_short_form(struct piece *text, struct profile_mapping *mapping, struct piece *file,
                            struct piece *build_id) {
    *file = take_word(text);
    struct piece rest = *text, word = take_word(&rest);
    if (starts_with(word, "(@") && word.end[-1] == ')' &&
        parse_hex((struct piece){word.next + 2, word.end - 1}, &mapping->offset))
        *text = rest;
    word = take_word(text);
    if (is_made_of(word, HEX))
        *build_id = word;
}

static struct piece without_deleted(struct piece file) {
    static const char mark[] = " (deleted)";
    size_t length = sizeof mark - 1;
    if (length_of(file) > length && memcmp(file.end - length, mark, length) == 0)
        file.end -= length;
    return file;
}

bool memory_map_is_title(const struct text_line *line) {
    struct piece text = {line->text, line->text + line->length};
    return holds(text, "MAPPED_LIBRARIES:") || holds(text, "--- Memory map: ---");
}

bool memory_map_add(struct legacy_profile *legacy, const struct text_line *line) {
    struct piece text = {line->text, line->text + line->length}, file = {NULL, NULL}, build_id = {"", ""};
    struct profile_mapping mapping = {0};
    legacy->offset = line->offset;
    if (!take_range(&text, &mapping))
        return true;
    struct piece rest = text, permissions = take_word(&rest);
    if (is_made_of(permissions, PERMISSIONS)) {
        if (!memchr(permissions.next, 'x', length_of(permissions)))
            return true;
        text = rest;
    }
    if (!take_kernel_form(&text, &mapping, &file))
        take_short_form(&text, &mapping, &file, &build_id);
    file = without_deleted(file);
    mapping.filename = legacy_profile_string(legacy, file.next, length_of(file));
    if (mapping.filename == PROFILE_NONE)
        return false;
    mapping.build_id = legacy_profile_string(legacy, build_id.next, length_of(build_id));
    if (mapping.build_id == PROFILE_NONE)
        return false;
    if (legacy->builder.profile->mapping_count == MAPPINGS_MAX)
        return proto_fail(legacy->error, PROTO_ERROR_LIMIT, line->offset, "the memory map has too many lines");
    struct profile_mapping *place = builder_append(&legacy->builder, PROFILE_MAPPINGS, 1);
    if (!place)
        return legacy_profile_no_room(legacy);
    *place = mapping;
    return true;
}

static bool may_be_same(string_id a, string_id b) { return !a || !b || a == b; }

/* Whether `b` goes on where `a` ends, in memory and in the file. */
static bool continues(const struct profile_mapping *a, const struct profile_mapping *b) {
    return may_be_same(a->filename, b->filename) && may_be_same(a->build_id, b->build_id) && a->limit == b->start &&
           (!a->offset || !b->offset || a->offset + (a->limit - a->start) == b->offset);
}

static void join_neighbours(struct profile *profile) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];
        struct profile_mapping *last = kept ? &profile->mappings[kept - 1] : NULL;
        if (!last || !continues(last, mapping)) {
            profile->mappings[kept++] = *mapping;
            continue;
        }
        last->limit = mapping->limit;
        last->filename = mapping->filename ? mapping->filename : last->filename;
        last->build_id = mapping->build_id ? mapping->build_id : last->build_id;
    }
    profile->mapping_count = kept;
}

/* "libc.so", "libc.so.6", "libc.so_1" */
static bool is_library(const char *file) {
    for (const char *p = file; (p = strstr(p, ".so")) != NULL; p += 3) {
        if (!p[3] || ((p[3] == '.' || p[3] == '_') && p[4] >= '0' && p[4] <= '9'))
            return true;
    }
    return false;
}

static void put_program_first(struct profile *profile) {
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        struct profile_mapping *mapping = &profile->mappings[i];
        const char *file = profile_text(profile, mapping->filename);
        if (!*file || *file == '[' || is_library(file))
            continue;
        struct profile_mapping program = *mapping;
        *mapping = profile->mappings[0];
        profile->mappings[0] = program;
        return;
    }
}

/* A program that was copied to huge pages has those in front; and one linked to a fixed address, the usual
 * one, begins there although its map shows it from a later part on. */
static void mend_program(struct profile *profile) {
    static const uint64_t USUAL_START = 0x400000;
    struct profile_mapping *mappings = profile->mappings;
    if (profile->mapping_count > 1 && mappings[0].limit == mappings[1].start &&
        strncmp(profile_text(profile, mappings[0].filename), "/anon_hugepage", 14) == 0) {
        profile->mapping_count--;
        memmove(mappings, mappings + 1, profile->mapping_count * sizeof *mappings);
    }
    if (profile->mapping_count && mappings[0].start - mappings[0].offset == USUAL_START) {
        mappings[0].start = USUAL_START;
        mappings[0].offset = 0;
    }
}

struct range {
    uint64_t begin, end;
    uint64_t highest; /* end of this and all earlier ones */
    uint32_t mapping;
};

struct range_list {
    struct range *ranges; /* by `begin` */
    uint32_t count;
};

struct search {
    struct range_list whole, before; /* the mappings, and what would be in front of them */
    uint64_t steps;
};

static int compare_ranges(const void *a, const void *b) {
    const struct range *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return left->mapping < right->mapping ? -1 : left->mapping > right->mapping;
}

static void sort_ranges(struct range_list *list) {
    qsort(list->ranges, list->count, sizeof *list->ranges, compare_ranges);
    uint64_t highest = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        highest = list->ranges[i].end > highest ? list->ranges[i].end : highest;
        list->ranges[i].highest = highest;
    }
}

static void put_range(struct range_list *list, uint64_t begin, uint64_t end, uint32_t mapping) {
    if (begin < end)
        list->ranges[list->count++] = (struct range){.begin = begin, .end = end, .mapping = mapping};
}

static bool make_search(struct legacy_profile *legacy, struct search *search) {
    const struct profile *profile = legacy->builder.profile;
    size_t size = (size_t)profile->mapping_count * sizeof(struct range);
    *search = (struct search){.whole.ranges = region_alloc(&legacy->scratch, size),
                              .before.ranges = region_alloc(&legacy->scratch, size)};
    if (!search->whole.ranges || !search->before.ranges)
        return proto_fail(legacy->error, PROTO_ERROR_MEMORY, legacy->offset, "out of memory");
    for (uint32_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];
        put_range(&search->whole, mapping->start, mapping->limit, i);
        put_range(&search->before, mapping->start - mapping->offset, mapping->start, i);
    }
    sort_ranges(&search->whole);
    sort_ranges(&search->before);
    return true;
}

/* The lowest number of a mapping whose range holds the address, or PROFILE_NONE. */
static uint32_t find_range(struct search *search, const struct range_list *list, uint64_t address) {
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->ranges[middle].begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t found = PROFILE_NONE;
    for (; low && list->ranges[low - 1].highest > address; low--) {
        const struct range *range = &list->ranges[low - 1];
        if (range->end > address && range->mapping < found)
            found = range->mapping;
        search->steps++;
    }
    return found;
}

static uint32_t find_mapping(struct search *search, uint64_t address, bool *is_before) {
    uint32_t found = find_range(search, &search->whole, address);
    *is_before = found == PROFILE_NONE;
    return found == PROFILE_NONE ? find_range(search, &search->before, address) : found;
}

static bool add_nameless(struct legacy_profile *legacy) {
    struct profile_mapping *mapping = builder_append(&legacy->builder, PROFILE_MAPPINGS, 1);
    if (!mapping)
        return legacy_profile_no_room(legacy);
    *mapping = (struct profile_mapping){.limit = UINT64_MAX};
    return true;
}

bool memory_map_finish(struct legacy_profile *legacy) {
    struct profile *profile = legacy->builder.profile;
    struct search search;
    bool is_any_outside = false;
    join_neighbours(profile);
    put_program_first(profile);
    mend_program(profile);
    if (!make_search(legacy, &search))
        return false;
    uint32_t outside = profile->mapping_count;
    for (uint32_t i = 0; i < profile->location_count; i++) {
        struct profile_location *location = &profile->locations[i];
        bool is_before;
        if (!location->address)
            continue;
        uint32_t found = find_mapping(&search, location->address, &is_before);
        location->mapping = found == PROFILE_NONE ? outside : found;
        is_any_outside |= found == PROFILE_NONE;
        if (found != PROFILE_NONE && is_before) {
            profile->mappings[found].start -= profile->mappings[found].offset;
            profile->mappings[found].offset = 0;
        }
        if (search.steps > STEPS_MAX)
            return proto_fail(legacy->error, PROTO_ERROR_LIMIT, legacy->offset,
                              "the memory map has too many mappings that overlap");
    }
    return !is_any_outside || add_nameless(legacy);
}
