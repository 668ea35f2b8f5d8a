/* Why in the library itself, and not in one that is loaded when it is asked for: the socket needs nothing but the
 * kernel, and loading a library into a process that is in trouble is what one wants to avoid.
 *
 * The life of it, which `state` holds so that an exit in the middle leaves no file behind:
 *
 *   NONE --start--> STARTED --thread--> OPENING --socket--> SERVING
 *                      |                   |                   |
 *                      +------ exit -------+--- exit waits ----+--> NONE
 *
 * Locks: none. Allocation: what pthread_create takes, and what the commands do. */
#include "profiler/control.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc/later.h"
#include "alloc/memstats.h"
#include "base/atomic.h"
#include "base/background.h"
#include "base/log.h"
#include "base/os.h"
#include "base/units.h"
#include "include/heaptap.h"
#include "profiler/dump.h"
#include "profiler/record.h"

#define SECOND ((int64_t)1000000000)

enum { STACK_BYTES = 384 * 1024, EXIT_WAITS = 10000, WORD_SHOWN = 40 };

enum state { NONE, STARTED, OPENING, SERVING };

static const struct options *options; /* written at start, as is started_at */
static int64_t started_at;
static bool is_child;                   /* of a fork: written while it has one thread */
static pid_t listener;                  /* as `listening` */
static _Atomic uint32_t state;          /* enum state */
static struct control_socket listening; /* written in OPENING by the thread, read in SERVING by an exit */

/* ---- commands ---- */

static void say_error(char *answer, const char *what, const char *subject, const char *why) {
    log_format(answer, CONTROL_ANSWER_MAX, "error %s '%s'%s%s\n", what, subject, *why ? ": " : "", why);
}

static void answer_ping(const char *argument, char *answer) {
    (void)argument;
    log_format(answer, CONTROL_ANSWER_MAX, "ok heaptap %s\n", heaptap_version());
}

static void answer_info(const char *argument, char *answer) {
    struct heaptap_memstats stats;
    struct record_counters counters;
    (void)argument;
    memstats_read_totals(&stats);
    record_read_counters(&counters);
    log_format(answer, CONTROL_ANSWER_MAX,
               "ok version=%s pid=%d uptime_ms=%ld rate=%zu heap_alloc=%lu heap_sys=%lu samples=%lu dumps=%lu "
               "has_pattern=%d program=%s\n",
               heaptap_version(), getpid(), (long)((os_now() - started_at) / 1000000), heaptap_mem_profile_rate(),
               (unsigned long)stats.heap_alloc, (unsigned long)stats.heap_sys, (unsigned long)counters.samples,
               (unsigned long)dump_files_written(), options && options->dump_pattern[0], program_invocation_short_name);
    for (char *p = answer; p[1]; p++) {
        if (*p == '\n') /* of a program's name */
            *p = '?';
    }
}

static void answer_rate(const char *argument, char *answer) {
    uint64_t rate;
    if (!units_parse_bytes(argument, &rate)) {
        say_error(answer, "bad rate", argument, "want a size such as 64KiB");
        return;
    }
    size_t previous = heaptap_set_mem_profile_rate(rate);
    log_format(answer, CONTROL_ANSWER_MAX, "ok %zu %zu\n", previous, (size_t)rate);
}

static void answer_dump(const char *argument, char *answer) {
    char name[PATH_MAX];
    if (*argument && *argument != '/') {
        say_error(answer, "not an absolute path:", argument, "");
        return;
    }
    if (!*argument && !(options && options->dump_pattern[0])) {
        log_format(answer, CONTROL_ANSWER_MAX, "error no path was given, and HEAPTAP_DUMP is not set\n");
        return;
    }
    const char *path = *argument ? argument : name;
    int error = *argument ? dump_write(argument) : dump_write_next("control", name);
    if (error)
        say_error(answer, "cannot write profile", path, dump_file_error_text(error));
    else
        log_format(answer, CONTROL_ANSWER_MAX, "ok %s\n", path);
}

void control_answer_line(char *line, char answer[CONTROL_ANSWER_MAX]) {
    static const struct {
        char word[8];
        bool takes_argument;
        void (*answer)(const char *argument, char *answer);
    } commands[] = {
        {"dump", true, answer_dump},
        {"rate", true, answer_rate},
        {"info", false, answer_info},
        {"ping", false, answer_ping},
    };
    char *argument = line + strcspn(line, " ");
    if (*argument)
        *argument++ = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(line, commands[i].word) != 0)
            continue;
        if (*argument && !commands[i].takes_argument)
            say_error(answer, "unexpected argument", argument, "");
        else
            commands[i].answer(argument, answer);
        return;
    }
    if (strlen(line) > WORD_SHOWN)
        line[WORD_SHOWN] = '\0';
    say_error(answer, "unknown command", line, "want dump, rate, info or ping");
}

/* ---- the thread ---- */

static bool enter_state(enum state from, enum state to) {
    uint32_t expected = from;
    return atomic_cas_strong_acq_rel(&state, &expected, to);
}

/* Complains once, while the program's standard error is at hand, and only to who asked for the socket. */
static void run(void) {
    static const struct timespec second = {.tv_sec = 1};
    bool is_alone = control_socket_own_descriptors();
    for (bool is_first = true; enter_state(STARTED, OPENING); is_first = false) {
        int error = control_socket_open(&listening, options);
        if (error && is_first && options->control_asked && !is_child)
            log_line("cannot make control socket '%s': %s", options->control_path,
                     error == EADDRINUSE ? "Address already in use" : dump_file_error_text(error));
        listener = getpid();
        atomic_store_release(&state, error ? NONE : SERVING);
        if (error)
            return;
        if (is_alone && is_first)
            control_socket_drop_standard();
        control_server_run(&listening, control_answer_line);
        /* The program has closed our descriptor. */
        if (!enter_state(SERVING, STARTED))
            return;
        control_socket_remove(&listening);
        nanosleep(&second, NULL);
    }
}

static void begin(void) {
    if (!enter_state(NONE, STARTED))
        return;
    if (background_start("heaptap-control", run, STACK_BYTES))
        return;
    atomic_store_release(&state, NONE);
    if (options->control_asked && !is_child)
        log_line("cannot start the control thread; HEAPTAP_CONTROL has no effect");
}

void control_start(const struct options *settings) {
    options = settings;
    if (settings->control_off)
        return;
    started_at = os_now();
    if (settings->control_asked)
        begin();
    else
        later_arm(begin, started_at + SECOND);
}

static void withdraw(void) {
    static const struct timespec moment = {.tv_nsec = 100000};
    if (enter_state(STARTED, NONE))
        return;
    for (int i = 0; i < EXIT_WAITS && atomic_load_acquire(&state) == OPENING; i++)
        nanosleep(&moment, NULL);
    /* A process that was made without our handlers of fork has a copy of all this. */
    if (enter_state(SERVING, NONE) && listener == getpid())
        control_socket_remove(&listening);
}

void control_stop(void) {
    if (!options || options->control_off)
        return;
    later_disarm();
    if (atomic_load_acquire(&state) != NONE)
        withdraw();
}

void control_fork_child(bool follow) {
    if (!options || options->control_off)
        return;
    /* Only where the descriptors are shared does the child have a copy. */
    if (atomic_load_acquire(&state) == SERVING && control_socket_is_open(&listening))
        close(listening.fd);
    atomic_store_relaxed(&state, NONE);
    later_disarm();
    is_child = true;
    started_at = os_now();
    if (follow)
        later_arm(begin, started_at + SECOND);
}
