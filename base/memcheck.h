/* What valgrind is told, and nothing where the program does not run under it or the library was built without its
 * header (HEAPTAP_VALGRIND, set by cmake/dependencies.cmake). A request costs a few instructions; callers ask
 * memcheck_is_running once and keep requests off fast paths. */
#ifndef HEAPTAP_BASE_MEMCHECK_H
#define HEAPTAP_BASE_MEMCHECK_H

#include <stdbool.h>
#include <stddef.h>

#if HEAPTAP_VALGRIND
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND                     0
#define VALGRIND_MALLOCLIKE_BLOCK(p, n, z, set) ((void)(p), (void)(n))
#define VALGRIND_FREELIKE_BLOCK(p, z)           ((void)(p))
#define VALGRIND_MAKE_MEM_NOACCESS(p, n)        ((void)(p), (void)(n))
#define VALGRIND_MAKE_MEM_DEFINED(p, n)         ((void)(p), (void)(n), 0)
#define VALGRIND_DISABLE_ERROR_REPORTING        ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING         ((void)0)
#endif

/* Not under valgrind's other tools, which count what the program does without it. They do not know this request. */
static inline bool memcheck_is_running(void) {
    char probe = 0;
    return RUNNING_ON_VALGRIND > 0 && VALGRIND_MAKE_MEM_DEFINED(&probe, 1) != 0;
}

/* A block of the program's begins or ends. Its bytes hold nothing yet; after the end none may be touched. */
static inline void memcheck_begin_block(void *p, size_t bytes) { VALGRIND_MALLOCLIKE_BLOCK(p, bytes, 0, 0); }
static inline void memcheck_end_block(void *p) { VALGRIND_FREELIKE_BLOCK(p, 0); }

static inline void memcheck_forbid(void *p, size_t bytes) { (void)VALGRIND_MAKE_MEM_NOACCESS(p, bytes); }

/* Between them this thread may touch what it forbids to others. They nest. */
static inline void memcheck_pause(void) { VALGRIND_DISABLE_ERROR_REPORTING; }
static inline void memcheck_resume(void) { VALGRIND_ENABLE_ERROR_REPORTING; }

#endif
