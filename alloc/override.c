/* The names that the C library and the C++ runtime export, and nothing else: the whole set or none of it, since
 * a missing one would mean two heaps in one process. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "alloc/fast_path.h"
#include "alloc/libc_info.h"
#include "alloc/malloc.h"
#include "alloc/operator_new.h"
#include "alloc/scavenger.h"
#include "base/bits.h"
#include "base/os.h"

#pragma GCC visibility push(default)
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* mallinfo, which old programs call */

#define ALIAS(name) __attribute__((alias(#name)))

void *malloc(size_t size) { return fast_malloc_or_slow(size, fast_size_class(size)); }
void free(void *p) { fast_free_or_slow(p); }
void *calloc(size_t count, size_t size) { return heap_calloc(count, size); }
void *realloc(void *p, size_t size) { return heap_realloc(p, size); }
void cfree(void *p);
void cfree(void *p) { heap_free(p); }

void *reallocarray(void *p, size_t count, size_t size) {
    size_t bytes;
    if (!mul_fits(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return heap_realloc(p, bytes);
}

/* glibc rounds a bad alignment up to the next power of two here, and only here. */
void *memalign(size_t align, size_t size) {
    if (align > SIZE_MAX / 4) {
        errno = EINVAL;
        return NULL;
    }
    return heap_memalign(is_power_of_two(align) ? align : (size_t)2 << log2_floor(align), size);
}

void *aligned_alloc(size_t align, size_t size) {
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return heap_memalign(align, size);
}

static __attribute__((noinline)) int posix_memalign_slow(void **out, size_t align, size_t size) {
    int saved_errno = errno;
    void *p = heap_memalign(align, size);
    errno = saved_errno;
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

int posix_memalign(void **out, size_t align, size_t size) {
    if (!is_power_of_two(align) || align % sizeof(void *))
        return EINVAL;
    unsigned size_class;
    void *object;
    enum fast_malloc outcome = fast_memalign(align, size, &size_class, &object);
    if (LIKELY(outcome == FAST_MALLOC_DONE)) {
        *out = object;
        return 0;
    }
    if (outcome == FAST_MALLOC_DUE)
        fast_undo_due(size_class);
    return posix_memalign_slow(out, align, size);
}

void *valloc(size_t size) { return heap_memalign(os_page_size(), size); }

void *pvalloc(size_t size) {
    size_t page = os_page_size();
    if (size > SIZE_MAX - page) {
        errno = ENOMEM;
        return NULL;
    }
    return heap_memalign(page, size ? align_up(size, page) : page);
}

size_t malloc_usable_size(void *p) { return heap_usable_size(p); }

void free_sized(void *p, size_t size);
void free_sized(void *p, size_t size) { heap_free_sized(p, size); }
void free_aligned_sized(void *p, size_t align, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size) { heap_free_aligned_sized(p, align, size); }

struct mallinfo mallinfo(void) {
    return libc_info_mallinfo();
}
struct mallinfo2 mallinfo2(void) {
    return libc_info_mallinfo2();
}
void malloc_stats(void) { libc_info_print_stats(); }
int malloc_info(int options, FILE *stream) { return libc_info_print_xml(options, stream); }
int malloc_trim(size_t pad) {
    (void)pad;
    return scavenger_release_all() > 0;
}

/* No parameter of glibc's applies; 1 means success, so that callers go on. */
int mallopt(int parameter, int value) {
    (void)parameter;
    (void)value;
    return 1;
}

void *__libc_malloc(size_t size) ALIAS(malloc);
void __libc_free(void *p) ALIAS(free);
void *__libc_calloc(size_t count, size_t size) ALIAS(calloc);
void *__libc_realloc(void *p, size_t size) ALIAS(realloc);
void *__libc_reallocarray(void *p, size_t count, size_t size) ALIAS(reallocarray);
void *__libc_memalign(size_t align, size_t size) ALIAS(memalign);
void *__libc_valloc(size_t size) ALIAS(valloc);
void *__libc_pvalloc(size_t size) ALIAS(pvalloc);
struct mallinfo __libc_mallinfo(void) ALIAS(mallinfo);
int __libc_mallopt(int parameter, int value) ALIAS(mallopt);

/* C++. The names are mangled: nw and na are new and new[], dl and da delete and delete[]; m is std::size_t,
 * St11align_val_t and RKSt9nothrow_t say what they are. */

void *_Znwm(size_t size);
void *_Znam(size_t size);
void *_ZnwmSt11align_val_t(size_t size, size_t align);
void *_ZnamSt11align_val_t(size_t size, size_t align);
void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag);
void *_ZnamRKSt9nothrow_t(size_t size, const void *tag);
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag);
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag);

