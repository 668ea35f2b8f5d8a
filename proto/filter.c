/* Samples and frames left out by name. All decisions fall on locations first, of which there are few, and
 * then on samples; each text is matched against an expression at most once.
 *
 * filter_apply:
 *   1. compile the expressions; nothing has changed when one is malformed
 *   2. for each location: is it in focus, ignored, hidden? hidden lines of an inlined stack go at once
 *   3. for each sample: drop it, or close the gaps in its stack
 *
 * filter_drop_frames:
 *   1. for each location find the rootmost line that is to go; the lines that it called go with it
 *   2. for each sample walk from the root: past the first frames that match (a stack never becomes empty),
 * then cut at the next one
 *
 *   stack:  leaf | malloc | xmalloc (matches) | parse | main | root
 *                  ^^^^^^^^^^^^^^^^^^^^^^^^^^ goes
 *
 * An expression that comes from a file could make the matcher take all memory, so repetition counts are
 * bounded, back references are refused, and a name longer than 64 KiB matches nothing.
 *
 * Locks: none. Allocation: regions, and regcomp takes from malloc, so this is for tools. */
#include "proto/filter.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>

#include "base/log.h"
#include "base/region.h"

enum { PATTERN_MAX = 8 * 1024, NAME_MAX_LENGTH = 64 * 1024, REPETITION_MAX = 1000 };

/* A compiled expression and what it said of each string so far. */
struct matcher {
    bool is_set;
    regex_t regex;
    unsigned char *known; /* by string_id: 0 not asked yet */
};

enum { KNOWN_MATCH = 1, KNOWN_OTHER = 2 };

enum location_flag { IN_FOCUS = 1, IGNORED = 2, HIDDEN = 4 };

static bool out_of_memory(struct proto_error *error) {
    return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
}

/* The text is an entry of the profile's string table, or a part of one. */
static bool regex_matches(const regex_t *regex, const char *text, size_t length) {
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)length};
    return length <= NAME_MAX_LENGTH && regexec(regex, text, 1, &range, REG_STARTEND) == 0;
}

static bool matcher_compile(struct matcher *matcher, struct region *region, const struct profile *profile,
                            const char *pattern, const char *malformed, struct proto_error *error) {
    if (!pattern)
        return true;
    if (regcomp(&matcher->regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, malformed);
    matcher->is_set = true;
    matcher->known = region_alloc(region, profile->string_count);
    return matcher->known || out_of_memory(error);
}

static void matcher_free(struct matcher *matcher) {
    if (matcher->is_set)
        regfree(&matcher->regex);
}

static bool matches(struct matcher *matcher, const struct profile *profile, string_id id) {
    unsigned char *known = &matcher->known[id];
    if (!*known) {
        const struct profile_string *string = &profile->strings[id];
        *known = regex_matches(&matcher->regex, string->text, string->length) ? KNOWN_MATCH : KNOWN_OTHER;
    }
    return *known == KNOWN_MATCH;
}

static bool line_matches(struct matcher *matcher, const struct profile *profile, const struct profile_line *line) {
    if (line->function == PROFILE_NONE)
        return false;
    const struct profile_function *function = &profile->functions[line->function];
    return matches(matcher, profile, function->name) || matches(matcher, profile, function->filename);
}

static bool mapping_matches(struct matcher *matcher, const struct profile *profile,
                            const struct profile_location *location) {
    return location->mapping != PROFILE_NONE &&
           matches(matcher, profile, profile->mappings[location->mapping].filename);
}

static bool location_matches(struct matcher *matcher, const struct profile *profile,
                             const struct profile_location *location) {
    for (uint32_t i = 0; i < location->line_count; i++) {
        if (line_matches(matcher, profile, &profile->lines[location->first_line + i]))
            return true;
    }
    return mapping_matches(matcher, profile, location);
}

/* Keeps the lines whose match is as wanted, and those of which no function is known. */
static void keep_lines(struct matcher *matcher, const struct profile *profile, struct profile_location *location,
                       bool wanted) {
    struct profile_line *lines = profile->lines + location->first_line;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < location->line_count; i++) {
        if (lines[i].function == PROFILE_NONE || line_matches(matcher, profile, &lines[i]) == wanted)
            lines[kept++] = lines[i];
    }
    location->line_count = kept;
}

struct matchers {
    struct matcher focus, ignore, hide, show;
};

