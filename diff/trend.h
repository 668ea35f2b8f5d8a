/* struct heapprofile_trend: the values of rows in many profiles. */
#ifndef HEAPTAP_DIFF_TREND_H
#define HEAPTAP_DIFF_TREND_H

#include "diff/rows.h"
#include "diff/sampled.h"
#include "diff/slope.h"
#include "heapprofile.h"

/* A row in a file. A file without one has 0, and no more allocated than the file before. */
struct trend_point {
    uint32_t file;    /* in the order in which they were added */
    float variance;   /* by sampling */
    double allocated; /* variance of all that was allocated since the process began */
    int64_t value;
};

struct trend_series {
    struct trend_point *points;
    uint32_t count, capacity;
    bool is_unknown; /* samples could not be read back from some of the values */
    double density;  /* most units that a byte of it can be */
};

struct trend_file {
    const char *name;
    int64_t time_nanos, rate;
    uint32_t process;
};

struct trend_process {
    const char *instance, *pid;
    uint32_t files;
    int64_t first_nanos, last_nanos;
};

enum { TREND_NOWHERE = UINT32_MAX };

/* What a fit found. */
struct trend_fit {
    int process;
    uint32_t *order;  /* numbers of the files, by process and time */
    uint32_t *places; /* by number of the file: its place in `order`, or TREND_NOWHERE */
    uint32_t files, warm_up;
    bool *is_warm_up;                 /* by place in `order` */
    uint32_t *used;                   /* places in `order` that are not warm-up */
    double *times;                    /* of the used, in hours */
    double hours;                     /* the latest of them */
    struct slope_plan plan;           /* of the used */
    struct heapprofile_slope *slopes; /* by row */
    struct heapprofile_slope total;
    uint32_t *rank;
    uint32_t ranked;
};

struct heapprofile_trend {
    enum heapprofile_by by;
    enum heapprofile_measure measure;
    double confidence;
    bool with_warm_up;
    char *label;
    struct heapprofile_view view; /* name NULL until the first file or the caller has said it */
    enum sampled_kind kind, allocations;
    struct region region;
    struct strtab texts; /* names of files, processes and sources */
    struct rows rows;    /* names only: of stacks too */
    struct trend_series *series, total;
    uint32_t series_count;
    struct trend_file *files;
    uint32_t file_count, file_capacity;
    struct trend_process *processes;
    uint32_t process_count;
    struct trend_fit fit;
};

/* The series of a row or of the total. */
static inline const struct trend_series *trend_series_of(const struct heapprofile_trend *trend, int64_t row) {
    static const struct trend_series empty;
    if (row == HEAPPROFILE_TREND_TOTAL)
        return &trend->total;
    return row < trend->series_count ? &trend->series[row] : &empty;
}

/* Values and, where wanted, variances by sampling, 0 where a file has no point, by place in the fit's order. */
void trend_spread(const struct heapprofile_trend *trend, const struct trend_series *series, int64_t *values,
                  double *variances, double *allocated);

void trend_forget_fit(struct heapprofile_trend *trend);

#endif
