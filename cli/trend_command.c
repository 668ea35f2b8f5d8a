/* 1. the files are read a batch at a time, named, filtered, added to the trend and freed
 * 2. a file that cannot be used is left out with a warning: the last one may just be being written
 * 3. the trend of the process that is asked for is fitted and printed
 *
 * A batch is read side by side where there are processors, and opens each binary once for its names. Locks: none. */
#include "cli/trend_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/trend_files.h"
#include "cli/trend_json.h"
#include "cli/trend_page.h"
#include "cli/trend_report.h"
#include "cli/trend_table.h"

enum { MOST_IN_BATCH = 256, MOST_SAID = 64, MOST_WARNINGS = 5, SHOWN = 4096, PROGRESS_SECONDS = 2 };

/* Bytes of files on disk in a batch; profiles take some ten times as much in memory. */
static const int64_t most_bytes_in_batch = 8 << 20;

struct reading {
    const struct request *request;
    struct heapprofile_trend *trend;
    struct trend_files files;
    size_t done, skipped;
    time_t began, shown; /* of the progress */
    bool has_progress;
    char *warned[MOST_SAID]; /* what was said of binaries already */
    size_t warned_count;
};

/* The line of the progress is wiped away before anything else is printed. */
static void wipe_progress(struct reading *reading) {
    if (reading->has_progress)
        fputs("\r\033[K", stderr);
    reading->has_progress = false;
}

static void show_progress(struct reading *reading) {
    time_t now = time(NULL);
    if (now - reading->began < PROGRESS_SECONDS || now == reading->shown || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\rheapdiff: %zu of %zu files", reading->done, reading->files.count);
    fflush(stderr);
    reading->shown = now;
    reading->has_progress = true;
}

/* Of a binary once, not once a batch. */
static void warn(void *context, const char *subject, const char *text) {
    struct reading *reading = context;
    char shown[SHOWN], *line;
    text_clean(shown, sizeof shown, subject);
    if (asprintf(&line, "'%s' %s", shown, text) < 0)
        return;
    for (size_t i = 0; i < reading->warned_count; i++) {
        if (strcmp(reading->warned[i], line) == 0) {
            free(line);
            return;
        }
    }
    if (reading->warned_count == MOST_SAID) {
        free(line);
        return;
    }
    reading->warned[reading->warned_count++] = line;
    wipe_progress(reading);
    fprintf(stderr, "heapdiff: warning: %s\n", line);
}

static void skip(struct reading *reading, const struct heapprofile_error *error) {
    if (reading->skipped++ >= MOST_WARNINGS)
        return;
    wipe_progress(reading);
    fprintf(stderr, "heapdiff: warning: skipped: %s\n", error->text);
}

/* Names and filters one batch and adds its files. What a file is to blame for is a warning. */
static void add_files(struct reading *reading, struct heapprofile **files, size_t count) {
    const struct request *request = reading->request;
    const struct heapprofile_symbols symbols = {request->debug_dirs, request->debug_dir_count, warn, reading};
    struct heapprofile_error error = {"out of memory"};
    bool is_named = request->is_verbatim || heapprofile_symbolize(files, count, &symbols, &error);
    for (size_t i = 0; i < count; i++) {
        bool usable = true;
        if (!is_named || !heapprofile_drop_frames(files[i], NULL, &usable, &error) ||
            !heapprofile_filter(files[i], &request->filter, &error) ||
            !heapprofile_trend_add(reading->trend, files[i], &error))
            skip(reading, &error);
        else if (!usable)
            warn(reading, "drop_frames", "of a profile is an expression that cannot be used");
        heapprofile_free(files[i]);
    }
}

/* One by one, to leave out only those that cannot be read. */
static void read_singly(struct reading *reading, const char *const *paths, size_t count) {
    struct heapprofile *files[MOST_IN_BATCH];
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        struct heapprofile_error error = {"out of memory"};
        if (input_read(&paths[i], 1, &reading->request->fetch, &files[good], &error))
            good++;
        else
            skip(reading, &error);
    }
    add_files(reading, files, good);
}

/* How many of the next files are a batch. */
static size_t count_batch(const struct reading *reading) {
    int64_t bytes = 0;
    size_t count = 0;
    while (count < MOST_IN_BATCH && reading->done + count < reading->files.count && bytes < most_bytes_in_batch) {
        struct stat status;
        if (stat(reading->files.paths[reading->done + count], &status) == 0)
            bytes += status.st_size;
        count++;
    }
    return count;
}