static unsigned char judge_location(struct matchers *all, const struct profile *profile,
                                    struct profile_location *location) {
    unsigned char flags = 0;
    if (all->ignore.is_set && location_matches(&all->ignore, profile, location))
        flags |= IGNORED;
    else if (!all->focus.is_set || location_matches(&all->focus, profile, location))
        flags |= IN_FOCUS;
    if (all->hide.is_set && location_matches(&all->hide, profile, location)) {
        if (mapping_matches(&all->hide, profile, location))
            location->line_count = 0;
        keep_lines(&all->hide, profile, location, false);
        flags |= location->line_count ? 0 : HIDDEN;
    }
    if (all->show.is_set) {
        if (!mapping_matches(&all->show, profile, location))
            keep_lines(&all->show, profile, location, true);
        flags |= location->line_count ? 0 : HIDDEN;
    }
    return flags;
}

/* Takes the hidden frames out of the stack. False when the sample is to be left out. */
static bool filter_sample(const struct matchers *all, const struct profile *profile, const unsigned char *flags,
                          struct profile_sample *sample) {
    uint32_t *ids = profile->location_ids + sample->first_location;
    unsigned char seen = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sample->location_count; i++)
        seen |= flags[ids[i]];
    if ((seen & IGNORED) || (all->focus.is_set && !(seen & IN_FOCUS)))
        return false;
    for (uint32_t i = 0; i < sample->location_count; i++) {
        if (!(flags[ids[i]] & HIDDEN))
            ids[kept++] = ids[i];
    }
    bool lost_all = sample->location_count && !kept;
    sample->location_count = kept;
    return !lost_all;
}

static void filter_samples(const struct matchers *all, struct profile *profile, const unsigned char *flags) {
    size_t types = profile->sample_type_count;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        struct profile_sample sample = profile->samples[i];
        if (!filter_sample(all, profile, flags, &sample))
            continue;
        memmove(profile->values + kept * types, profile->values + i * types, types * sizeof *profile->values);
        profile->samples[kept++] = sample;
    }
    profile->sample_count = kept;
}

static bool compile_all(struct matchers *all, struct region *region, const struct profile *profile,
                        const struct filter *filter, struct proto_error *error) {
    return matcher_compile(&all->focus, region, profile, filter->focus, "focus is not a regular expression", error) &&
           matcher_compile(&all->ignore, region, profile, filter->ignore, "ignore is not a regular expression",
                           error) &&
           matcher_compile(&all->hide, region, profile, filter->hide, "hide is not a regular expression", error) &&
           matcher_compile(&all->show, region, profile, filter->show, "show is not a regular expression", error);
}

bool filter_apply(struct profile *profile, const struct filter *filter, struct proto_error *error) {
    *error = (struct proto_error){0};
    struct region region = {0};
    struct matchers all = {0};
    unsigned char *flags = region_alloc(&region, profile->location_count);
    bool ok = flags ? compile_all(&all, &region, profile, filter, error) : out_of_memory(error);
    bool is_empty = !filter->focus && !filter->ignore && !filter->hide && !filter->show;
    if (ok && !is_empty) {
        for (uint32_t i = 0; i < profile->location_count; i++)
            flags[i] = judge_location(&all, profile, &profile->locations[i]);
        filter_samples(&all, profile, flags);
    }
    matcher_free(&all.focus);
    matcher_free(&all.ignore);
    matcher_free(&all.hide);
    matcher_free(&all.show);
    region_free(&region);
    return ok;
}

/* The largest number of "3,10}", at least 1, and more than REPETITION_MAX for any that is. */
static unsigned long largest_number(const char *p) {
    unsigned long largest = 1, number = 0;
    for (; *p && *p != '}'; p++) {
        number = isdigit((unsigned char)*p) ? number * 10 + (unsigned long)(*p - '0') : 0;
        largest = number > largest ? number : largest;
        if (largest > REPETITION_MAX)
            break;
    }
    return largest;
}

/* Repetitions multiply when they are nested, so their product over the whole expression is bounded; a back
 * reference makes matching exponential. */
static bool is_tame(const char *pattern, size_t length) {
    unsigned long product = 1;
    if (length > PATTERN_MAX || memchr(pattern, '\0', length))
        return false;
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && isdigit((unsigned char)p[1]))
            return false;
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '{')
            product *= largest_number(p + 1);
        if (product > REPETITION_MAX)
            return false;
    }
    return true;
}

