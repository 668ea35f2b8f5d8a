/* heapprofile: reads, names, filters, adds up, compares and writes heap profiles in pprof's format and in the text
 * formats that came before it. `heapdiff` is written with it. Link with -lheapprofile (`pkg-config heapprofile`).
 *
 *   struct heapprofile_error error;
 *   struct heapprofile *files[2];
 *   const char *paths[2] = {"old.pb.gz", "new.pb.gz"};
 *   if (!heapprofile_read_all(paths, 2, files, &error)) ...                  1. read
 *   struct heapprofile_pair pair = {{{&files[0], 1}, {&files[1], 1}}};
 *   struct heapprofile_diff *diff = heapprofile_diff(&pair, NULL, &error);   2. compare
 *   heapprofile_diff_rank(diff, 0, HEAPPROFILE_FLAT, &count)                 3. rows, the greatest change first
 *   heapprofile_diff_change(diff, row, 0, HEAPPROFILE_FLAT)                  4. what changed, and whether it is noise
 *
 * Ownership: what a function named _read, _add or _diff or _tree returns is the caller's, to be freed by the function
 * named _free; texts and arrays that the others return belong to their object. A diff and a tree refer to the profiles
 * and the diff that they were made of, which must outlive them.
 * Thread safety: none; different objects may be used by different threads.
 * Errors: false or NULL, and one line in `error->text`, lower case, without a full stop, naming file and byte where
 * there are any. File names in it are cleaned of control characters. Texts: names come from files and are untrusted:
 * any byte but NUL may be in them. Units: those of the view: bytes or objects, for other profiles whatever the file
 * says. Sums wrap at 64 bits. */
#ifndef HEAPPROFILE_H
#define HEAPPROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEAPPROFILE_API __attribute__((visibility("default")))

enum { HEAPPROFILE_ERROR_SIZE = 4400 };

struct heapprofile_error {
    char text[HEAPPROFILE_ERROR_SIZE];
};

/* ---- One profile ----------------------------------------------------------------------------------------- */

struct heapprofile; /* one profile in memory */

/* Reads a file: profile.proto, gzip'd or plain, or a text profile of gperftools, Go or jemalloc. "-" is standard input.
 * Bounded: 1 GiB compressed, 4 GiB inflated, 4 GiB or half of the machine in memory. */
HEAPPROFILE_API struct heapprofile *heapprofile_read(const char *path, struct heapprofile_error *error);
/* The same from a descriptor, which stays open; `name` stands for it in messages. */
HEAPPROFILE_API struct heapprofile *heapprofile_read_fd(int fd, const char *name, struct heapprofile_error *error);
/* Several files at once, side by side where there are processors. All or none: on failure nothing is to be freed, and
 * the error is that of the first file in the order given that failed. */
HEAPPROFILE_API bool heapprofile_read_all(const char *const *paths, size_t count, struct heapprofile **profiles,
                                          struct heapprofile_error *error);
HEAPPROFILE_API void heapprofile_free(struct heapprofile *profile); /* NULL is fine */

/* Takes bytes of a profile that is written; returns 0, or an errno which ends the writing. */
typedef int (*heapprofile_sink)(void *context, const void *bytes, size_t size);

/* Writes gzip'd profile.proto. */
HEAPPROFILE_API bool heapprofile_write(const struct heapprofile *profile, heapprofile_sink sink, void *context,
                                       struct heapprofile_error *error);
HEAPPROFILE_API bool heapprofile_write_fd(const struct heapprofile *profile, int fd, struct heapprofile_error *error);

/* A view: one of the numbers that each sample of a file carries ("inuse_space", in "bytes"). */
struct heapprofile_view {
    const char *name, *unit;
};

struct heapprofile_facts {
    const char *name; /* path or name that it was read by */
    uint32_t views, samples, functions, mappings, comments;
    int64_t rate;           /* mean bytes between samples; 0 = the file does not say */
    int64_t time_nanos;     /* of the snapshot, since 1970; 0 = the file does not say */
    int64_t duration_nanos; /* that it covers; 0 = the file does not say */
    const char *instance;   /* the same in all files of one process; NULL = the file does not say */
};

