/* Facts about the files of a summary. Locks, allocation: none. */
#include "cli/summary.h"

#include <string.h>

const char *const summary_by_names[] = {[VIEW_FUNCTION] = "function",
                                        [VIEW_LINE] = "line",
                                        [VIEW_FILE] = "file",
                                        [VIEW_MAPPING] = "mapping",
                                        [VIEW_STACK] = "stack"};

/* The comment by which heaptap marks all dumps of one process. */
static const char instance_prefix[] = "heaptap_instance=";

int64_t summary_rate(const struct profile *profile) {
    return strcmp(profile_text(profile, profile->period_type.unit), "bytes") == 0 ? profile->period : 0;
}

int summary_same_process(const struct summary *summary) {
    if (!summary->files[VIEW_OLD])
        return -1;
    const char *old_instance = load_comment(&summary->files[VIEW_OLD]->profile, instance_prefix);
    const char *new_instance = load_comment(&summary->files[VIEW_NEW]->profile, instance_prefix);
    return old_instance && new_instance ? strcmp(old_instance, new_instance) == 0 : -1;
}
