/* Comes after the library in LD_PRELOAD, so that it is asked for what the library passes on. */
#include <dlfcn.h>
#include <link.h>

void unwind_window(void) __attribute__((weak)); /* the program's */

int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data) {
    static int (*next)(int (*)(struct dl_phdr_info *, size_t, void *), void *);
    if (unwind_window)
        unwind_window();
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    return next(visit, data);
}
