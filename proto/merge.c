/* Sums of profiles, with the keys and the order of pprof's own merge, so that a diff written as a profile is
 * the one that `go tool pprof -proto -diff_base` writes.
 *
 * merge_profiles:
 *   1. the header: first profile's types, earliest time, sum of durations, largest period, all comments once
 *   2. for each input, for each sample that is not zero in every value after scaling: map its locations (and
 * with them their mappings, functions and strings) into the sum, and its labels
 *   3. a sample with the same stack and labels is there already: add to its values; else it is a new one
 *   4. some sum is zero now: merge the result once more by itself, which leaves out those samples and
 * whatever only they used
 *
 * Two things are the same when: functions - name, system name, file and start line; mappings - build id (or
 * else file name), offset, and size rounded up to 4 KiB; locations - mapping, address from the start of the
 * mapping, lines, folding; samples - locations and labels. An address is moved with its mapping, because the
 * same binary lies elsewhere in each process.
 *
 * A new item is appended first and taken back when an equal one is found: so hashing and comparing work on
 * the sum's own arrays alone.
 *
 * Locks: none. Allocation: regions; qsort_r may call malloc, so this is for tools. */
#include "proto/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/rand.h"
#include "proto/builder.h"
#include "proto/hash_index.h"
#include "proto/strtab.h"

enum { MAPPING_ROUNDING = 4096 };

/* What became of an item of the input: index in the sum + 1, 0 = not mapped yet. */
struct memo {
    uint32_t *strings, *mappings, *functions, *locations;
};

struct merger {
    struct builder builder;
    struct profile *sum;
    struct proto_error *error;
    struct region scratch; /* hash tables and memos */
    struct strtab strings; /* in the sum's region */
    struct hash_index mappings, functions, locations, samples, comments;
    uint64_t seed;
    const struct merge_input *input; /* the one at hand */
    const struct profile *from;
    struct memo memo;
    uint32_t label_key, label_text; /* of `input`, in the sum; key PROFILE_NONE = none */
    bool has_zero;                  /* some sample of the sum may have become zero */
};

static bool no_memory(struct merger *merger) {
    return proto_fail(merger->error, PROTO_ERROR_MEMORY, 0, "out of memory");
}

static bool no_room(struct merger *merger) { return builder_fail(&merger->builder, merger->error, 0); }

static bool intern(struct merger *merger, const char *text, size_t length, string_id *id) {
    *id = strtab_intern(&merger->strings, text, length, NULL);
    return *id != PROFILE_NONE || no_memory(merger);
}

/* The string of the input, as a string of the sum, in place. */
static bool map_string(struct merger *merger, string_id *id) {
    uint32_t *known = &merger->memo.strings[*id];
    if (!*known) {
        const struct profile_string *string = &merger->from->strings[*id];
        string_id mapped;
        if (!intern(merger, string->text, string->length, &mapped))
            return false;
        *known = mapped + 1;
    }
    *id = *known - 1;
    return true;
}

/* What pprof takes for the identity of a mapping. */
struct mapping_key {
    uint64_t size, offset;
    uint64_t name;
};

static struct mapping_key mapping_key(const struct profile_mapping *mapping) {
    uint64_t size = mapping->limit - mapping->start + MAPPING_ROUNDING - 1;
    return (struct mapping_key){
        .size = size - size % MAPPING_ROUNDING,
        .offset = mapping->offset,
        .name = mapping->build_id ? mapping->build_id : mapping->filename,
    };
}

