/* Span structures and what can be said of one span alone. Structures come from a fixalloc and are reused as
 * spans for ever, so a thread that read a pointer to one a moment too late reads a span, not noise.
 *
 * Locks: only fixalloc's. May run inside malloc. */
#include "alloc/span.h"

#include <string.h>

#include "alloc/fixalloc.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/rand.h"

enum { CARVE_BYTES = 4096, BITMAP_KINDS = 3 };

static struct fixalloc spans = FIXALLOC_INIT(sizeof(struct span));

/* Sample bitmaps, two each: for spans of up to 512, 2,048 and 8,192 slots. */
static struct fixalloc bitmaps[BITMAP_KINDS] = {FIXALLOC_INIT(128), FIXALLOC_INIT(512), FIXALLOC_INIT(2048)};

void span_list_push(struct span_list *list, struct span *span) {
    span->previous = NULL;
    span->next = list->first;
    if (list->first)
        list->first->previous = span;
    list->first = span;
    list->count++;
}

void span_list_remove(struct span_list *list, struct span *span) {
    if (span->previous)
        span->previous->next = span->next;
    else
        list->first = span->next;
    if (span->next)
        span->next->previous = span->previous;
    span->next = span->previous = NULL;
    DCHECK(list->count > 0);
    list->count--;
}

struct span *span_create(uintptr_t base, uint32_t pages, unsigned size_class) {
    struct span *span = fixalloc_alloc(&spans);
    if (!span)
        return NULL;
    const struct size_class *class = &size_classes[size_class];
    size_t bytes = (size_t)pages << HEAP_PAGE_SHIFT;
    DCHECK(!size_class || bytes <= SIZE_CLASS_SPAN_MOST);
    span->base = base;
    span->pages = pages;
    span->size_class = (uint8_t)size_class;
    span->slot_size = size_class ? class->size : bytes;
    span->slots = size_class ? (uint32_t)(bytes / class->size) : 1;
    span->slots_bytes = size_class ? (size_t)span->slots * class->size : 0;
    span->inverse = class->inverse;
    span->state = size_class ? SPAN_CURRENT : SPAN_LARGE;
    span->countdown = SPAN_NO_COUNT;
    return span;
}

static struct fixalloc *bitmap_source(uint32_t words) { return &bitmaps[words <= 8 ? 0 : words <= 32 ? 1 : 2]; }

void span_destroy(struct span *span) {
    DCHECK(span_count_sampled(span) == 0);
    if (span->sample_bits)
        fixalloc_free(bitmap_source(span->bitmap_words), (void *)(uintptr_t)span->sample_bits);
    span->sample_bits = NULL;
    span->state = SPAN_DEAD;
    fixalloc_free(&spans, span);
}

uintptr_t span_link_key;

/* The lead, which is what an object in use should not begin with: an odd byte, so it is no aligned pointer, that begins
 * no text in UTF-8 and no small negative number; then one that is no text in ASCII either and differs from the first,
 * since programs fill memory with one byte over and over. */
void span_choose_link_key(void) {
    uint64_t random = rand_entropy();
    uint64_t first = 0xf5 + 2 * ((random >> 56) % 5), second = 0x80 + (random >> 48) % 0x7f;
    if (second == first)
        second--;
    span_link_key = (uintptr_t)((random & ~(uint64_t)0xffff) | second << 8 | first);
}

bool span_carve(struct span *span) {
    uint32_t carved = atomic_load_relaxed(&span->carved);
    size_t size = span->slot_size;
    uint32_t left = (uint32_t)((span->slots_bytes - carved) / size);
    if (left == 0)
        return false;
    uint32_t count = size >= CARVE_BYTES ? 1 : (uint32_t)(CARVE_BYTES / size);
    if (count > left)
        count = left;
    char *slot = (char *)span->base + carved;
    char *last = slot + (size_t)(count - 1) * size;
    void *tail = span->free;
    span->free = slot;
    for (; slot < last; slot += size)
        span_link_store(slot, slot + size);
    span_link_store(last, tail);
    atomic_store_relaxed(&span->carved, carved + count * (uint32_t)size);
    return true;
}

uint32_t span_count_free(const struct span *span) {
    uint32_t count = 0;
    const void *lists[] = {span->free, span->more};
    for (int i = 0; i < 2; i++)
        for (const void *p = lists[i]; p; p = span_link_load(p)) {
            CHECK(span_link_is_good(span, p) && count < span->slots);
            count++;
        }
    return count;
}

