/* What runs before main and after it. The constructor comes early, so that other libraries' constructors are seen, and
 * so that our fork handlers are the innermost: prepare handlers run in reverse order of registration.
 *
 * The destructor runs when main returns or exit is called, other threads still running; not after _exit. */
#include <unistd.h>

#include "base/options.h"
#include "profiler/profiler.h"

enum { FIRST_OF_ALL = 101 }; /* the lowest priority that the compiler leaves to programs */

static struct options options;

__attribute__((constructor(FIRST_OF_ALL))) static void start(void) {
    options_read(&options, environ);
    profiler_start(&options);
}

__attribute__((destructor(FIRST_OF_ALL))) static void stop(void) { profiler_stop(); }
