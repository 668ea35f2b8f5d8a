/* The values of one row by file, and when a limit is reached. Locks, allocation: none. */
#include <math.h>

#include "diff/trend.h"

void trend_spread(const struct heapprofile_trend *trend, const struct trend_series *series, int64_t *values,
                  double *variances, double *allocated) {
    const struct trend_fit *fit = &trend->fit;
    for (uint32_t i = 0; i < fit->files; i++) {
        values[i] = 0;
        variances[i] = 0;
        allocated[i] = NAN;
    }
    for (uint32_t k = 0; k < series->count; k++) {
        const struct trend_point *point = &series->points[k];
        uint32_t place = fit->places[point->file];
        if (place == TREND_NOWHERE)
            continue;
        values[place] = point->value;
        variances[place] = (double)point->variance;
        allocated[place] = point->allocated;
    }
    for (uint32_t i = 0; i < fit->files; i++) {
        bool is_first = !i || trend->files[fit->order[i - 1]].process != trend->files[fit->order[i]].process;
        if (isnan(allocated[i]))
            allocated[i] = is_first ? 0 : allocated[i - 1];
    }
}

/* The end of the process's files that begin at a place. */
static uint32_t process_end(const struct heapprofile_trend *trend, uint32_t first) {
    const struct trend_fit *fit = &trend->fit;
    uint32_t end = first;
    while (end < fit->files && trend->files[fit->order[end]].process == trend->files[fit->order[first]].process)
        end++;
    return end;
}

static double hours_of(const struct heapprofile_trend *trend, uint32_t place) {
    const struct trend_file *files = trend->files;
    const uint32_t *order = trend->fit.order;
    return (double)(files[order[place]].time_nanos - files[order[0]].time_nanos) / 3600e9;
}

void heapprofile_trend_line(const struct heapprofile_trend *trend, int64_t row, const int64_t *values, double *line) {
    const struct trend_fit *fit = &trend->fit;
    double slope = heapprofile_trend_slope(trend, row).slope;
    for (uint32_t first = 0, end; first < fit->files; first = end) {
        double level = 0, count = 0;
        end = process_end(trend, first);
        for (uint32_t i = first; i < end; i++) {
            if (fit->is_warm_up[i])
                continue;
            level += (double)values[i] - slope * hours_of(trend, i);
            count++;
        }
        for (uint32_t i = first; i < end; i++)
            line[i] = fit->is_warm_up[i] ? NAN : level / count + slope * hours_of(trend, i);
    }
}

void heapprofile_trend_values(const struct heapprofile_trend *trend, int64_t row, int64_t *values, double *errors) {
    const struct trend_series *series = trend_series_of(trend, row);
    for (uint32_t i = 0; i < trend->fit.files; i++) {
        values[i] = 0;
        errors[i] = series->is_unknown ? NAN : 0;
    }
    for (uint32_t k = 0; k < series->count; k++) {
        uint32_t place = trend->fit.places[series->points[k].file];
        if (place == TREND_NOWHERE)
            continue;
        values[place] = series->points[k].value;
        if (!series->is_unknown)
            errors[place] = sqrt((double)series->points[k].variance);
    }
}

static double hours_to(double distance, double slope) {
    return distance <= 0 ? 0 : slope > 0 ? distance / slope : INFINITY;
}

struct heapprofile_reach heapprofile_trend_reach(const struct heapprofile_trend *trend, int64_t row, double limit) {
    struct heapprofile_slope slope = heapprofile_trend_slope(trend, row);
    double distance = limit - (double)trend->fit.total.last;
    return (struct heapprofile_reach){.hours = hours_to(distance, slope.slope),
                                      .soonest = hours_to(distance, slope.high),
                                      .latest = hours_to(distance, slope.low)};
}
