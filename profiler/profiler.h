/* The profiler as a whole: when it starts and stops, fork, and what goes into a profile. The public functions of
 * include/heaptap.h are defined here. */
#ifndef HEAPTAP_PROFILER_PROFILER_H
#define HEAPTAP_PROFILER_PROFILER_H

#include <stdint.h>

#include "base/options.h"

/* Once, before main. `options` must stay valid. With rate 0 and no dump asked for it does next to nothing. */
void profiler_start(const struct options *options);

/* The program ends. */
void profiler_stop(void);

#endif