static bool map_mapping(struct merger *merger, uint32_t index, uint32_t *mapped) {
    if (merger->memo.mappings[index]) {
        *mapped = merger->memo.mappings[index] - 1;
        return true;
    }
    struct profile *sum = merger->sum;
    struct profile_mapping mapping = merger->from->mappings[index];
    if (!map_string(merger, &mapping.filename) || !map_string(merger, &mapping.build_id))
        return false;
    struct mapping_key key = mapping_key(&mapping);
    uint32_t slot, hash = (uint32_t)hash_bytes(&key, sizeof key, merger->seed);
    *mapped = hash_index_first(&merger->mappings, hash, &slot);
    for (; *mapped != HASH_INDEX_NONE; *mapped = hash_index_next(&merger->mappings, hash, &slot)) {
        struct mapping_key known = mapping_key(&sum->mappings[*mapped]);
        if (memcmp(&known, &key, sizeof key) == 0)
            break;
    }
    if (*mapped == HASH_INDEX_NONE) {
        *mapped = sum->mapping_count;
        struct profile_mapping *added = builder_append(&merger->builder, PROFILE_MAPPINGS, 1);
        if (!added || !hash_index_add(&merger->mappings, hash))
            return no_room(merger);
        *added = mapping;
    }
    merger->memo.mappings[index] = *mapped + 1;
    return true;
}

static bool same_function(const struct profile_function *a, const struct profile_function *b) {
    return a->name == b->name && a->system_name == b->system_name && a->filename == b->filename &&
           a->start_line == b->start_line;
}

static bool map_function(struct merger *merger, uint32_t *index) {
    uint32_t *memo = &merger->memo.functions[*index];
    struct profile *sum = merger->sum;
    if (*memo) {
        *index = *memo - 1;
        return true;
    }
    struct profile_function function = merger->from->functions[*index];
    if (!map_string(merger, &function.name) || !map_string(merger, &function.system_name) ||
        !map_string(merger, &function.filename))
        return false;
    uint64_t key[] = {function.name, function.system_name, function.filename, (uint64_t)function.start_line};
    uint32_t slot, hash = (uint32_t)hash_bytes(key, sizeof key, merger->seed);
    uint32_t mapped = hash_index_first(&merger->functions, hash, &slot);
    while (mapped != HASH_INDEX_NONE && !same_function(&sum->functions[mapped], &function))
        mapped = hash_index_next(&merger->functions, hash, &slot);
    if (mapped == HASH_INDEX_NONE) {
        mapped = sum->function_count;
        struct profile_function *added = builder_append(&merger->builder, PROFILE_FUNCTIONS, 1);
        if (!added || !hash_index_add(&merger->functions, hash))
            return no_room(merger);
        *added = function;
    }
    *memo = mapped + 1;
    *index = mapped;
    return true;
}

/* Appends the lines of the input's location to the sum. */
static bool map_lines(struct merger *merger, const struct profile_location *location) {
    struct profile_line *lines = builder_append(&merger->builder, PROFILE_LINES, location->line_count);
    if (!lines)
        return no_room(merger);
    for (uint32_t i = 0; i < location->line_count; i++) {
        lines[i] = merger->from->lines[location->first_line + i];
        if (lines[i].function != PROFILE_NONE && !map_function(merger, &lines[i].function))
            return false;
    }
    return true;
}

static uint32_t hash_location(const struct merger *merger, const struct profile_location *location) {
    uint64_t hash = merger->seed ^ location->address ^ (uint64_t)location->mapping << 32 ^ location->is_folded;
    for (uint32_t i = 0; i < location->line_count; i++) {
        const struct profile_line *line = &merger->sum->lines[location->first_line + i];
        hash = hash64(hash ^ line->function);
        hash = hash64(hash ^ (uint64_t)line->line);
        hash = hash64(hash ^ (uint64_t)line->column);
    }
    return (uint32_t)hash64(hash);
}

static bool same_location(const struct profile *sum, const struct profile_location *a,
                          const struct profile_location *b) {
    if (a->address != b->address || a->mapping != b->mapping || a->is_folded != b->is_folded ||
        a->line_count != b->line_count)
        return false;
    for (uint32_t i = 0; i < a->line_count; i++) {
        const struct profile_line *x = &sum->lines[a->first_line + i], *y = &sum->lines[b->first_line + i];
        if (x->function != y->function || x->line != y->line || x->column != y->column)
            return false;
    }
    return true;
}

