/* Whether memory can be read, without reading it. */
#ifndef HEAPTAP_PROFILER_PROBE_H
#define HEAPTAP_PROFILER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* For the page that holds `address`. One system call; errno is changed. May run inside malloc. */
bool probe_can_read(uintptr_t address);

#endif
