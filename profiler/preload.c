/* What runs before main and after it. The constructor comes early, so that other libraries' constructors are
 * seen, and so that our fork handlers are the innermost: prepare handlers run in reverse order of
 * registration.
 *
 * dlclose is exported from here and passes everything on (profiler/loader.h).
 *
 * The destructor runs when main returns or exit is called, other threads still running; not after _exit. */
#include <dlfcn.h>
#include <unistd.h>

#include "alloc/guard.h"
#include "base/options.h"
#include "profiler/loader.h"
#include "profiler/profiler.h"

enum { FIRST_OF_ALL = 101 }; /* the lowest priority that the compiler leaves to programs */

static struct options settings;

__attribute__((visibility("default"))) int dlclose(void *handle) { return loader_close(handle); }

__attribute__((constructor(FIRST_OF_ALL))) static void start(void) {
    options_read(&settings, environ);
    if (settings.check || memcheck_is_running())
        guard_begin(settings.check);
    profiler_start(&settings);
}

__attribute__((destructor(FIRST_OF_ALL))) static void stop(void) {
    profiler_stop();
    if (guard_on)
        guard_finish();
}
