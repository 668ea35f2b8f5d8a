/* Grammar, as gperftools, the Go runtime and jemalloc write it and as `go tool pprof` takes it:
 *
 *   head      heap profile:  12:  3456 [  78:  9012] @ heap_v2/524288      or      heap_v2/524288
 *   counts     1:     1024 [     2:     2048] @ 0x55c7d39b10b1 0x7f700764524a
 *              t*: 2: 96 [0: 0]
 *
 * The word behind the head's @ says how to read the counts: heapprofile records all, heap_v2/R samples with
 * mean R, heap/R (Go) has twice R behind the slash, growthz and fragmentationz are not sampled. In-use counts
 * may be negative, where a profile is the difference of two.
 *
 * pprof looks for the counts anywhere in a line, and so does this; a run of digits that cannot begin them is
 * passed at once, so a hostile line is walked a fixed number of times.
 *
 * legacy_scale: jeprof and pprof have one formula. It takes the mean size of the stack's objects for the size
 * of all, which is right for a stack that allocates one size. jemalloc 5.3 and later distort what they write so
 * that the formula gives unbiased sums (its option prof_unbias).
 *
 * Locks: none. Allocation: none. */
#include "proto/legacy_counts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char PPROF_MAGIC[] = "heap profile:", JEMALLOC_MAGIC[] = "heap_v2/";

static_assert(sizeof PPROF_MAGIC - 1 == LEGACY_MAGIC_SIZE, "the longest magic");

static bool starts_with(const struct legacy_text *text, const char *word) {
    size_t length = strlen(word);
    return (size_t)(text->end - text->next) >= length && memcmp(text->next, word, length) == 0;
}

static bool skip_word(struct legacy_text *text, const char *word) {
    if (!starts_with(text, word))
        return false;
    text->next += strlen(word);
    return true;
}

static void skip_blanks(struct legacy_text *text) {
    while (text->next < text->end && *text->next == ' ')
        text->next++;
}

static bool is_digit(const struct legacy_text *text) {
    return text->next < text->end && *text->next >= '0' && *text->next <= '9';
}

/* The digits at the front of the text; an empty piece when there are none. */
static struct legacy_text take_digits(struct legacy_text *text) {
    struct legacy_text digits = {text->next, text->next};
    while (is_digit(text))
        text->next++;
    digits.end = text->next;
    return digits;
}

static bool is_empty(struct legacy_text text) { return text.next == text.end; }

static bool parse_number(struct legacy_text digits, int64_t *number) {
    bool is_negative = skip_word(&digits, "-");
    int64_t value = 0;
    for (; digits.next < digits.end; digits.next++) {
        int digit = *digits.next - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, is_negative ? -digit : digit, &value))
            return false;
    }
    *number = value;
    return true;
}

/* The four numbers of "n: b [N: B]" as they are written: inuse objects, bytes, alloc objects, bytes. */
enum { INUSE_OBJECTS, INUSE_BYTES, ALLOC_OBJECTS, ALLOC_BYTES, NUMBERS };

static bool take_number(struct legacy_text *text, bool may_be_negative, const char *behind,
                        struct legacy_text *number) {
    const char *first = text->next;
    if (may_be_negative)
        (void)skip_word(text, "-");
    if (is_empty(take_digits(text)))
        return false;
    *number = (struct legacy_text){first, text->next};
    if (*behind != ':')
        skip_blanks(text);
    if (!skip_word(text, behind))
        return false;
    skip_blanks(text);
    return true;
}

static bool take_four(struct legacy_text *text, bool may_be_negative, struct legacy_text numbers[NUMBERS]) {
    return take_number(text, may_be_negative, ":", &numbers[INUSE_OBJECTS]) &&
           take_number(text, may_be_negative, "[", &numbers[INUSE_BYTES]) &&
           take_number(text, false, ":", &numbers[ALLOC_OBJECTS]) &&
           take_number(text, false, "]", &numbers[ALLOC_BYTES]);
}

static enum legacy_result parse_four(const struct legacy_text numbers[NUMBERS], struct legacy_counts *counts) {
    bool fits = parse_number(numbers[INUSE_OBJECTS], &counts->inuse.objects) &&
                parse_number(numbers[INUSE_BYTES], &counts->inuse.bytes) &&
                parse_number(numbers[ALLOC_OBJECTS], &counts->alloc.objects) &&
                parse_number(numbers[ALLOC_BYTES], &counts->alloc.bytes);
    return fits ? LEGACY_OK : LEGACY_TOO_LARGE;
}

bool legacy_is_head(const void *bytes, size_t size) {
    struct legacy_text text = {bytes, (const char *)bytes + size};
    return starts_with(&text, PPROF_MAGIC) || starts_with(&text, JEMALLOC_MAGIC);
}

static bool same_digits(struct legacy_text a, struct legacy_text b) {
    return a.end - a.next == b.end - b.next && memcmp(a.next, b.next, (size_t)(a.end - a.next)) == 0;
}

/* Whether the numbers in brackets are not a mere copy of the others, and not 0. */
static bool says_more(struct legacy_text alloc, struct legacy_text inuse) {
    static const char zero[] = "0";
    return !same_digits(alloc, inuse) && !same_digits(alloc, (struct legacy_text){zero, zero + 1});
}