HEAPPROFILE_API struct heapprofile_facts heapprofile_facts(const struct heapprofile *profile);
HEAPPROFILE_API struct heapprofile_view heapprofile_view(const struct heapprofile *profile, uint32_t view);
/* By pprof's rule: the name, or in files with older names the name without "inuse_"; NULL or "" is the file's default,
 * else its last view. False when there is none. */
HEAPPROFILE_API bool heapprofile_find_view(const struct heapprofile *profile, const char *name, uint32_t *view);
HEAPPROFILE_API const char *heapprofile_comment(const struct heapprofile *profile, uint32_t comment);
/* What follows `prefix` ("heaptap_work_requests=") in the first comment that begins with it, or NULL. */
HEAPPROFILE_API const char *heapprofile_find_comment(const struct heapprofile *profile, const char *prefix);
/* The sum of all samples in a view. */
HEAPPROFILE_API int64_t heapprofile_total(const struct heapprofile *profile, uint32_t view);

/* ---- Changing one ---------------------------------------------------------------------------------------- */

struct heapprofile_symbols {
    const char *const *directories; /* looked into first, for binaries and debug files */
    size_t directory_count;
    /* Hears what kept a file from being used: `subject` is its path or a server's address, `text` a sentence without
     * its subject; both are gone when it returns. May be NULL. */
    void (*warn)(void *context, const char *subject, const char *text);
    void *context;
};

/* Names the frames that have none, from ELF and DWARF; a frame that cannot be named with certainty stays as it is.
 * NULL: no directories, no warnings. One call for several files opens each binary once. */
HEAPPROFILE_API bool heapprofile_symbolize(struct heapprofile *const *profiles, size_t count,
                                           const struct heapprofile_symbols *symbols, struct heapprofile_error *error);

/* POSIX extended expressions; each NULL for none. A frame matches by the name or the file of its function or the file
 * of its mapping. */
struct heapprofile_filter {
    const char *focus;  /* keep only samples with a frame that matches */
    const char *ignore; /* leave out samples with a frame that matches */
    const char *hide;   /* leave out matching frames, and samples that have none left */
    const char *show;   /* leave out all other frames, and samples that have none left */
};

HEAPPROFILE_API bool heapprofile_filter(struct heapprofile *profile, const struct heapprofile_filter *filter,
                                        struct heapprofile_error *error);
/* What the file itself says of frames to leave out, or another file in its stead (`rules`; NULL = its own). *usable is
 * false when its expression cannot be used; then nothing is left out. */
HEAPPROFILE_API bool heapprofile_drop_frames(struct heapprofile *profile, const struct heapprofile *rules, bool *usable,
                                             struct heapprofile_error *error);

/* ---- Adding up ------------------------------------------------------------------------------------------- */

struct heapprofile_term {
    const struct heapprofile *profile;
    double scale;         /* 1 adds, -1 takes away; values are scaled in double and rounded, half away from zero */
    const double *scales; /* by view, times `scale`; NULL = 1 */
    bool is_base;         /* its samples get the label pprof::base=true, as -diff_base of pprof marks them */
};

/* The sum. All must have the same views in the same order. The terms may be freed afterwards. */
HEAPPROFILE_API struct heapprofile *heapprofile_add(const struct heapprofile_term *terms, size_t count,
                                                    struct heapprofile_error *error);

/* ---- Comparing ------------------------------------------------------------------------------------------- */

enum heapprofile_side { HEAPPROFILE_OLD, HEAPPROFILE_NEW, HEAPPROFILE_SIDES };

