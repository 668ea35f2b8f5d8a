/* Reads two heap profiles, and prints what grew most between them, with the interval that sampling leaves open.
 *
 *     cc profile_diff.c $(pkg-config --cflags --libs heapprofile) -o profile_diff && ./profile_diff old.pb.gz new.pb.gz
 */
#include <heapprofile.h>
#include <stdio.h>

enum { MOST_ROWS = 10 };

static void print_row(struct heapprofile_diff *diff, uint32_t index) {
    struct heapprofile_row row = heapprofile_diff_row(diff, index);
    struct heapprofile_change change = heapprofile_diff_change(diff, index, 0, HEAPPROFILE_FLAT);
    printf("%12ld %12ld %+12ld  ", (long)change.before, (long)change.after, (long)change.delta);
    if (change.verdict == HEAPPROFILE_NOISE)
        printf("%-26s", "~");
    else if (change.verdict == HEAPPROFILE_CHANGED)
        printf("%+12.0f .. %+-12.0f", change.low, change.high);
    printf("  %s\n", row.name);
}

static int compare(struct heapprofile **files, struct heapprofile_error *error) {
    const char *views[] = {"inuse_space"};
    const struct heapprofile_options options = {.views = views, .view_count = 1};
    const struct heapprofile_pair pair = {{{&files[0], 1}, {&files[1], 1}}};
    struct heapprofile_diff *diff = heapprofile_diff(&pair, &options, error);
    if (!diff)
        return 0;
    uint32_t count;
    const uint32_t *rows = heapprofile_diff_rank(diff, 0, HEAPPROFILE_FLAT, &count);
    for (uint32_t i = 0; rows && i < count && i < MOST_ROWS; i++)
        if (heapprofile_diff_change(diff, rows[i], 0, HEAPPROFILE_FLAT).delta)
            print_row(diff, rows[i]);
    heapprofile_diff_free(diff);
    return 1;
}

int main(int argc, char **argv) {
    struct heapprofile_error error;
    struct heapprofile *files[2];
    if (argc != 3) {
        fprintf(stderr, "usage: profile_diff OLD NEW\n");
        return 2;
    }
    int ok = heapprofile_read_all((const char *const *)argv + 1, 2, files, &error);
    if (ok) {
        ok = heapprofile_symbolize(files, 2, NULL, &error) && compare(files, &error);
        heapprofile_free(files[0]);
        heapprofile_free(files[1]);
    }
    if (!ok)
        fprintf(stderr, "profile_diff: %s\n", error.text);
    return ok ? 0 : 2;
}
