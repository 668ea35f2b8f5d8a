/* When the heap itself asks for a dump: a new peak, growth, a limit that comes near. Pure arithmetic on numbers that
 * the caller reads; not thread safe.
 *
 *   peak:P%    the bytes of live objects are above those of the last peak dump by P per cent, and by 1 MiB at least;
 * the first comparison is with what was live at the beginning. growth:B   the bytes of live objects are above those at
 * the last dump, whatever was the reason of that, by B. limit:P%   memory in use has reached P per cent of the limit.
 * Once; again when it was below by a tenth of that.
 *
 * Of the ones that apply at once the last in this list is the reason; the others count as served. Each reason may write
 * 10 files in a row, and then one every 30 seconds: a heap that swings does not fill the disk. One that is held back is
 * looked at again, and written if it still applies. */
#ifndef HEAPTAP_PROFILER_DUMP_TRIGGER_H
#define HEAPTAP_PROFILER_DUMP_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

enum dump_trigger_kind { DUMP_TRIGGER_PEAK, DUMP_TRIGGER_GROWTH, DUMP_TRIGGER_LIMIT, DUMP_TRIGGER_KINDS };

struct dump_trigger_numbers {
    uint64_t heap_alloc;  /* bytes of live objects */
    uint64_t used, limit; /* what counts against the limit, and the limit; 0 = none */
    int64_t now;          /* nanoseconds */
};

struct dump_trigger {
    uint32_t peak_percent, limit_percent; /* settings; 0 = off */
    uint64_t growth;

    uint64_t last_peak, last_dump;
    bool is_near; /* the limit was reached and not left again */
    struct {
        uint32_t files; /* that may be written at once */
        int64_t since;  /* when the last of them was added */
    } allowance[DUMP_TRIGGER_KINDS];
};

/* The settings are the caller's to write before. */
void dump_trigger_begin(struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers);

/* "peak", "growth", "limit", or NULL. A reason that is returned counts as a dump. */
const char *dump_trigger_check(struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers);

/* A dump was written for another reason. */
void dump_trigger_dumped(struct dump_trigger *trigger, uint64_t heap_alloc);

/* By how many bytes the heap must grow until one of them could apply; UINT64_MAX when none could. */
uint64_t dump_trigger_distance(const struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers);

#endif
