/* What must hold of every reading of the memstats, whatever other threads do meanwhile: include/heaptap.h lists it. */
#ifndef HEAPTAP_TESTS_SUPPORT_MEMSTATS_CHECK_H
#define HEAPTAP_TESTS_SUPPORT_MEMSTATS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "include/heaptap.h"

#define MEMSTATS_MUST(condition)                                                                                       \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

static inline const char *memstats_broken_class(const struct heaptap_memstats_class *class,
                                                const struct heaptap_memstats_class *before) {
    MEMSTATS_MUST(class->frees <= class->mallocs);
    MEMSTATS_MUST((class->mallocs - class->frees) * class->size <= class->inuse);
    MEMSTATS_MUST(class->single_object_spans <= class->spans);
    MEMSTATS_MUST((class->spans == 0) == (class->inuse == 0));
    MEMSTATS_MUST(class->mallocs >= before->mallocs && class->frees >= before->frees);
    return NULL;
}

/* The sums over the classes are parts of the whole: the rest is of large objects. */
static inline const char *memstats_broken_sums(const struct heaptap_memstats *s) {
    uint64_t mallocs = 0, frees = 0, live = 0, allocated = 0, inuse = 0, spans = 0, single = 0;
    for (uint32_t i = 1; i < s->size_class_count; i++) {
        const struct heaptap_memstats_class *class = &s->by_size[i];
        mallocs += class->mallocs;
        frees += class->frees;
        live += (class->mallocs - class->frees) * class->size;
        allocated += class->mallocs * class->size;
        inuse += class->inuse;
        spans += class->spans;
        single += class->single_object_spans;
    }
    MEMSTATS_MUST(mallocs <= s->mallocs && frees <= s->frees);
    MEMSTATS_MUST(s->mallocs - mallocs >= s->frees - frees);
    MEMSTATS_MUST(live <= s->heap_alloc && allocated <= s->total_alloc);
    MEMSTATS_MUST(inuse <= s->heap_inuse && spans <= s->spans);
    MEMSTATS_MUST(s->heap_alloc - live <= s->heap_inuse - inuse);
    MEMSTATS_MUST(single == s->single_object_spans);
    return NULL;
}

/* NULL, or what does not hold. `before` is an earlier reading, or all zero. */
static inline const char *memstats_broken(const struct heaptap_memstats *s, const struct heaptap_memstats *before) {
    MEMSTATS_MUST(s->alloc == s->heap_alloc);
    MEMSTATS_MUST(s->heap_alloc <= s->total_alloc);
    MEMSTATS_MUST(s->frees <= s->mallocs && s->heap_objects == s->mallocs - s->frees);
    MEMSTATS_MUST(s->heap_sys == s->heap_inuse + s->heap_idle);
    MEMSTATS_MUST(s->heap_released <= s->heap_idle && s->largest_free_run <= s->heap_idle);
    MEMSTATS_MUST(s->heap_alloc <= s->heap_inuse);
    MEMSTATS_MUST(s->heap_inuse == s->heap_alloc + s->cached_free + s->central_free + s->span_tails);
    MEMSTATS_MUST(s->cached_free <= s->heap_inuse && s->central_free <= s->heap_inuse);
    MEMSTATS_MUST(s->untouched <= s->cached_free + s->central_free + s->span_tails);
    MEMSTATS_MUST(s->sys == s->heap_sys + s->metadata);
    MEMSTATS_MUST(s->sys == s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys + s->buck_hash_sys + s->gc_sys +
                                s->other_sys);
    MEMSTATS_MUST(s->mspan_inuse <= s->mspan_sys && s->mcache_inuse <= s->mcache_sys);
    MEMSTATS_MUST(s->heap_requested <= s->heap_alloc);
    MEMSTATS_MUST(s->mallocs >= before->mallocs && s->frees >= before->frees && s->total_alloc >= before->total_alloc);
    MEMSTATS_MUST(s->total_alloc - s->heap_alloc >= before->total_alloc - before->heap_alloc);
    for (uint32_t i = 1; i < s->size_class_count; i++) {
        const char *broken = memstats_broken_class(&s->by_size[i], &before->by_size[i]);
        if (broken)
            return broken;
    }
    return memstats_broken_sums(s);
}

#endif