/* The mapping of the location, and its address as it would be where the sum's mapping lies. */
static bool place_location(struct merger *merger, struct profile_location *location) {
    if (location->mapping == PROFILE_NONE)
        return true;
    uint32_t mapped;
    if (!map_mapping(merger, location->mapping, &mapped))
        return false;
    location->address += merger->sum->mappings[mapped].start - merger->from->mappings[location->mapping].start;
    location->mapping = mapped;
    return true;
}

static bool map_location(struct merger *merger, uint32_t *index) {
    uint32_t *memo = &merger->memo.locations[*index];
    struct profile *sum = merger->sum;
    if (*memo) {
        *index = *memo - 1;
        return true;
    }
    struct profile_location location = merger->from->locations[*index];
    uint32_t first_line = sum->line_count;
    if (!place_location(merger, &location) || !map_lines(merger, &location))
        return false;
    location.first_line = first_line;
    uint32_t slot, hash = hash_location(merger, &location);
    uint32_t mapped = hash_index_first(&merger->locations, hash, &slot);
    while (mapped != HASH_INDEX_NONE && !same_location(sum, &sum->locations[mapped], &location))
        mapped = hash_index_next(&merger->locations, hash, &slot);
    if (mapped == HASH_INDEX_NONE) {
        mapped = sum->location_count;
        struct profile_location *added = builder_append(&merger->builder, PROFILE_LOCATIONS, 1);
        if (!added || !hash_index_add(&merger->locations, hash))
            return no_room(merger);
        *added = location;
    } else {
        sum->line_count = first_line;
    }
    *memo = mapped + 1;
    *index = mapped;
    return true;
}

static bool map_stack(struct merger *merger, const struct profile_sample *sample) {
    uint32_t *ids = builder_append(&merger->builder, PROFILE_LOCATION_IDS, sample->location_count);
    if (!ids)
        return no_room(merger);
    for (uint32_t i = 0; i < sample->location_count; i++) {
        ids[i] = merger->from->location_ids[sample->first_location + i];
        if (!map_location(merger, &ids[i]))
            return false;
    }
    return true;
}

/* pprof's order: texts before numbers, each by key; what has the same key stays in the order of the file, for
 * which `order` is kept. */
struct ordered_label {
    struct profile_label label;
    uint32_t order;
};

static int compare_labels(const void *a, const void *b, void *context) {
    const struct ordered_label *x = a, *y = b;
    const struct profile_string *strings = context;
    if (!x->label.text != !y->label.text)
        return x->label.text ? -1 : 1;
    const struct profile_string *k = &strings[x->label.key], *l = &strings[y->label.key];
    int order = memcmp(k->text, l->text, k->length < l->length ? k->length : l->length);
    if (!order)
        order = (k->length > l->length) - (k->length < l->length);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* pprof sees no label in a number that is 0 and has no unit; and the mark of an input replaces what has its
 * key. */
static bool is_left_out(const struct merger *merger, const struct profile_label *label) {
    if (label->text)
        return label->key == merger->label_key;
    return !label->number && !label->unit;
}

static bool sort_labels(struct merger *merger, struct profile_label *labels, uint32_t count) {
    struct region region = {0};
    struct ordered_label *sorted = region_alloc(&region, count * sizeof *sorted);
    if (!sorted)
        return no_memory(merger);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (struct ordered_label){labels[i], i};
    qsort_r(sorted, count, sizeof *sorted, compare_labels, merger->strings.strings);
    for (uint32_t i = 0; i < count; i++)
        labels[i] = sorted[i].label;
    region_free(&region);
    return true;
}

static bool map_labels(struct merger *merger, const struct profile_sample *sample) {
    struct profile *sum = merger->sum;
    uint32_t first = sum->label_count, count = 0;
    struct profile_label *labels = builder_append(&merger->builder, PROFILE_LABELS, (size_t)sample->label_count + 1);
    if (!labels)
        return no_room(merger);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        struct profile_label label = merger->from->labels[sample->first_label + i];
        if (!map_string(merger, &label.key) || !map_string(merger, &label.text) || !map_string(merger, &label.unit))
            return false;
        if (!is_left_out(merger, &label))
            labels[count++] = label;
    }
    if (merger->label_key != PROFILE_NONE)
        labels[count++] = (struct profile_label){.key = merger->label_key, .text = merger->label_text};
    sum->label_count = first + count;
    return count < 2 || sort_labels(merger, labels, count);
}

