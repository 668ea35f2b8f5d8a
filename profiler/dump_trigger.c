/* Locks: none. Allocation: none. */
#include "profiler/dump_trigger.h"

#include <stddef.h>

#define REFILL_NANOSECONDS ((int64_t)30 * 1000000000)

enum { FILES_AT_ONCE = 10, PEAK_LEAST = 1 << 20 };

static uint64_t percent_of(uint64_t value, uint32_t percent) {
    return value / 100 * percent + value % 100 * percent / 100;
}

static uint64_t peak_threshold(const struct dump_trigger *trigger) {
    uint64_t step = percent_of(trigger->last_peak, trigger->peak_percent);
    return trigger->last_peak + (step > PEAK_LEAST ? step : PEAK_LEAST);
}

static uint64_t limit_threshold(const struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers) {
    return percent_of(numbers->limit, trigger->limit_percent);
}

void dump_trigger_begin(struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers) {
    trigger->last_peak = trigger->last_dump = numbers->heap_alloc;
    trigger->is_near = false;
    for (int i = 0; i < DUMP_TRIGGER_KINDS; i++) {
        trigger->allowance[i].files = FILES_AT_ONCE;
        trigger->allowance[i].since = numbers->now;
    }
}

static bool take_allowance(struct dump_trigger *trigger, enum dump_trigger_kind kind, int64_t now) {
    int64_t since = trigger->allowance[kind].since, more = now > since ? (now - since) / REFILL_NANOSECONDS : 0;
    uint32_t files = trigger->allowance[kind].files;
    files = more > FILES_AT_ONCE - (int64_t)files ? FILES_AT_ONCE : files + (uint32_t)more;
    trigger->allowance[kind].since = files == FILES_AT_ONCE ? now : since + more * REFILL_NANOSECONDS;
    trigger->allowance[kind].files = files ? files - 1 : 0;
    return files > 0;
}

static bool is_due(const struct dump_trigger *trigger, enum dump_trigger_kind kind,
                   const struct dump_trigger_numbers *numbers) {
    switch (kind) {
    case DUMP_TRIGGER_PEAK:
        return trigger->peak_percent && numbers->heap_alloc >= peak_threshold(trigger);
    case DUMP_TRIGGER_GROWTH:
        return trigger->growth && numbers->heap_alloc > trigger->last_dump &&
               numbers->heap_alloc - trigger->last_dump >= trigger->growth;
    default:
        return trigger->limit_percent && numbers->limit && !trigger->is_near &&
               numbers->used >= limit_threshold(trigger, numbers);
    }
}

const char *dump_trigger_check(struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers) {
    static const char names[][8] = {"peak", "growth", "limit"};
    const char *reason = NULL;
    if (numbers->used < limit_threshold(trigger, numbers) / 10 * 9)
        trigger->is_near = false;
    for (int i = 0; i < DUMP_TRIGGER_KINDS; i++) {
        if (is_due(trigger, i, numbers) && take_allowance(trigger, i, numbers->now)) {
            reason = names[i];
            trigger->is_near |= i == DUMP_TRIGGER_LIMIT;
        }
    }
    if (reason) {
        trigger->last_dump = numbers->heap_alloc;
        if (trigger->last_peak < numbers->heap_alloc)
            trigger->last_peak = numbers->heap_alloc;
    }
    return reason;
}

void dump_trigger_dumped(struct dump_trigger *trigger, uint64_t heap_alloc) { trigger->last_dump = heap_alloc; }

static uint64_t above(uint64_t threshold, uint64_t value) { return threshold > value ? threshold - value : 0; }

static uint64_t lesser(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t dump_trigger_distance(const struct dump_trigger *trigger, const struct dump_trigger_numbers *numbers) {
    uint64_t distance = UINT64_MAX;
    if (trigger->peak_percent)
        distance = lesser(distance, above(peak_threshold(trigger), numbers->heap_alloc));
    if (trigger->growth)
        distance = lesser(distance, above(trigger->growth, above(numbers->heap_alloc, trigger->last_dump)));
    if (trigger->limit_percent && numbers->limit && !trigger->is_near)
        distance = lesser(distance, above(limit_threshold(trigger, numbers), numbers->used));
    return distance;
}
