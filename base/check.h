/* CHECK: what must hold for the next line to be safe, tested in every build. DCHECK: what the code
 * around it already proves, tested in debug builds only. Both may run inside malloc: no libc
 * allocation, no stdio. A failure prints one line and aborts. */
#ifndef HEAPTAP_BASE_CHECK_H
#define HEAPTAP_BASE_CHECK_H

#include <assert.h> /* static_assert */
#include <stdbool.h>

__attribute__((noreturn, cold)) void check_failed(const char *file, int line, const char *condition);

/* For data that several files share: reached directly and not through the table of what others may replace. */
#define HIDDEN __attribute__((visibility("hidden")))

#define ALWAYS_INLINE inline __attribute__((always_inline))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (UNLIKELY(!(condition)))                                                                                    \
            check_failed(__FILE_NAME__, __LINE__, #condition);                                                         \
    } while (0)

#if HEAPTAP_DEBUG
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition)                                                                                              \
    do {                                                                                                               \
        (void)sizeof(!(condition));                                                                                    \
    } while (0)
#endif

#endif
