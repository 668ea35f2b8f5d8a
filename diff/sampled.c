/* The slot size of a sample is its numeric label "bytes", as Go and heaptap write it. A file without it, or without a
 * rate, says nothing of its chance: all of its values are unknown.
 *
 * Locks, allocation: none. */
#include "diff/sampled.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"

/* Places in a pair's sums. */
enum { SAMPLES = 0, OBJECTS = 1, BYTES = 4 };
enum { VALUE, VARIANCE, UNKNOWN };

static_assert(BYTES + UNKNOWN + 1 == SAMPLED_PAIR, "a pair's sums are all there is");
static_assert((int)SAMPLED_INUSE_OBJECTS == SAMPLED_KINDS / 2, "the alloc pair comes first");

static const char *const kind_names[SAMPLED_KINDS] = {
    [SAMPLED_ALLOC_OBJECTS] = "alloc_objects",
    [SAMPLED_ALLOC_SPACE] = "alloc_space",
    [SAMPLED_INUSE_OBJECTS] = "inuse_objects",
    [SAMPLED_INUSE_SPACE] = "inuse_space",
};

/* Text profiles that say nothing of allocations leave "inuse_" out. */
enum sampled_kind sampled_kind_of(const char *view) {
    if (strcmp(view, "space") == 0)
        return SAMPLED_INUSE_SPACE;
    if (strcmp(view, "objects") == 0)
        return SAMPLED_INUSE_OBJECTS;
    int kind = 0;
    while (kind < SAMPLED_KINDS && strcmp(view, kind_names[kind]) != 0)
        kind++;
    return (enum sampled_kind)kind;
}

static uint32_t find_string(const struct profile *profile, const char *text) {
    for (uint32_t i = 0; i < profile->string_count; i++)
        if (strcmp(profile_text(profile, i), text) == 0)
            return i;
    return PROFILE_NONE;
}

struct sampling sampling_find(const struct heapprofile *source) {
    struct sampling sampling = {.profile = &source->profile, .label = find_string(&source->profile, "bytes")};
    int64_t rate = source_rate(source);
    sampling.rate = rate > 0 ? (uint64_t)rate : 0;
    for (int kind = 0; kind < SAMPLED_KINDS; kind++)
        sampling.types[kind] = source_find_view(source, kind_names[kind]);
    return sampling;
}

static uint64_t find_slot(const struct sampling *sampling, const struct profile_sample *sample) {
    const struct profile_label *labels = sampling->profile->labels + sample->first_label;
    for (uint32_t i = 0; i < sample->label_count; i++)
        if (labels[i].key == sampling->label && !labels[i].text && labels[i].number > 0)
            return (uint64_t)labels[i].number;
    return 0;
}

/* A slot of 0 is not looked at by estimate_bucket_weighed. */
static const struct estimate_weight *find_weight(struct sampled_weights *weights, uint64_t slot, uint64_t rate) {
    struct sampled_weight *item = &weights->items[hash64(slot) % SAMPLED_WEIGHTS];
    if (item->slot != slot)
        *item = (struct sampled_weight){slot, estimate_weigh(slot, rate)};
    return &item->weight;
}

/* The numbers of one pair. */
static void set_pair(struct sampled *own, double *sums, const struct estimate *objects, const struct estimate *bytes) {
    sums[SAMPLES] = objects->samples;
    sums[OBJECTS + VALUE] = objects->value;
    sums[OBJECTS + VARIANCE] = objects->variance;
    sums[OBJECTS + UNKNOWN] = objects->unknown;
    sums[BYTES + VALUE] = bytes->value;
    sums[BYTES + VARIANCE] = bytes->variance;
    sums[BYTES + UNKNOWN] = bytes->unknown;
    own->object_density = objects->density;
    own->byte_density = bytes->density;
}

struct sampled sampling_read(const struct sampling *sampling, struct sampled_weights *weights, uint32_t index) {
    const struct profile *profile = sampling->profile;
    const struct profile_sample *sample = &profile->samples[index];
    const int64_t *values = profile->values + (size_t)index * profile->sample_type_count;
    uint64_t slot = find_slot(sampling, sample);
    const struct estimate_weight *weight = sampling->rate ? find_weight(weights, slot, sampling->rate) : NULL;
    struct sampled own = {0};
    for (size_t pair = 0; pair < 2; pair++) {
        const uint32_t *types = sampling->types + pair * (SAMPLED_KINDS / 2);
        int64_t count = types[0] == PROFILE_NONE ? 0 : values[types[0]];
        int64_t space = types[1] == PROFILE_NONE ? 0 : values[types[1]];
        struct estimate objects = {0}, bytes = {0};
        struct estimate_bucket bucket = {.is_known = false};
        if (weight)
            bucket = estimate_bucket_weighed(space, slot, sampling->rate, weight);
        estimate_add_objects(&objects, count, slot, &bucket);
        estimate_add_bytes(&bytes, space, &bucket);
        set_pair(&own, own.sums + pair * SAMPLED_PAIR, &objects, &bytes);
    }
    return own;
}

struct estimate sampled_estimate(const struct sampled *sum, enum sampled_kind kind, const struct sampling *sampling) {
    bool is_objects = kind == SAMPLED_ALLOC_OBJECTS || kind == SAMPLED_INUSE_OBJECTS;
    const double *pair = sum->sums + (kind < SAMPLED_INUSE_OBJECTS ? 0 : SAMPLED_PAIR);
    const double *number = pair + (is_objects ? OBJECTS : BYTES);
    struct estimate estimate = estimate_none(sampling->rate);
    estimate.value = number[VALUE];
    estimate.variance = number[VARIANCE];
    estimate.unknown = number[UNKNOWN];
    estimate.samples = pair[SAMPLES];
    estimate.density = is_objects ? sum->object_density : sum->byte_density;
    return estimate;
}
