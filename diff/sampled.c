/* The slot size of a sample is its numeric label "bytes", as Go and heaptap write it. A file without it, or without a
 * rate, says nothing of its chance: all of its values are unknown.
 *
 * Locks, allocation: none. */
#include "diff/sampled.h"

#include <string.h>

#include "base/bits.h"

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

void sampling_read(const struct sampling *sampling, struct sampled_weights *weights, uint32_t index,
                   struct sampled_sample *sample) {
    const struct profile *profile = sampling->profile;
    const int64_t *values = profile->values + (size_t)index * profile->sample_type_count;
    for (int kind = 0; kind < SAMPLED_KINDS; kind++)
        sample->values[kind] = sampling->types[kind] == PROFILE_NONE ? 0 : values[sampling->types[kind]];
    sample->slot = find_slot(sampling, &profile->samples[index]);
    sample->alloc = sample->inuse = (struct estimate_bucket){.is_known = false};
    if (!sampling->rate)
        return;
    const struct estimate_weight *weight = find_weight(weights, sample->slot, sampling->rate);
    sample->alloc = estimate_bucket_weighed(sample->values[SAMPLED_ALLOC_SPACE], sample->slot, sampling->rate, weight);
    sample->inuse = estimate_bucket_weighed(sample->values[SAMPLED_INUSE_SPACE], sample->slot, sampling->rate, weight);
}

void sampled_add(struct sampled *sum, const struct sampled_sample *sample) {
    const int64_t *values = sample->values;
    estimate_add_objects(&sum->kinds[SAMPLED_ALLOC_OBJECTS], values[SAMPLED_ALLOC_OBJECTS], sample->slot,
                         &sample->alloc);
    estimate_add_bytes(&sum->kinds[SAMPLED_ALLOC_SPACE], values[SAMPLED_ALLOC_SPACE], &sample->alloc);
    estimate_add_objects(&sum->kinds[SAMPLED_INUSE_OBJECTS], values[SAMPLED_INUSE_OBJECTS], sample->slot,
                         &sample->inuse);
    estimate_add_bytes(&sum->kinds[SAMPLED_INUSE_SPACE], values[SAMPLED_INUSE_SPACE], &sample->inuse);
}

void sampled_join(struct sampled *sum, const struct sampled *more) {
    for (int kind = 0; kind < SAMPLED_KINDS; kind++)
        sum->kinds[kind] = estimate_sum(&sum->kinds[kind], &more->kinds[kind]);
}

struct estimate sampled_estimate(const struct sampled *sum, enum sampled_kind kind, const struct sampling *sampling) {
    struct estimate estimate = estimate_none(sampling->rate);
    return estimate_sum(&estimate, &sum->kinds[kind]);
}
