/* Many varints, one behind the other, as in a packed field: decoded a block at a time. Not for single ones, which
 * wire_get_varint reads. */
#ifndef HEAPTAP_PROTO_VARINTS_H
#define HEAPTAP_PROTO_VARINTS_H

#include <stddef.h>
#include <stdint.h>

enum { VARINTS_BLOCK = 64 };

/* Decodes the varints that end within the next VARINTS_BLOCK bytes of [*p, end), which is not empty, and moves *p
 * behind them. Returns how many, or 0 when the first one is cut off or longer than ten bytes. */
size_t varints_decode(const unsigned char **p, const unsigned char *end, uint64_t values[VARINTS_BLOCK]);

#endif