/* What a row is. */
enum heapprofile_by {
    HEAPPROFILE_BY_FUNCTION,
    HEAPPROFILE_BY_LINE,
    HEAPPROFILE_BY_FILE,
    HEAPPROFILE_BY_PACKAGE, /* namespace or crate, else source directory, else binary */
    HEAPPROFILE_BY_MAPPING, /* binary or library */
    HEAPPROFILE_BY_STACK,
    HEAPPROFILE_BY_LABEL, /* the value of one label; flat and cum are the same */
};

/* flat: samples whose leaf is in the row. cum: samples with any frame in the row, each counted once. */
enum heapprofile_measure { HEAPPROFILE_FLAT, HEAPPROFILE_CUM, HEAPPROFILE_MEASURES };

/* What NEW is scaled by before it is compared, so that both are for the same total, time or amount of work. */
enum heapprofile_norm { HEAPPROFILE_AS_IT_IS, HEAPPROFILE_BY_TOTAL, HEAPPROFILE_BY_TIME, HEAPPROFILE_BY_WORK };

struct heapprofile_options {
    enum heapprofile_by by;
    const char *label;        /* key, for HEAPPROFILE_BY_LABEL */
    const char *const *views; /* names of the views to add up; NULL = all of the last new profile */
    size_t view_count;
    enum heapprofile_norm norm;
    const char *work;    /* counter, for HEAPPROFILE_BY_WORK: comments heaptap_work_NAME=N */
    double confidence;   /* of intervals, and 1 - the rate of false alarms; 0 = 0.95 */
    bool without_noise;  /* no intervals and no verdicts */
    bool with_cum_noise; /* intervals and verdicts for cum too: slower */
    bool is_aligned;     /* functions only in OLD are matched with those only in NEW; a guess, marked as such */
};

/* The profiles of each side. One a side: their difference. No old one: NEW is shown, its changes are its values.
 * Several: each value is the mean of the side's, and what is noise is told by the spread between them (Mann and
 * Whitney's test). */
struct heapprofile_runs {
    struct heapprofile *const *profiles;
    size_t count;
};
struct heapprofile_pair {
    struct heapprofile_runs runs[HEAPPROFILE_SIDES];
};

struct heapprofile_diff;

/* options NULL: functions, all views, 95%. */
HEAPPROFILE_API struct heapprofile_diff *heapprofile_diff(const struct heapprofile_pair *pair,
                                                          const struct heapprofile_options *options,
                                                          struct heapprofile_error *error);
HEAPPROFILE_API void heapprofile_diff_free(struct heapprofile_diff *diff); /* NULL is fine */

/* Views of the diff are numbered in the order in which they were asked for. */
HEAPPROFILE_API uint32_t heapprofile_diff_views(const struct heapprofile_diff *diff);
HEAPPROFILE_API struct heapprofile_view heapprofile_diff_view(const struct heapprofile_diff *diff, uint32_t view);
/* What a file was multiplied by, in each view: 1, or what the normalization says. Files are numbered from the first of
 * OLD to the last of NEW. */
HEAPPROFILE_API const double *heapprofile_diff_scales(const struct heapprofile_diff *diff, size_t file);
/* 1: all files are of one process; 0: they are not; -1: not known. */
HEAPPROFILE_API int heapprofile_diff_same_process(const struct heapprofile_diff *diff);

struct heapprofile_row {
    const char *name;     /* stacks: from the leaf, "leaf < caller < root"; valid until the next call for a stack */
    const char *file;     /* of the function; "" = unknown */
    int64_t line;         /* 0 = unknown; of a function, where it begins */
    bool has_other_files; /* functions of this name exist in several files */
    const char *old_name; /* is_aligned: what the row is thought to have been called in OLD; else NULL */
    double likeness;      /* of the two, 0 to 1 */
};

HEAPPROFILE_API uint32_t heapprofile_diff_rows(const struct heapprofile_diff *diff);
HEAPPROFILE_API struct heapprofile_row heapprofile_diff_row(struct heapprofile_diff *diff, uint32_t row);
/* The functions of a row of stacks, from the leaf; valid until the next call. NULL when there is no memory, or when
 * rows are no stacks. */
