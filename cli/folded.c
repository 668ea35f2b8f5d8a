/* The frames of a stack are separated by semicolons and the line ends with its numbers, so a semicolon in a name
 * becomes a colon and control characters become '?'. Readers of the format know only counts: a negative value, which no
 * profile of a heap has but a difference of two does, is left out and a warning says so. Locks: none. Allocates with
 * malloc. */
#include "cli/folded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool print_frame(const char *name, FILE *out) {
    size_t size = strlen(name) + 1;
    char *clean = malloc(size);
    if (!clean)
        return false;
    text_clean(clean, size, name);
    for (char *p = clean; (p = strchr(p, ';')) != NULL;)
        *p = ':';
    fputs(*clean ? clean : "?", out);
    free(clean);
    return true;
}

bool folded_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    size_t negative = 0;
    (void)term, (void)error;
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_change change =
            heapprofile_diff_change(summary->diff, summary->order[i], summary->view, HEAPPROFILE_FLAT);
        uint32_t frames;
        const char *const *names = heapprofile_diff_stack(summary->diff, summary->order[i], &frames);
        if (!names)
            return false;
        if (change.before < 0 || change.after < 0) {
            negative++;
            continue;
        }
        if (!frames)
            fputs("? ", out);
        while (frames--) {
            if (!print_frame(names[frames], out))
                return false;
            fputc(frames ? ';' : ' ', out);
        }
        if (summary_is_diff(summary))
            fprintf(out, "%" PRId64 " ", change.before);
        fprintf(out, "%" PRId64 "\n", change.after);
    }
    if (negative)
        fprintf(stderr, "heapdiff: warning: %zu stacks with negative values are left out\n", negative);
    return true;
}
