/* The pages that heapdiff writes: one file each, styles and scripts inside, nothing fetched. Their text is that of
 * cli/assets, put together when heapdiff is built (cmake/page.cmake); {{marks}} in it are filled in when a page is
 * written. */
#ifndef HEAPTAP_CLI_PAGE_H
#define HEAPTAP_CLI_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

extern const char page_flamegraph[];
extern const char page_trend[];

struct page_filling {
    const char *mark;                        /* "title" for {{title}} */
    bool (*print)(void *context, FILE *out); /* false when there is no memory */
    void *context;
};

/* Writes the page, each mark replaced; the fillings end with one whose mark is NULL. False when there is no memory. */
bool page_write(const char *page, const struct page_filling *fillings, FILE *out);

/* Text between tags or in quotes of HTML and SVG. Control characters and what turns the direction of text are shown as
 * '?'. */
void page_print_markup(const char *text, FILE *out);
/* A JSON string with its quotes that may stand in a script element: it holds no '<'. */
void page_print_json(const char *text, FILE *out);

/* Numbers in base64, seven bits a byte, the lowest first; the highest bit says that more follow. */
struct page_numbers {
    FILE *out;
    uint32_t bits; /* of bytes that do not fill four letters yet */
    unsigned bytes;
};

void page_begin_numbers(struct page_numbers *numbers, FILE *out);
void page_print_unsigned(struct page_numbers *numbers, uint64_t value);
/* 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... */
void page_print_signed(struct page_numbers *numbers, int64_t value);
void page_end_numbers(struct page_numbers *numbers);

#endif