HEAPPROFILE_API const char *const *heapprofile_diff_stack(struct heapprofile_diff *diff, uint32_t row, uint32_t *count);
/* Rows by size of their change (of their value, when one profile is shown), the greatest first; rows that are 0 on both
 * sides are left out. The array is the diff's and valid until the next call. NULL when there is no memory. */
HEAPPROFILE_API const uint32_t *heapprofile_diff_rank(struct heapprofile_diff *diff, uint32_t view,
                                                      enum heapprofile_measure measure, uint32_t *count);

enum heapprofile_verdict {
    HEAPPROFILE_SAME,    /* before and after are equal */
    HEAPPROFILE_CHANGED, /* more than sampling noise */
    HEAPPROFILE_NOISE,   /* not more than sampling noise: "~" */
    HEAPPROFILE_UNKNOWN, /* the files do not say how they were sampled, or it was not asked for */
};

struct heapprofile_change {
    int64_t before, after, delta;
    enum heapprofile_verdict verdict;
    /* Not with HEAPPROFILE_UNKNOWN: */
    double low, high; /* the confidence interval of delta; infinite where nothing is known */
    double p;         /* of a difference as large if nothing had changed */
    double q;         /* p after Benjamini and Hochberg, over all rows of the view and measure */
};

HEAPPROFILE_API struct heapprofile_change heapprofile_diff_change(struct heapprofile_diff *diff, uint32_t row,
                                                                  uint32_t view, enum heapprofile_measure measure);
HEAPPROFILE_API struct heapprofile_change heapprofile_diff_total(struct heapprofile_diff *diff, uint32_t view);
/* The sum of all samples without their signs: what shares are of. */
HEAPPROFILE_API uint64_t heapprofile_diff_magnitude(const struct heapprofile_diff *diff, enum heapprofile_side side,
                                                    uint32_t view);

struct heapprofile_side_evidence {
    double value, variance; /* after normalization */
    double samples;         /* objects that were recorded */
    double unseen;          /* what one more recorded object would have added */
    double unknown;         /* the part of the value whose samples could not be read back */
};

/* What a verdict rests on. */
struct heapprofile_evidence {
    const char *test; /* constant: "none", or what was done */
    const char *why;  /* constant: of "none", why there is no verdict; else NULL */
    bool is_one_process;
    struct heapprofile_side_evidence sides[HEAPPROFILE_SIDES];
    /* What was tested: of two processes the sides; of one process what went and what came between them. The counts are
     * value / weight of one sample. */
    struct heapprofile_side_evidence less, more;
    double less_count, more_count;
    double least_p; /* the smallest p that as many samples could have given */
};

HEAPPROFILE_API struct heapprofile_evidence heapprofile_diff_evidence(struct heapprofile_diff *diff, uint32_t row,
                                                                      uint32_t view, enum heapprofile_measure measure);

/* What a profile's samples say against what the allocator counted exactly (heaptap writes it into its files). */
struct heapprofile_calibration {
    double sampled, exact; /* in the unit of the view */
    double deviation;      /* standard error of `sampled` */
    bool is_off;           /* further away than 1 in 1000 by chance */
};

/* False when the profile has no exact total for this view. */
HEAPPROFILE_API bool heapprofile_calibrate(const struct heapprofile *profile, uint32_t view,
                                           struct heapprofile_calibration *calibration);

/* ---- Callers and callees --------------------------------------------------------------------------------- */

struct heapprofile_tree;

/* Frames of the calls that led to samples, from the root down; node 0 is the root, of no row. */
struct heapprofile_node {
    uint32_t row;         /* of the diff; of node 0 nothing */
    uint32_t parent;      /* of node 0, itself */
    uint32_t first_child; /* children lie side by side, the greatest first */
    uint32_t child_count;
    uint32_t folded; /* children that had no room in the tree: their values are in this node's cum only */
};

