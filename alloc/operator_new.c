/* The C++ runtime is not linked: a preloaded library must not bring libstdc++ into a C program. It is found by weak
 * references, or, where the program loaded it later, by name; both happen only when memory has run out.
 *
 * The handler of a nothrow form may throw, and C cannot catch. The runtime's own nothrow form can: it calls the
 * throwing form, which is ours, inside a try block. So the failing case is handed to it.
 *
 * Locks: the loader's, in dlsym, outside of any malloc. */
#include "alloc/operator_new.h"

#include <dlfcn.h>

#include "alloc/malloc.h"
#include "base/check.h"
#include "base/log.h"

typedef void (*new_handler)(void);

extern new_handler _ZSt15get_new_handlerv(void) __attribute__((weak));
extern void _ZSt17__throw_bad_allocv(void) __attribute__((weak, noreturn));

static void *allocate(size_t size, size_t align) { return align ? heap_memalign(align, size) : heap_malloc(size); }

static __attribute__((noinline, cold)) void *try_handlers(size_t size, size_t align) {
    new_handler (*get_handler)(void) = _ZSt15get_new_handlerv;
    void (*throw_bad_alloc)(void) = _ZSt17__throw_bad_allocv;
    if (!get_handler)
        *(void **)&get_handler = dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv");
    if (!throw_bad_alloc)
        *(void **)&throw_bad_alloc = dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv");
    for (;;) {
        new_handler handler = get_handler ? get_handler() : NULL;
        if (!handler)
            break;
        handler();
        void *p = allocate(size, align);
        if (p)
            return p;
    }
    if (throw_bad_alloc)
        throw_bad_alloc();
    log_fatal("out of memory in operator new of %zu bytes, and no C++ runtime to throw std::bad_alloc", size);
}

void *operator_new(size_t size, size_t align) {
    void *p = allocate(size, align);
    return LIKELY(p != NULL) ? p : try_handlers(size, align);
}

void *operator_new_checked(void *p, size_t size) { return LIKELY(p != NULL) ? p : try_handlers(size, 0); }

void *operator_new_nothrow(size_t size, size_t align, const void *tag, const char *symbol, int has_align) {
    void *p = allocate(size, align);
    if (LIKELY(p != NULL))
        return p;
    void *runtime = dlsym(RTLD_NEXT, symbol);
    if (!runtime)
        return NULL;
    if (has_align)
        return ((void *(*)(size_t, size_t, const void *))runtime)(size, align, tag);
    return ((void *(*)(size_t, const void *))runtime)(size, tag);
}
