/* What another thread than the program's first frees stays in use. */
#include <unistd.h>

#include "profiler/live.h"

uint32_t __real_live_remove(struct live_table *table, const void *object);
uint32_t __wrap_live_remove(struct live_table *table, const void *object);

uint32_t __wrap_live_remove(struct live_table *table, const void *object) {
    uint32_t bucket = __real_live_remove(table, object);
    return gettid() == getpid() ? bucket : 0;
}
