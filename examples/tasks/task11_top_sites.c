/* Exercise 11: the top three allocation sites by alloc_space, asked of two tools. A small service reads requests,
 * renders pages and fills a cache; it logs and counts too, which is little.
 *
 * Only about every 64 KiB one allocation is recorded, so the profile is an estimate. Of n bytes in small objects it is
 * off by about the square root of n times the rate (docs/sampling.md): 1.7 MiB for 48 MiB, 0.9 MiB for 12. So the
 * order of sites that differ by half is safe, and I predict:
 *
 *   render_page, read_request, fill_cache, in this order, by heapdiff and by `go tool pprof`
 *   the same number of bytes from both, to the last one: both add up the same file, and neither rounds
 *   within 5 of these standard errors of 48, 24 and 12 MiB
 *
 * Where there is no go, only heapdiff is asked. */
#include <math.h>

#include "examples/tasks/task_profile.h"

enum { ROUNDS = 3072, TOP = 3 };
#define RATE (64 * KIB)

/* Small objects, so that each site is many samples' worth. */
static TASK_NOINLINE void render_page(void) {
    for (int line = 0; line < 16; line++) {
        char *text = malloc(1 * KIB);
        task_use(text);
        free(text);
    }
}

static TASK_NOINLINE void read_request(void) {
    for (int header = 0; header < 16; header++) {
        char *text = malloc(512);
        task_use(text);
        free(text);
    }
}

static TASK_NOINLINE void fill_cache(void) {
    char *entry = malloc(4 * KIB);
    task_use(entry);
    free(entry);
}

static TASK_NOINLINE void log_line(void) {
    char *line = malloc(128);
    task_use(line);
    free(line);
}

static TASK_NOINLINE void count_hit(void) {
    char *key = malloc(16);
    task_use(key);
    free(key);
}

static void serve(void) {
    for (int i = 0; i < ROUNDS; i++) {
        read_request();
        render_page();
        fill_cache();
        log_line();
        count_hit();
    }
}

struct top {
    size_t count;
    struct task_row rows[TOP];
};

/* "50331648B 57.14% 57.14%  50331648B 57.14%  render_page" */
static void take_pprof_line(const char *line, void *context) {
    struct top *top = context;
    struct task_row row;
    int name = 0;
    if (sscanf(line, " %" SCNd64 "B %*s %*s %" SCNd64 "B %*s %n", &row.flat, &row.cum, &name) != 2 || name == 0 ||
        top->count == TOP)
        return;
    snprintf(row.name, sizeof row.name, "%.*s", (int)strcspn(line + name, "\n"), line + name);
    top->rows[top->count++] = row;
}

static bool has_go(void) { return system("go tool pprof -h >/dev/null 2>&1; test $? -ne 127") == 0; }

static void ask_pprof(struct top *top, const char *profile) {
    char command[2 * TASK_PATH_MOST];
    snprintf(command, sizeof command,
             "go tool pprof -top -sample_index=alloc_space -unit=B -nodecount=%d -nodefraction=0 '%s' 2>/dev/null", TOP,
             profile);
    task_read_lines(command, take_pprof_line, top);
}

static void compare(const struct task_rows *ours, const struct top *theirs) {
    task_expect(theirs->count == TOP, "go tool pprof shows %zu rows", theirs->count);
    for (size_t i = 0; i < TOP; i++) {
        printf("go tool pprof %zu. %-14s %9" PRId64 " bytes\n", i + 1, theirs->rows[i].name, theirs->rows[i].flat);
        task_expect(strcmp(ours->rows[i].name, theirs->rows[i].name) == 0, "place %zu is '%s' for go tool pprof", i + 1,
                    theirs->rows[i].name);
        task_expect(ours->rows[i].flat == theirs->rows[i].flat && ours->rows[i].cum == theirs->rows[i].cum,
                    "heapdiff and go tool pprof differ on '%s'", theirs->rows[i].name);
    }
}

int main(void) {
    static const struct {
        const char *name;
        double bytes;
    } predicted[TOP] = {{"render_page", 48.0 * MIB}, {"read_request", 24.0 * MIB}, {"fill_cache", 12.0 * MIB}};
    static struct task_rows rows;
    struct top top = {0};
    char profile[TASK_PATH_MOST];
    heaptap_set_mem_profile_rate(RATE);
    serve();
    heaptap_set_mem_profile_rate(0);
    task_profile_write(profile);
    task_heapdiff(&rows, profile, "alloc_space", "function");
    task_expect(rows.count >= TOP, "heapdiff shows %zu rows", rows.count);
    for (size_t i = 0; i < TOP; i++) {
        double error = sqrt(predicted[i].bytes * RATE);
        printf("heapdiff      %zu. %-14s %9" PRId64 " bytes, of %.0f\n", i + 1, rows.rows[i].name, rows.rows[i].flat,
               predicted[i].bytes);
        task_expect(strcmp(rows.rows[i].name, predicted[i].name) == 0, "place %zu is '%s', not '%s'", i + 1,
                    rows.rows[i].name, predicted[i].name);
        task_expect(fabs((double)rows.rows[i].flat - predicted[i].bytes) < 5 * error,
                    "'%s' is more than 5 standard errors of %.0f bytes off", predicted[i].name, error);
    }
    if (has_go()) {
        ask_pprof(&top, profile);
        compare(&rows, &top);
    } else {
        puts("no go here: only heapdiff was asked");
    }
    unlink(profile);
    return 0;
}