static void read_files(struct reading *reading) {
    reading->began = time(NULL);
    while (reading->done < reading->files.count) {
        const char *const *paths = (const char *const *)reading->files.paths + reading->done;
        struct heapprofile *files[MOST_IN_BATCH];
        struct heapprofile_error error;
        size_t count = count_batch(reading);
        if (input_read(paths, count, &reading->request->fetch, files, &error))
            add_files(reading, files, count);
        else
            read_singly(reading, paths, count);
        reading->done += count;
        show_progress(reading);
    }
    wipe_progress(reading);
    if (reading->skipped > MOST_WARNINGS)
        fprintf(stderr, "heapdiff: warning: %zu more files were skipped\n", reading->skipped - MOST_WARNINGS);
}

/* The number of the process that is asked for: "newest", "all", a pid, or how its id begins. */
static bool find_process(const struct heapprofile_trend *trend, const char *asked, int *process,
                         struct heapprofile_error *error) {
    *process = HEAPPROFILE_NEWEST_PROCESS;
    if (!asked || strcmp(asked, "newest") == 0)
        return true;
    *process = HEAPPROFILE_ALL_PROCESSES;
    if (strcmp(asked, "all") == 0)
        return true;
    int found = 0;
    for (uint32_t i = 0; i < heapprofile_trend_processes(trend); i++) {
        struct heapprofile_process one = heapprofile_trend_process(trend, i);
        if (strcmp(one.pid, asked) != 0 && (!*asked || strncmp(one.instance, asked, strlen(asked)) != 0))
            continue;
        *process = (int)i;
        found++;
    }
    if (found == 1)
        return true;
    char shown[200];
    text_clean(shown, sizeof shown, asked);
    if (found)
        snprintf(error->text, sizeof error->text, "%d processes are meant by '%s'", found, shown);
    else
        snprintf(error->text, sizeof error->text, "no profile is of a process '%s'", shown);
    return false;
}

static int print_report(const struct request *request, const struct trend_report *report,
                        struct heapprofile_error *error) {
    struct output output;
    if (!output_open(&output, request->output, error))
        return COMMAND_FAILED;
    bool ok;
    if (request->form == FORM_JSON) {
        ok = trend_json_print(report, output.file);
    } else if (request->form == FORM_HTML) {
        ok = trend_page_print(report, output.file);
    } else {
        struct term term = term_open(fileno(output.file), request->color);
        ok = trend_table_print(report, &term, output.file);
    }
    return output_close(&output, error) && ok ? COMMAND_OK : COMMAND_FAILED;
}

/* Whether a row leaks; each is named. */
static bool has_leaks(const struct trend_report *report) {
    uint32_t leaks = 0;
    for (; leaks < report->count; leaks++) {
        char shown[SHOWN];
        if (heapprofile_trend_slope(report->trend, report->order[leaks]).verdict != HEAPPROFILE_TREND_LEAKS)
            break; /* they come first */
        text_clean(shown, sizeof shown, heapprofile_trend_row(report->trend, report->order[leaks]).name);
        fprintf(stderr, "heapdiff: '%s' leaks\n", shown);
    }
    return leaks > 0;
}

static int report_trend(struct reading *reading, struct heapprofile_error *error) {
    const struct request *request = reading->request;
    int process;
    if (!find_process(reading->trend, request->process, &process, error) ||
        !heapprofile_trend_fit(reading->trend, process, error))
        return COMMAND_FAILED;
    struct trend_report report = {.trend = reading->trend,
                                  .by = request->by,
                                  .measure = request->by_cum ? HEAPPROFILE_CUM : HEAPPROFILE_FLAT,
                                  .most_rows = request->most_rows,
                                  .limit = request->limit,
                                  .skipped = reading->skipped};
    report.order = heapprofile_trend_rank(report.trend, &report.count);
    int status = print_report(request, &report, error);
    return status == COMMAND_OK && request->fails_on_change && has_leaks(&report) ? COMMAND_GATE : status;
}

int command_trend(const struct request *request, struct heapprofile_error *error) {
    struct reading reading = {.request = request};
    const struct heapprofile_trend_options options = {.by = request->by,
                                                      .label = request->label,
                                                      .view = request->sample_type,
                                                      .measure = request->by_cum ? HEAPPROFILE_CUM : HEAPPROFILE_FLAT,
                                                      .confidence = request->confidence,
                                                      .with_warm_up = request->keeps_warm_up};
    int status = COMMAND_FAILED;
    if (trend_files_find(&reading.files, request->paths, request->path_count, error) &&
        (reading.trend = heapprofile_trend_open(&options, error)) != NULL) {
        read_files(&reading);
        status = report_trend(&reading, error);
    }
    for (size_t i = 0; i < reading.warned_count; i++)
        free(reading.warned[i]);
    heapprofile_trend_free(reading.trend);
    trend_files_free(&reading.files);
    return status;
}
