/* Where a varint ends depends on its bytes, so a loop that reads one after the other waits for each before it can load
 * the next, and guesses its length wrong every few times: 5 ns. Here the ends of a whole block are found first, without
 * looking at the values, and then no step waits for another: 1.5 ns.
 *
 * varints_decode:
 *   1. gather the high bits of 64 bytes into one word; a clear bit is the last byte of a varint
 *   2. for each of those: load the eight bytes from where the one before ended, cut off what lies behind, and push the
 *      groups of seven bits together, in pairs, then pairs of pairs
 *   3. longer ones, of nine and ten bytes, are read byte by byte
 *
 *   bytes:   a5 03 | 7f | 81 80 01 | ...        ends: 0 1 1 0 0 1 ...
 *
 * The eight bytes of a load may lie behind the end of the field, so what is left of a field in the end is copied into
 * a block of its own first.
 *
 * Locks: none. Allocation: none. */
#include "proto/varints.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "proto/wire.h"

enum { WORD = sizeof(uint64_t), BLOCK_WITH_SLACK = VARINTS_BLOCK + WORD };

#define HIGH_BITS 0x8080808080808080ull

static uint64_t load(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* Bit i is set when byte i is the last one of a varint. */
static uint64_t find_ends(const unsigned char *p) {
    uint64_t ends = 0;
    for (unsigned i = 0; i < VARINTS_BLOCK / WORD; i++) {
        uint64_t stops = (~load(p + (size_t)i * WORD) & HIGH_BITS) >> 7;
        /* The product moves the eight bits next to each other, into the highest byte. */
        ends |= (stops * 0x0102040810204080ull >> 56) << i * WORD;
    }
    return ends;
}

/* Groups of seven bits in eight bytes, the high bits of which are cut off here. */
static uint64_t join_groups(uint64_t word) {
    word = (word & 0x007f007f007f007full) | (word & 0x7f007f007f007f00ull) >> 1;
    word = (word & 0x00003fff00003fffull) | (word & 0x3fff00003fff0000ull) >> 2;
    return (word & 0x000000000fffffffull) | (word & 0x0fffffff00000000ull) >> 4;
}

size_t varints_decode(const unsigned char **p, const unsigned char *end, uint64_t values[VARINTS_BLOCK]) {
    unsigned char last_block[BLOCK_WITH_SLACK];
    const unsigned char *block = *p;
    size_t left = (size_t)(end - block), count = 0;
    if (left < sizeof last_block) {
        memcpy(last_block, block, left);
        memset(last_block + left, 0x80, sizeof last_block - left);
        block = last_block;
    }
    size_t begin = 0;
    for (uint64_t ends = find_ends(block); ends; ends &= ends - 1) {
        size_t next = ctz64(ends) + 1, length = next - begin;
        if (length <= WORD) {
            values[count++] = join_groups(load(block + begin) & (UINT64_MAX >> (WORD - length) * 8));
        } else {
            const unsigned char *q = block + begin;
            if (!wire_get_varint(&q, block + next, &values[count]))
                break;
            count++;
        }
        begin = next;
    }
    *p += begin;
    return count;
}
