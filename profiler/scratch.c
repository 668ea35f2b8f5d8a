/* A few slots that hold idle buffers; taking is an exchange with NULL, giving back a compare with NULL. When
 * more threads capture at once than there are slots, the buffers beyond are made and freed each time.
 *
 * The first buffer is the library's own, where it is large enough: it is all that most programs need, and lies in a
 * page that they have anyway.
 *
 * Locks: none. Memory comes from table_memory. May run inside malloc. */
#include "profiler/scratch.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "profiler/table_memory.h"

enum { SLOTS = 16, FIRST_BYTES = 160 * sizeof(uintptr_t) };

static size_t buffer_size;
static void *_Atomic idle[SLOTS];

static _Alignas(16) char first[FIRST_BYTES];
static _Atomic bool first_is_out;

void scratch_set_size(size_t bytes) { buffer_size = bytes; }

void *scratch_take(void) {
    if (buffer_size <= sizeof first && !atomic_load_relaxed(&first_is_out) && !atomic_swap_acq_rel(&first_is_out, true))
        return first;
    for (int i = 0; i < SLOTS; i++) {
        void *buffer = atomic_load_relaxed(&idle[i]);
        if (buffer && (buffer = atomic_swap_acq_rel(&idle[i], NULL)))
            return buffer;
    }
    return table_memory_alloc(buffer_size);
}

void scratch_give(void *buffer) {
    if (buffer == first) {
        atomic_store_release(&first_is_out, false);
        return;
    }
    for (int i = 0; i < SLOTS; i++) {
        void *expected = NULL;
        if (atomic_cas_strong_acq_rel(&idle[i], &expected, buffer))
            return;
    }
    table_memory_free(buffer, buffer_size);
}
