/* Size classes: which slot a request of n bytes gets, and the arithmetic to find an object in its span.
 *
 * Slots of 16 bytes and more are multiples of 16, and a span begins on a page, so every object of 16 bytes or more is
 * aligned to 16, and one whose class is a multiple of a power of two up to the page is aligned to that. */
#ifndef HEAPTAP_ALLOC_SIZE_CLASS_H
#define HEAPTAP_ALLOC_SIZE_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/size_class_table.h"
#include "base/check.h"

/* The allocator's page. The kernel's may be larger; only calls to the kernel care. */
#define HEAP_PAGE_SHIFT 13
#define HEAP_PAGE_SIZE  ((size_t)1 << HEAP_PAGE_SHIFT)

#define SIZE_CLASS_SMALL_MAX 1024
#define SIZE_CLASS_SPAN_MOST 98304u /* bytes of a span of small objects */

struct size_class {
    uint32_t size;    /* bytes of a slot */
    uint32_t pages;   /* pages of its smallest span */
    uint32_t inverse; /* 2^32 / size, rounded up */
};

extern HIDDEN const struct size_class size_classes[SIZE_CLASS_COUNT];
extern HIDDEN const uint8_t size_class_by_8[SIZE_CLASS_SMALL_MAX / 8 + 1];
extern HIDDEN const uint8_t size_class_by_128[(SIZE_CLASS_MAX - SIZE_CLASS_SMALL_MAX) / 128 + 1];

static inline unsigned size_class_of_small(size_t n) { return size_class_by_8[(n + 7) / 8]; }

/* n <= SIZE_CLASS_MAX. */
static inline unsigned size_class_of(size_t n) {
    if (n <= SIZE_CLASS_SMALL_MAX)
        return size_class_of_small(n);
    return size_class_by_128[(n - SIZE_CLASS_SMALL_MAX + 127) / 128];
}

/* offset / size where size divides offset, and otherwise a number larger than any index (Lemire, Kaser and Kurz 2019,
 * "Faster remainder by direct computation"): of offset * inverse the upper half is the quotient, and the lower half is
 * below inverse only where nothing remains.
 *
 * Right for offsets up to SIZE_CLASS_SPAN_MOST: with e = inverse * size - 2^32, which is less than size, the lower half
 * of (q * size + r) * inverse is q * e + r * inverse, if that does not reach 2^32; it does not while
 * (offset + size) * e < 2^32, and 98,304 + 2^15 times 2^15 is 2^32. */
static inline uint32_t size_class_index(uint32_t offset, uint32_t inverse) {
    uint64_t product = (uint64_t)offset * inverse;
    return LIKELY((uint32_t)product < inverse) ? (uint32_t)(product >> 32) : UINT32_MAX;
}

/* The same where it is known that size divides offset. */
static inline uint32_t size_class_index_known(uint32_t offset, uint32_t inverse) {
    return (uint32_t)((uint64_t)offset * inverse >> 32);
}

#endif