/* "^(pattern)$" for one of the profile's own expressions. */
static bool compile_whole(struct matcher *matcher, struct region *region, const struct profile *profile, string_id id,
                          struct proto_error *error) {
    static const char malformed[] = "the profile's drop_frames or keep_frames is not a usable regular expression";
    const struct profile_string *string = &profile->strings[id];
    if (!id || !string->length)
        return true;
    if (!is_tame(string->text, string->length))
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, malformed);
    char *whole = region_alloc(region, string->length + sizeof "^()$");
    if (!whole)
        return out_of_memory(error);
    log_format(whole, string->length + sizeof "^()$", "^(%s)$", string->text);
    return matcher_compile(matcher, region, profile, whole, malformed, error);
}

/* Length of a piece of name at `p` whose brackets hold no parameters, or 0. */
static size_t reserved_piece(const char *p, const char *end) {
    static const char *const pieces[] = {"(anonymous namespace)", "operator()"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t length = strlen(pieces[i]);
        if ((size_t)(end - p) >= length && memcmp(p, pieces[i], length) == 0)
            return length;
    }
    return 0;
}

/* The part of a name that the expressions are made for: without the dot that one ABI puts in front, and
 * without parameters. */
static size_t simple_name(const struct profile_string *string, const char **begin) {
    const char *p = string->text + (string->text[0] == '.'), *end = string->text + string->length;
    *begin = p;
    while (p < end) {
        size_t reserved = reserved_piece(p, end);
        if (!reserved && *p == '(')
            break;
        p += reserved ? reserved : 1;
    }
    return (size_t)(p - *begin);
}

struct droppers {
    struct matcher drop, keep;
};

static bool is_dropped(const struct droppers *all, const struct profile *profile, const struct profile_line *line) {
    if (line->function == PROFILE_NONE)
        return false;
    string_id id = profile->functions[line->function].name;
    unsigned char *known = &all->drop.known[id];
    if (!*known) {
        const char *name;
        size_t length = simple_name(&profile->strings[id], &name);
        bool drop = profile->strings[id].length && regex_matches(&all->drop.regex, name, length) &&
                    !(all->keep.is_set && regex_matches(&all->keep.regex, name, length));
        *known = drop ? KNOWN_MATCH : KNOWN_OTHER;
    }
    return *known == KNOWN_MATCH;
}

/* What happens to a stack that holds this location. */
enum cut { CUT_NOWHERE, CUT_BELOW, CUT_WITH };

/* Takes the dropped lines, and what they called, out of the location. */
static unsigned char cut_location(const struct droppers *all, const struct profile *profile,
                                  struct profile_location *location) {
    uint32_t i = location->line_count;
    while (i && !is_dropped(all, profile, &profile->lines[location->first_line + i - 1]))
        i--;
    if (!i)
        return CUT_NOWHERE;
    if (i == location->line_count)
        return CUT_WITH;
    location->first_line += i;
    location->line_count -= i;
    return CUT_BELOW;
}

static void cut_sample(const struct profile *profile, const unsigned char *cuts, struct profile_sample *sample) {
    const uint32_t *ids = profile->location_ids + sample->first_location;
    bool found_user = false;
    for (uint32_t i = sample->location_count; i-- > 0;) {
        unsigned char cut = cuts[ids[i]];
        if (cut == CUT_NOWHERE)
            found_user = true;
        if (cut == CUT_NOWHERE || !found_user)
            continue;
        uint32_t gone = cut == CUT_WITH ? i + 1 : i;
        sample->first_location += gone;
        sample->location_count -= gone;
        return;
    }
}

static bool drop_frames(struct profile *profile, const struct droppers *all, struct region *region,
                        struct proto_error *error) {
    if (!all->drop.is_set)
        return true;
    unsigned char *cuts = region_alloc(region, profile->location_count);
    if (!cuts)
        return out_of_memory(error);
    for (uint32_t i = 0; i < profile->location_count; i++)
        cuts[i] = cut_location(all, profile, &profile->locations[i]);
    for (uint32_t i = 0; i < profile->sample_count; i++)
        cut_sample(profile, cuts, &profile->samples[i]);
    return true;
}

bool filter_drop_frames(struct profile *profile, struct proto_error *error) {
    *error = (struct proto_error){0};
    struct region region = {0};
    struct droppers all = {0};
    bool ok = compile_whole(&all.drop, &region, profile, profile->drop_frames, error) &&
              compile_whole(&all.keep, &region, profile, profile->keep_frames, error) &&
              drop_frames(profile, &all, &region, error);
    matcher_free(&all.drop);
    matcher_free(&all.keep);
    region_free(&region);
    return ok;
}