static uint32_t hash_sample(const struct merger *merger, const struct profile_sample *sample) {
    const struct profile *sum = merger->sum;
    uint64_t hash = hash_bytes(sum->location_ids + sample->first_location,
                               sample->location_count * sizeof *sum->location_ids, merger->seed);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        const struct profile_label *label = &sum->labels[sample->first_label + i];
        hash = hash64(hash ^ label->key ^ (uint64_t)label->text << 32);
        hash = hash64(hash ^ label->unit ^ (uint64_t)label->number);
    }
    return (uint32_t)hash;
}

static bool same_sample(const struct profile *sum, const struct profile_sample *a, const struct profile_sample *b) {
    if (a->location_count != b->location_count || a->label_count != b->label_count)
        return false;
    for (uint32_t i = 0; i < a->label_count; i++) {
        const struct profile_label *x = &sum->labels[a->first_label + i], *y = &sum->labels[b->first_label + i];
        if (x->key != y->key || x->text != y->text || x->unit != y->unit || x->number != y->number)
            return false;
    }
    return memcmp(sum->location_ids + a->first_location, sum->location_ids + b->first_location,
                  a->location_count * sizeof *sum->location_ids) == 0;
}

int64_t merge_scale(int64_t value, double scale) {
    if (scale == 1)
        return value;
    double scaled = (double)value * scale;
    if (!(scaled > -9223372036854775808.0))
        return scaled == scaled ? INT64_MIN : 0;
    if (scaled >= 9223372036854775808.0)
        return INT64_MAX;
    int64_t whole = (int64_t)scaled;
    double rest = scaled - (double)whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

static double scale_of(const struct merge_input *input, uint32_t type) {
    return input->scales ? input->scale * input->scales[type] : input->scale;
}

static int64_t add_saturated(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static bool is_zero(const int64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (values[i])
            return false;
    }
    return true;
}

/* Appends the sample's stack and labels to the sum, and finds the sample there that has the same. */
static bool map_sample(struct merger *merger, const struct profile_sample *from, struct profile_sample *sample,
                       uint32_t *hash, uint32_t *known) {
    struct profile *sum = merger->sum;
    sample->first_location = sum->location_id_count;
    sample->first_label = sum->label_count;
    if (!map_stack(merger, from) || !map_labels(merger, from))
        return false;
    sample->location_count = sum->location_id_count - sample->first_location;
    sample->label_count = sum->label_count - sample->first_label;
    uint32_t slot;
    *hash = hash_sample(merger, sample);
    *known = hash_index_first(&merger->samples, *hash, &slot);
    while (*known != HASH_INDEX_NONE && !same_sample(sum, &sum->samples[*known], sample))
        *known = hash_index_next(&merger->samples, *hash, &slot);
    return true;
}

/* `values` are scaled and lie at the end of the sum's values, where they stay when the sample is a new one.
 */
static bool add_sample(struct merger *merger, const struct profile_sample *from, int64_t *values) {
    struct profile *sum = merger->sum;
    uint32_t types = sum->sample_type_count, hash, known;
    struct profile_sample sample;
    if (!map_sample(merger, from, &sample, &hash, &known))
        return false;
    if (known == HASH_INDEX_NONE) {
        struct profile_sample *added = builder_append(&merger->builder, PROFILE_SAMPLES, 1);
        if (!added || !hash_index_add(&merger->samples, hash))
            return no_room(merger);
        *added = sample;
        return true;
    }
    int64_t *total = sum->values + (size_t)known * types;
    for (uint32_t i = 0; i < types; i++)
        total[i] = add_saturated(total[i], values[i]);
    merger->has_zero |= is_zero(total, types);
    sum->location_id_count = sample.first_location;
    sum->label_count = sample.first_label;
    merger->builder.value_count -= types;
    return true;
}

static bool add_samples(struct merger *merger) {
    const struct profile *from = merger->from;
    uint32_t types = from->sample_type_count;
    for (uint32_t i = 0; i < from->sample_count; i++) {
        int64_t *values = builder_append(&merger->builder, PROFILE_VALUES, types);
        if (!values)
            return no_room(merger);
        for (uint32_t t = 0; t < types; t++)
            values[t] = merge_scale(from->values[(size_t)i * types + t], scale_of(merger->input, t));
        if (is_zero(values, types))
            merger->builder.value_count -= types;
        else if (!add_sample(merger, &from->samples[i], values))
            return false;
    }
    return true;
}

static bool new_memo(struct merger *merger, uint32_t count, uint32_t **memo) {
    *memo = region_alloc(&merger->scratch, count * sizeof **memo);
    return *memo || no_memory(merger);
}

static bool begin_input(struct merger *merger, const struct merge_input *input) {
    const struct profile *from = input->profile;
    merger->input = input;
    merger->from = from;
    merger->label_key = PROFILE_NONE;
    if (input->label_key && (!intern(merger, input->label_key, strlen(input->label_key), &merger->label_key) ||
                             !intern(merger, input->label_text, strlen(input->label_text), &merger->label_text)))
        return false;
    return new_memo(merger, from->string_count, &merger->memo.strings) &&
           new_memo(merger, from->mapping_count, &merger->memo.mappings) &&
           new_memo(merger, from->function_count, &merger->memo.functions) &&
           new_memo(merger, from->location_count, &merger->memo.locations);
}

static bool add_comments(struct merger *merger) {
    for (uint32_t i = 0; i < merger->from->comment_count; i++) {
        string_id id = merger->from->comments[i];
        uint32_t slot;
        if (!map_string(merger, &id))
            return false;
        /* The number of the text is its hash, so what has the same hash is the same text. */
        if (hash_index_first(&merger->comments, id, &slot) != HASH_INDEX_NONE)
            continue;
        string_id *added = builder_append(&merger->builder, PROFILE_COMMENTS, 1);
        if (!added || !hash_index_add(&merger->comments, id))
            return no_room(merger);
        *added = id;
    }
    return true;
}

static bool map_value_type(struct merger *merger, struct profile_value_type *type) {
    return map_string(merger, &type->type) && map_string(merger, &type->unit);
}

/* What only the first profile decides. */
static bool begin_header(struct merger *merger) {
    const struct profile *from = merger->from;
    struct profile *sum = merger->sum;
    struct profile_value_type *types = builder_append(&merger->builder, PROFILE_SAMPLE_TYPES, from->sample_type_count);
    if (!types)
        return no_room(merger);
    for (uint32_t i = 0; i < from->sample_type_count; i++) {
        types[i] = from->sample_types[i];
        if (!map_value_type(merger, &types[i]))
            return false;
    }
    sum->period_type = from->period_type;
    sum->drop_frames = from->drop_frames;
    sum->keep_frames = from->keep_frames;
    return map_value_type(merger, &sum->period_type) && map_string(merger, &sum->drop_frames) &&
           map_string(merger, &sum->keep_frames);
}

static bool add_header(struct merger *merger) {
    const struct profile *from = merger->from;
    struct profile *sum = merger->sum;
    string_id default_type = from->default_sample_type, doc_url = from->doc_url;
    if (!map_string(merger, &default_type) || !map_string(merger, &doc_url) || !add_comments(merger))
        return false;
    if (!sum->time_nanos || from->time_nanos < sum->time_nanos)
        sum->time_nanos = from->time_nanos;
    sum->duration_nanos = add_saturated(sum->duration_nanos, from->duration_nanos);
    if (!sum->period || from->period > sum->period)
        sum->period = from->period;
    if (!sum->default_sample_type)
        sum->default_sample_type = default_type;
    if (!sum->doc_url)
        sum->doc_url = doc_url;
    return true;
}

static bool add_input(struct merger *merger, const struct merge_input *input, bool is_first) {
    if (!begin_input(merger, input) || (is_first && !begin_header(merger)) || !add_header(merger))
        return false;
    /* The first mapping stands for the main program, whether or not a sample refers to it. */
    uint32_t ignored;
    if (!merger->sum->mapping_count && merger->from->mapping_count && !map_mapping(merger, 0, &ignored))
        return false;
    return add_samples(merger);
}

static bool same_text(const struct profile *a, string_id x, const struct profile *b, string_id y) {
    const struct profile_string *s = &a->strings[x], *t = &b->strings[y];
    return s->length == t->length && memcmp(s->text, t->text, s->length) == 0;
}

static bool same_type(const struct profile *a, struct profile_value_type x, const struct profile *b,
                      struct profile_value_type y) {
    return same_text(a, x.type, b, y.type) && same_text(a, x.unit, b, y.unit);
}

static bool are_compatible(const struct profile *a, const struct profile *b, struct proto_error *error) {
    bool same = a->sample_type_count == b->sample_type_count;
    for (uint32_t i = 0; same && i < a->sample_type_count; i++)
        same = same_type(a, a->sample_types[i], b, b->sample_types[i]);
    if (!same)
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "the profiles have different sample types");
    if (!same_type(a, a->period_type, b, b->period_type))
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "the profiles have different period types");
    return true;
}

