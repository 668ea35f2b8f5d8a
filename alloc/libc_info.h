/* What the C library's malloc tells of itself, in its own structures and formats. */
#ifndef HEAPTAP_ALLOC_LIBC_INFO_H
#define HEAPTAP_ALLOC_LIBC_INFO_H

#include <malloc.h>
#include <stdio.h>

struct mallinfo2 libc_info_mallinfo2(void);
struct mallinfo libc_info_mallinfo(void);
/* A few lines to stderr. */
void libc_info_print_stats(void);
/* XML to the stream; 0, or EINVAL for options other than 0. May allocate: never call inside malloc. */
int libc_info_print_xml(int options, FILE *stream);

#endif