/* "heap_v2", "heapprofile" and what they mean. */
static bool read_kind(struct legacy_text kind, int64_t period, struct legacy_head *head) {
    static const struct {
        const char *name;
        bool is_sampled, is_twice;
    } kinds[] = {
        {"heapprofile", false, false}, {"heap_v2", true, false}, {"heapz_v2", true, false}, {"heap", true, true}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *name = kinds[i].name;
        if (!same_digits(kind, (struct legacy_text){name, name + strlen(name)}))
            continue;
        head->is_sampled = kinds[i].is_sampled;
        head->period = !kinds[i].is_sampled ? 1 : kinds[i].is_twice ? period / 2 : period;
        return true;
    }
    return false;
}

static bool read_sampling(struct legacy_text line, struct legacy_head *head) {
    if (starts_with(&line, "growth") || starts_with(&line, "fragmentation")) {
        head->period = 1;
        head->has_allocs = false;
        return true;
    }
    struct legacy_text kind = {line.next, line.next};
    while (line.next < line.end && (*line.next == '_' || (*line.next >= 'a' && *line.next <= 'z') || is_digit(&line)))
        line.next++;
    kind.end = line.next;
    (void)skip_word(&line, "/");
    int64_t period;
    return parse_number(take_digits(&line), &period) && read_kind(kind, period, head);
}

static bool read_jemalloc_head(struct legacy_text line, struct legacy_head *head) {
    *head = (struct legacy_head){.dialect = LEGACY_JEMALLOC, .is_sampled = true};
    struct legacy_text digits = take_digits(&line);
    return !is_empty(digits) && is_empty(line) && parse_number(digits, &head->period);
}

bool legacy_read_head(struct legacy_text line, struct legacy_head *head) {
    struct legacy_text numbers[NUMBERS];
    if (skip_word(&line, JEMALLOC_MAGIC))
        return read_jemalloc_head(line, head);
    *head = (struct legacy_head){.dialect = LEGACY_PPROF};
    if (!skip_word(&line, PPROF_MAGIC))
        return false;
    skip_blanks(&line);
    if (!take_four(&line, false, numbers) || !skip_word(&line, "@"))
        return false;
    skip_blanks(&line);
    head->has_allocs = says_more(numbers[ALLOC_OBJECTS], numbers[INUSE_OBJECTS]) ||
                       says_more(numbers[ALLOC_BYTES], numbers[INUSE_BYTES]);
    return read_sampling(line, head);
}

enum legacy_result legacy_find_counts(struct legacy_text *line, struct legacy_counts *counts) {
    while (line->next < line->end) {
        struct legacy_text numbers[NUMBERS], rest = *line;
        if (take_four(&rest, true, numbers) && rest.next[-1] == ' ' && skip_word(&rest, "@")) {
            *line = rest;
            return parse_four(numbers, counts);
        }
        if (is_empty(take_digits(line)))
            line->next++;
    }
    return LEGACY_ABSENT;
}

enum legacy_result legacy_read_counts(struct legacy_text *line, struct legacy_counts *counts) {
    struct legacy_text numbers[NUMBERS];
    return take_four(line, false, numbers) ? parse_four(numbers, counts) : LEGACY_ABSENT;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum legacy_result legacy_next_address(struct legacy_text *line, uint64_t *address) {
    while (line->next < line->end) {
        char c = *line->next;
        if (c != ' ' && c != 'x' && hex_digit(c) < 0)
            return LEGACY_ABSENT;
        struct legacy_text digits = *line;
        line->next++;
        if (!skip_word(&digits, "0x") || is_empty(digits) || hex_digit(*digits.next) < 0)
            continue;
        uint64_t value = 0;
        for (int digit; digits.next < digits.end && (digit = hex_digit(*digits.next)) >= 0; digits.next++) {
            if (value >> 60)
                return LEGACY_TOO_LARGE;
            value = value << 4 | (uint64_t)digit;
        }
        *line = digits;
        *address = value;
        return LEGACY_OK;
    }
    return LEGACY_ABSENT;
}

int64_t legacy_mean_size(struct legacy_pair pair) {
    if (pair.objects == 0)
        return 0;
    if (pair.objects == -1) /* the quotient of the smallest number is not a number */
        return (int64_t)(0 - (uint64_t)pair.bytes);
    return pair.bytes / pair.objects;
}

static bool to_integer(double value, bool is_rounded, int64_t *integer) {
    double whole = is_rounded ? floor(value + 0.5) : trunc(value);
    if (!(whole > -0x1p63 && whole < 0x1p63))
        return false;
    *integer = (int64_t)whole;
    return true;
}

bool legacy_scale(struct legacy_pair *pair, int64_t period, bool is_rounded) {
    if (!pair->objects || !pair->bytes) {
        *pair = (struct legacy_pair){0};
        return true;
    }
    if (period <= 1)
        return true;
    double mean = (double)pair->bytes / (double)pair->objects;
    double scale = 1 / (1 - exp(-mean / (double)period));
    return to_integer((double)pair->objects * scale, is_rounded, &pair->objects) &&
           to_integer((double)pair->bytes * scale, is_rounded, &pair->bytes);
}
