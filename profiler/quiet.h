/* A failed write may raise a signal that ends the program: SIGPIPE, and SIGXFSZ at a limit on file sizes.
 * Between quiet_begin and quiet_end this thread's writes only fail. What they raised is taken back; what was
 * pending before, and the mask, are left as they were. */
#ifndef HEAPTAP_PROFILER_QUIET_H
#define HEAPTAP_PROFILER_QUIET_H

#include <signal.h>

struct quiet {
    sigset_t mask, pending; /* as they were before */
};

void quiet_begin(struct quiet *quiet);
void quiet_end(const struct quiet *quiet);

#endif