/* At most `most_nodes` nodes: the greatest are kept, by the greatest of before and after over all views. `is_inverted`
 * begins with the leaves and goes to their callers. Not of stacks and labels. */
HEAPPROFILE_API struct heapprofile_tree *heapprofile_tree(struct heapprofile_diff *diff, uint32_t most_nodes,
                                                          bool is_inverted, struct heapprofile_error *error);
HEAPPROFILE_API void heapprofile_tree_free(struct heapprofile_tree *tree); /* NULL is fine */
HEAPPROFILE_API uint32_t heapprofile_tree_nodes(const struct heapprofile_tree *tree);
HEAPPROFILE_API struct heapprofile_node heapprofile_tree_node(const struct heapprofile_tree *tree, uint32_t node);
/* flat: of samples that end at this node. cum: of all below it too. */
HEAPPROFILE_API void heapprofile_tree_values(const struct heapprofile_tree *tree, uint32_t node, uint32_t view,
                                             enum heapprofile_measure measure, int64_t values[HEAPPROFILE_SIDES]);

/* A row that calls, or is called by, another one. */
struct heapprofile_link {
    uint32_t row;
    int64_t values[HEAPPROFILE_SIDES]; /* of samples with this call, each counted once */
};

struct heapprofile_links {
    struct heapprofile_link *callers, *callees; /* the greatest change first */
    uint32_t caller_count, callee_count;
};

/* False when there is no memory. `links` is freed by heapprofile_links_free. */
HEAPPROFILE_API bool heapprofile_diff_links(struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                                            struct heapprofile_links *links);
HEAPPROFILE_API void heapprofile_links_free(struct heapprofile_links *links);

/* ---- Many profiles over time --------------------------------------------------------------------------------------
 *
 *   trend = heapprofile_trend_open(NULL, &error)                       1. what is looked at
 *   for each file: heapprofile_trend_add(trend, profile, &error)       2. in any order; the profile may be freed then
 *   heapprofile_trend_fit(trend, HEAPPROFILE_NEWEST_PROCESS, &error)   3. lines through the values of each row
 *   heapprofile_trend_rank(trend, &count), heapprofile_trend_slope(trend, row)
 *
 * Memory grows with rows and with the files that each is in, not with stacks. */
struct heapprofile_trend;

struct heapprofile_trend_options {
    enum heapprofile_by by;
    const char *label; /* key, for HEAPPROFILE_BY_LABEL */
    const char *view;  /* NULL or "": the default of the first file */
    enum heapprofile_measure measure;
    double confidence; /* as for a diff; 0 = 0.95 */
    bool with_warm_up; /* the first files are not left out, however different they are */
};

HEAPPROFILE_API struct heapprofile_trend *heapprofile_trend_open(const struct heapprofile_trend_options *options,
                                                                 struct heapprofile_error *error);
HEAPPROFILE_API void heapprofile_trend_free(struct heapprofile_trend *trend); /* NULL is fine */
/* False: the profile does not say when it was made, or has no such view, or there is no memory; the others stay. */
HEAPPROFILE_API bool heapprofile_trend_add(struct heapprofile_trend *trend, const struct heapprofile *profile,
                                           struct heapprofile_error *error);

/* The processes that the files are of, in the order of their first files. */
struct heapprofile_process {
    const char *instance; /* "": the files do not say; they count as one process */
    const char *pid;      /* as the files have it; "" = they do not say */
    uint32_t files;
    int64_t first_nanos, last_nanos; /* of its files, since 1970 */
};

HEAPPROFILE_API uint32_t heapprofile_trend_processes(const struct heapprofile_trend *trend);
HEAPPROFILE_API struct heapprofile_process heapprofile_trend_process(const struct heapprofile_trend *trend,
                                                                     uint32_t process);

/* The process of the newest file; or all of them: one slope, and a level for each process. */
enum { HEAPPROFILE_NEWEST_PROCESS = -1, HEAPPROFILE_ALL_PROCESSES = -2 };

