/* A few slots that hold idle buffers; taking is an exchange with NULL, giving back a compare with NULL. When
 * more threads capture at once than there are slots, the buffers beyond are made and freed each time.
 *
 * Locks: none. Memory comes from table_memory. May run inside malloc. */
#include "profiler/scratch.h"

#include "base/atomic.h"
#include "profiler/table_memory.h"

enum { SLOTS = 16 };

static size_t buffer_size;
static void *_Atomic idle[SLOTS];

void scratch_set_size(size_t bytes) { buffer_size = bytes; }

void *scratch_take(void) {
    for (int i = 0; i < SLOTS; i++) {
        void *buffer = atomic_load_relaxed(&idle[i]);
        if (buffer && (buffer = atomic_swap_acq_rel(&idle[i], NULL)))
            return buffer;
    }
    return table_memory_alloc(buffer_size);
}

void scratch_give(void *buffer) {
    for (int i = 0; i < SLOTS; i++) {
        void *expected = NULL;
        if (atomic_cas_strong_acq_rel(&idle[i], &expected, buffer))
            return;
    }
    table_memory_free(buffer, buffer_size);
}