static bool merge_once(const struct merge_input *inputs, size_t count, struct merger *merger) {
    string_id empty;
    if (!intern(merger, "", 0, &empty))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!are_compatible(inputs[0].profile, inputs[i].profile, merger->error) ||
            !add_input(merger, &inputs[i], i == 0))
            return false;
    }
    return true;
}

static bool run(const struct merge_input *inputs, size_t count, struct profile *sum, bool *has_zero,
                struct proto_error *error) {
    *sum = (struct profile){0};
    struct merger merger = {.sum = sum, .error = error, .seed = rand_entropy()};
    builder_init(&merger.builder, sum, 0);
    strtab_init(&merger.strings, &sum->region);
    merger.mappings.region = merger.functions.region = &merger.scratch;
    merger.locations.region = merger.samples.region = merger.comments.region = &merger.scratch;
    bool ok = merge_once(inputs, count, &merger);
    sum->strings = merger.strings.strings;
    sum->string_count = merger.strings.count;
    *has_zero = merger.has_zero;
    region_free(&merger.scratch);
    if (!ok)
        profile_free(sum);
    return ok;
}

bool merge_profiles(const struct merge_input *inputs, size_t count, struct profile *sum, struct proto_error *error) {
    *sum = (struct profile){0};
    *error = (struct proto_error){0};
    if (!count)
        return proto_fail(error, PROTO_ERROR_FORMAT, 0, "no profiles to merge");
    bool has_zero;
    if (!run(inputs, count, sum, &has_zero, error) || !has_zero)
        return error->code == PROTO_OK;
    struct profile with_zeros = *sum;
    struct merge_input again = {.profile = &with_zeros, .scale = 1};
    bool ok = run(&again, 1, sum, &has_zero, error);
    profile_free(&with_zeros);
    return ok;
}