static inline __attribute__((always_inline)) void *fast_operator_new(size_t size) {
    unsigned size_class = fast_size_class(size);
    void *object;
    switch (fast_malloc(size_class, &object)) {
    case FAST_MALLOC_DONE:
        return object;
    case FAST_MALLOC_DUE:
        return operator_new_checked(malloc_due(size, size_class), size);
    default:
        return operator_new(size, 0);
    }
}

void *_Znwm(size_t size) { return fast_operator_new(size); }
void *_Znam(size_t size) { return fast_operator_new(size); }
void *_ZnwmSt11align_val_t(size_t size, size_t align) { return operator_new(size, align); }
void *_ZnamSt11align_val_t(size_t size, size_t align) { return operator_new(size, align); }
void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag) {
    return operator_new_nothrow(size, 0, tag, "_ZnwmRKSt9nothrow_t", 0);
}
void *_ZnamRKSt9nothrow_t(size_t size, const void *tag) {
    return operator_new_nothrow(size, 0, tag, "_ZnamRKSt9nothrow_t", 0);
}
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag) {
    return operator_new_nothrow(size, align, tag, "_ZnwmSt11align_val_tRKSt9nothrow_t", 1);
}
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag) {
    return operator_new_nothrow(size, align, tag, "_ZnamSt11align_val_tRKSt9nothrow_t", 1);
}

#define DELETE_PLAIN(name, ...)                                                                                        \
    void name(void *p __VA_ARGS__);                                                                                    \
    void name(void *p __VA_ARGS__) { fast_free_or_slow(p); }
#define DELETE_RARE(name, ...)                                                                                         \
    void name(void *p __VA_ARGS__);                                                                                    \
    void name(void *p __VA_ARGS__) { heap_free(p); }
#define DELETE_SIZED(name)                                                                                             \
    void name(void *p, size_t size);                                                                                   \
    void name(void *p, size_t size) { heap_free_sized(p, size); }
#define DELETE_SIZED_ALIGNED(name)                                                                                     \
    void name(void *p, size_t size, size_t align);                                                                     \
    void name(void *p, size_t size, size_t align) { heap_free_aligned_sized(p, align, size); }

#define UNUSED __attribute__((unused))
DELETE_PLAIN(_ZdlPv)
DELETE_PLAIN(_ZdaPv)
DELETE_SIZED(_ZdlPvm)
DELETE_SIZED(_ZdaPvm)
DELETE_RARE(_ZdlPvRKSt9nothrow_t, , UNUSED const void *tag)
DELETE_RARE(_ZdaPvRKSt9nothrow_t, , UNUSED const void *tag)
DELETE_RARE(_ZdlPvSt11align_val_t, , UNUSED size_t align)
DELETE_RARE(_ZdaPvSt11align_val_t, , UNUSED size_t align)
DELETE_SIZED_ALIGNED(_ZdlPvmSt11align_val_t)
DELETE_SIZED_ALIGNED(_ZdaPvmSt11align_val_t)
DELETE_RARE(_ZdlPvSt11align_val_tRKSt9nothrow_t, , UNUSED size_t align, UNUSED const void *tag)
DELETE_RARE(_ZdaPvSt11align_val_tRKSt9nothrow_t, , UNUSED size_t align, UNUSED const void *tag)

#pragma GCC visibility pop
