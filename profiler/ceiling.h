/* How much memory the system lets this process have, and how much of it is in use: the nearest to exhaustion of
 *
 *   - the control groups that the process is in, from its own up (version 2: memory.max; version 1:
 *     memory.limit_in_bytes). What counts is their use less the cache of files, which the kernel gives back before it
 *     kills;
 *   - RLIMIT_AS, against the size of the address space, and RLIMIT_DATA, against that of private writable memory. */
#ifndef HEAPTAP_PROFILER_CEILING_H
#define HEAPTAP_PROFILER_CEILING_H

#include <stdint.h>

struct ceiling {
    uint64_t used, limit; /* bytes; limit 0 = there is none */
};

/* Reads files below /proc and /sys: some tens of microseconds. Neither locks nor allocates; errno is changed. */
struct ceiling ceiling_read(void);

/* The part about control groups, from the text of /proc/self/cgroup and what is mounted below `root` (the folder
 * /sys/fs/cgroup). */
struct ceiling ceiling_of_groups(const char *root, char *membership);

#endif
