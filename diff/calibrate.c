/* A profile's samples against the exact totals that heaptap writes beside them.
 *
 * Locks, allocation: none. */
#include <math.h>
#include <stdlib.h>

#include "diff/sampled.h"
#include "diff/significance.h"

/* The smallest object that there can be: the exact count knows of those that no sample has shown. */
static const double smallest_slot = 8;
static const double by_chance = 0.001;

/* The exact number of a view. */
static bool find_exact(const struct heapprofile *source, enum sampled_kind kind, double *exact) {
    const char *mallocs = heapprofile_find_comment(source, "heaptap_mallocs=");
    const char *frees = heapprofile_find_comment(source, "heaptap_frees=");
    const char *alloc = heapprofile_find_comment(source, "heaptap_alloc_bytes=");
    const char *inuse = heapprofile_find_comment(source, "heaptap_inuse_bytes=");
    switch (kind) {
    case SAMPLED_ALLOC_OBJECTS:
        *exact = mallocs ? strtod(mallocs, NULL) : 0;
        return mallocs;
    case SAMPLED_ALLOC_SPACE:
        *exact = alloc ? strtod(alloc, NULL) : 0;
        return alloc;
    case SAMPLED_INUSE_OBJECTS:
        *exact = mallocs && frees ? strtod(mallocs, NULL) - strtod(frees, NULL) : 0;
        return mallocs && frees;
    case SAMPLED_INUSE_SPACE:
        *exact = inuse ? strtod(inuse, NULL) : 0;
        return inuse;
    default:
        return false;
    }
}

bool heapprofile_calibrate(const struct heapprofile *source, uint32_t view,
                           struct heapprofile_calibration *calibration) {
    enum sampled_kind kind = sampled_kind_of(heapprofile_view(source, view).name);
    struct sampling sampling = sampling_find(source);
    struct sampled sum = {0};
    struct sampled_weights weights = {0};
    *calibration = (struct heapprofile_calibration){0};
    if (kind == SAMPLED_OTHER || !sampling.rate || !find_exact(source, kind, &calibration->exact))
        return false;
    for (uint32_t i = 0; i < source->profile.sample_count; i++) {
        struct sampled sample = sampling_read(&sampling, &weights, i);
        sampled_add(&sum, &sample);
    }
    struct estimate estimate = sampled_estimate(&sum, kind, &sampling);
    struct estimate exact = estimate_exact(calibration->exact);
    if (kind == SAMPLED_ALLOC_OBJECTS || kind == SAMPLED_INUSE_OBJECTS)
        estimate.density = 1 / smallest_slot;
    calibration->sampled = estimate.value;
    calibration->deviation = estimate.samples > 0 ? sqrt(estimate.variance) : estimate.rate * estimate.density;
    calibration->is_off = significance_of_two(&estimate, &exact, 0).p <= by_chance;
    return true;
}
