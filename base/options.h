/* The settings that come from the environment. Read once, at start, into a struct that owns its text: a
 * program may overwrite its environment later (setproctitle does).
 *
 * In a setuid program the environment belongs to somebody without the program's rights, so every variable is
 * ignored there. A bad value is one line on stderr that names the variable and the value; the default is
 * used. Never allocates. */
#ifndef HEAPTAP_BASE_OPTIONS_H
#define HEAPTAP_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_PATH_MAX = 4096, OPTIONS_DEPTH_MAX = 1024, OPTIONS_CONTROL_MAX = 112 };

enum options_unwinder {
    OPTIONS_UNWINDER_AUTO,
    OPTIONS_UNWINDER_FP,
    OPTIONS_UNWINDER_LIBUNWIND,
    OPTIONS_UNWINDER_EH,
};

struct options {
    uint64_t mem_profile_rate; /* mean bytes between samples; 1 all, 0 none */
    uint64_t seed;             /* valid where has_seed */
    uint64_t table_max;        /* bytes of the profiler's own tables */
    uint64_t dump_max_bytes;   /* of the files kept */
    int64_t dump_interval;     /* nanoseconds, 0 = off */
    uint32_t dump_keep;        /* files kept */
    uint32_t depth;            /* frames kept per stack, 1 to OPTIONS_DEPTH_MAX */
    int dump_signal;           /* 0 = none */
    uint64_t dump_growth;      /* bytes; 0 = off, as the two percentages */
    uint32_t dump_peak_percent;
    uint32_t dump_limit_percent;
    enum options_unwinder unwinder;
    int64_t memlimit; /* soft limit in bytes, INT64_MAX = off */
    bool scavtrace;
    bool check; /* the checks of alloc/guard.h */
    bool has_seed;
    bool dump_on_exit; /* set where a pattern is, unless HEAPTAP_DUMP_ON leaves it out */
    bool follow_fork;
    bool label_threads; /* samples carry their thread's name */
    bool label_ages;    /* profiles tell what is in use by age */
    bool control_off;
    bool control_asked;                     /* HEAPTAP_CONTROL names a path: the socket is made at start */
    bool has_blackbox;                      /* there is a blackbox_pattern, which is not written otherwise */
    char control_path[OPTIONS_CONTROL_MAX]; /* pattern; "" = the place in /tmp */
    char dump_pattern[OPTIONS_PATH_MAX];    /* "" = no files; the last two, since most of them is seldom touched */
    char blackbox_pattern[OPTIONS_PATH_MAX];
};

/* Writes no more of the patterns than their first bytes: the pages behind the last stay untouched. */
void options_set_defaults(struct options *options);

/* Defaults, then what the environment says (unless the program is setuid). */
void options_read(struct options *options, char *const *environment);

/* Whether the library would take this value of the variable. A name that is none of its variables has no good value. */
bool options_accept(const char *variable, const char *value);

/* The variables in their order, for whoever describes them: NULL past the last one. */
const char *options_variable(size_t index);
/* What a good value of the variable is: "a size such as 512KiB"; NULL for a name that is none of them. */
const char *options_want(const char *variable);

#endif