/* May be called again for another process. False: fewer than three files, or all of one time, or no memory. */
HEAPPROFILE_API bool heapprofile_trend_fit(struct heapprofile_trend *trend, int process,
                                           struct heapprofile_error *error);

/* All that follows is of the last fit. */
struct heapprofile_trend_facts {
    struct heapprofile_view view;
    int process;      /* number, or HEAPPROFILE_ALL_PROCESSES */
    uint32_t files;   /* of what was asked for */
    uint32_t warm_up; /* of them, that were left out as warm-up */
    double confidence;
    double hours;      /* from the first file that was not left out to the last */
    double deviations; /* standard errors of a value that its interval reaches to either side */
};

HEAPPROFILE_API struct heapprofile_trend_facts heapprofile_trend_facts(const struct heapprofile_trend *trend);

/* Files of one process are side by side and in the order of time. */
struct heapprofile_trend_file {
    const char *name;
    int64_t time_nanos;
    uint32_t process;
    int64_t rate;
    bool is_warm_up;
};

HEAPPROFILE_API struct heapprofile_trend_file heapprofile_trend_file(const struct heapprofile_trend *trend,
                                                                     uint32_t file);

enum heapprofile_trend_verdict {
    HEAPPROFILE_TREND_NOISE,   /* no more than chance: "~" */
    HEAPPROFILE_TREND_LEAKS,   /* rises by more than chance, and all the time; not said of what was allocated */
    HEAPPROFILE_TREND_RISES,   /* rises by more than chance, but only in a part of the time, or slower and slower */
    HEAPPROFILE_TREND_FALLS,   /* falls by more than chance */
    HEAPPROFILE_TREND_CONSTANT /* the same in all files */
};

struct heapprofile_slope {
    int64_t first, last;   /* values in the first file that was not left out and in the last */
    double slope;          /* units an hour */
    double low, high;      /* its confidence interval */
    double p;              /* of a slope as large if there were none */
    double q;              /* p after Benjamini and Hochberg, over all rows */
    double sampling_error; /* standard error of the slope by sampling; NAN where the files do not tell */
    double scatter_error;  /* by how the values bend and jump */
    uint32_t rises, steps; /* in how many steps from a file to the next it rose, and of how many */
    enum heapprofile_trend_verdict verdict;
};

enum { HEAPPROFILE_TREND_TOTAL = -1 }; /* as a row: the total of each file */

HEAPPROFILE_API uint32_t heapprofile_trend_rows(const struct heapprofile_trend *trend);
HEAPPROFILE_API struct heapprofile_row heapprofile_trend_row(const struct heapprofile_trend *trend, uint32_t row);
/* Rows that are not 0 in all files: what leaks, what rises, then the others, the steepest first. The array is the
 * trend's and valid until the next fit. */
HEAPPROFILE_API const uint32_t *heapprofile_trend_rank(const struct heapprofile_trend *trend, uint32_t *count);
HEAPPROFILE_API struct heapprofile_slope heapprofile_trend_slope(const struct heapprofile_trend *trend, int64_t row);
/* By file: the value, and its standard error by sampling (NAN = not known). */
HEAPPROFILE_API void heapprofile_trend_values(const struct heapprofile_trend *trend, int64_t row, int64_t *values,
                                              double *errors);
/* By file: where the line is, through the values of each process; NAN in warm-up. */
HEAPPROFILE_API void heapprofile_trend_line(const struct heapprofile_trend *trend, int64_t row, const int64_t *values,
                                            double *line);

/* When the total comes to a limit, in hours from the last file, if this slope goes on. */
struct heapprofile_reach {
    double hours;           /* INFINITY: never */
    double soonest, latest; /* by the interval of the slope */
};

HEAPPROFILE_API struct heapprofile_reach heapprofile_trend_reach(const struct heapprofile_trend *trend, int64_t row,
                                                                 double limit);

#ifdef __cplusplus
}
#endif
#endif