uint32_t span_handed_out(const struct span *span) {
    if (span->state == SPAN_FULL && span->countdown <= span->patience)
        return span->slots - (span->patience - span->countdown);
    if (span->countdown == SPAN_NO_COUNT)
        return 0;
    if (LIKELY(span->countdown <= span->slots))
        return span->countdown;
    return span_carved_slots(span) - span_count_free(span);
}

/* Of the word that the index is in. */
static _Atomic(uint64_t) *owner_bits(const struct span *span, uint32_t index) { return &span->sample_bits[index / 64]; }

static _Atomic(uint64_t) *forgotten_bits(const struct span *span, uint32_t index) {
    return &span->sample_bits[span->bitmap_words + index / 64];
}

/* The owner takes back what another thread has set. */
static void remember(struct span *span, uint32_t index, uint64_t bit) {
    atomic_and_relaxed(forgotten_bits(span, index), ~bit);
}

static bool make_bitmap(struct span *span) {
    uint32_t words = (span->slots + 63) / 64;
    span->bitmap_words = words;
    span->sample_bits = fixalloc_alloc(bitmap_source(words));
    return span->sample_bits != NULL;
}

static void mark_slot(struct span *span, uint32_t index) {
    uint64_t bit = 1ull << (index % 64), bits = atomic_load_relaxed(owner_bits(span, index));
    if (UNLIKELY(bits & bit)) {
        remember(span, index, bit);
        return;
    }
    atomic_store_relaxed(owner_bits(span, index), bits | bit);
    atomic_store_release(&span->sampled, atomic_load_relaxed(&span->sampled) + 1);
}

bool span_mark_sampled(struct span *span, uint32_t index) {
    if (!span->size_class)
        atomic_store_release(&span->sampled, 1);
    else if (LIKELY(span->sample_bits || make_bitmap(span)))
        mark_slot(span, index);
    else
        return false;
    uintptr_t owner = atomic_load_relaxed(&span->owner);
    if (!(owner & SPAN_SAMPLED))
        atomic_store_release(&span->owner, owner | SPAN_SAMPLED); /* with the bitmap, for whoever frees */
    return true;
}

bool span_is_sampled(const struct span *span, uint32_t index) {
    if (atomic_load_acquire(&span->sampled) == 0)
        return false;
    if (!span->size_class)
        return true;
    return (atomic_load_relaxed(owner_bits(span, index)) & ~atomic_load_relaxed(forgotten_bits(span, index))) >>
               (index % 64) &
           1;
}

uint32_t span_count_sampled(const struct span *span) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < span->slots && (span->sample_bits || !span->size_class); i++)
        count += span_is_sampled(span, i);
    return count;
}

static bool unmark_own(struct span *span, uint32_t index) {
    uint64_t bit = 1ull << (index % 64);
    bool was_forgotten = atomic_load_relaxed(forgotten_bits(span, index)) & bit;
    atomic_store_relaxed(owner_bits(span, index), atomic_load_relaxed(owner_bits(span, index)) & ~bit);
    atomic_store_relaxed(&span->sampled, atomic_load_relaxed(&span->sampled) - 1);
    if (UNLIKELY(was_forgotten))
        remember(span, index, bit);
    return !was_forgotten;
}

static bool unmark_others(struct span *span, uint32_t index) {
    uint64_t bit = 1ull << (index % 64);
    return !(atomic_or_relaxed(forgotten_bits(span, index), bit) & bit);
}

/* `sampled` is never 0 while an object is sampled. */
bool span_unmark_sampled(struct span *span, uint32_t index, bool is_owner) {
    if (atomic_load_acquire(&span->sampled) == 0)
        return false;
    if (!span->size_class)
        return atomic_swap_acq_rel(&span->sampled, 0) != 0;
    if (!span_may_be_sampled(span, index))
        return false;
    return is_owner ? unmark_own(span, index) : unmark_others(span, index);
}

void span_locks_each(void (*visit)(struct lock *)) {
    visit(&spans.lock);
    for (int i = 0; i < BITMAP_KINDS; i++)
        visit(&bitmaps[i].lock);
}

void span_memory(uint64_t *inuse, uint64_t *sys) {
    *inuse = atomic_load_relaxed(&spans.inuse_bytes);
    *sys = atomic_load_relaxed(&spans.sys_bytes);
    for (int i = 0; i < BITMAP_KINDS; i++) {
        *inuse += atomic_load_relaxed(&bitmaps[i].inuse_bytes);
        *sys += atomic_load_relaxed(&bitmaps[i].sys_bytes);
    }
}
