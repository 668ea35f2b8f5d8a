#include "examples/tasks/packages/packages.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 240 };

struct entry {
    struct entry *next;
    long value;
    char text[TEXT_BYTES];
};

static struct entry *entries;
static size_t entry_count;

void cache_put(const struct number *number) {
    struct entry *entry = malloc(sizeof *entry);
    if (!entry)
        abort();
    memset(entry->text, 'x', sizeof entry->text);
    entry->value = number->value;
    entry->next = entries;
    entries = entry;
    entry_count++;
}

size_t cache_size(void) { return entry_count; }
