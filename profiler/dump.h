/* Profiles as files: names by the pattern, triggers, rotation, and one line on stderr when it fails. The
 * program never fails because a dump did. */
#ifndef HEAPTAP_PROFILER_DUMP_H
#define HEAPTAP_PROFILER_DUMP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/options.h"
#include "profiler/dump_file.h"

/* Keeps `options`; all must stay valid. Starts the dump thread where an interval or a trigger other than the exit asks
 * for it. `inuse` is the sampler's estimate of the bytes in use. */
void dump_start(const struct options *options, dump_fill fill, void *argument, const _Atomic uint64_t *inuse);

/* Writes the next file of the pattern, whose name is then in `path`. 0 or an errno; EINVAL without a pattern. Any
 * thread, outside malloc. */
int dump_write_next(const char *reason, char path[PATH_MAX]);
/* Writes to `path`; such a file does not take part in rotation. */
int dump_write(const char *path);

/* The program ends: the exit dump, and a moment for files that other threads are writing. */
void dump_at_exit(void);

/* Triggers that the heap sets off are looked at each second. So that a fast rise is not overlooked, each sample tells
 * the estimate; where it has come half of the way to the next trigger the dump thread looks at the exact numbers at
 * once. */
extern HIDDEN _Atomic uint64_t dump_poke_at; /* UINT64_MAX: nobody wants to know */
void dump_poke_now(void);

static inline void dump_poke(const _Atomic uint64_t *inuse) {
    uint64_t at = atomic_load_relaxed(&dump_poke_at);
    if (UNLIKELY(at != UINT64_MAX) && atomic_load_relaxed(inuse) >= at)
        dump_poke_now();
}

uint64_t dump_files_written(void);
uint64_t dump_files_failed(void);

void dump_fork_prepare(void);
void dump_fork_parent(void);
/* `follow`: the child has its own sequence, files and thread. Else it writes nothing. */
void dump_fork_child(bool follow);

#endif
