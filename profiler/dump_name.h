/* File names of dumps from a pattern: %p pid, %n sequence (from 1), %t UTC time (20260131T235959Z), %h host,
 * %e program, %r reason, %% a percent sign. */
#ifndef HEAPTAP_PROFILER_DUMP_NAME_H
#define HEAPTAP_PROFILER_DUMP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dump_name {
    int pid;
    uint64_t sequence;
    int64_t time; /* nanoseconds since 1970, UTC */
    const char *host, *program, *reason;
};

/* False when the name does not fit or the pattern has another letter after a percent sign. A slash inside a
 * value becomes '_'. No allocation. */
bool dump_name_expand(char *out, size_t size, const char *pattern, const struct dump_name *name);

/* The same for this process, its host and this moment. */
bool dump_name_expand_own(char *out, size_t size, const char *pattern, uint64_t sequence, const char *reason);

#endif
