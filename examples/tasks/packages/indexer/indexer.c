#include "examples/tasks/packages/packages.h"

#include <stdlib.h>

/* Of the indexer, so what it grows by is the indexer's. */
static const struct number **grow(const struct number **table, size_t room) {
    const struct number **grown = realloc(table, room * sizeof(void *));
    if (!grown)
        abort();
    return grown;
}

const struct number **indexer_build(const struct number *numbers, size_t *count) {
    size_t room = 0;
    const struct number **table = NULL;
    for (*count = 0; numbers; numbers = numbers->next) {
        if (*count == room) {
            room = room ? room * 2 : 16;
            table = grow(table, room);
        }
        table[(*count)++] = numbers;
    }
    return table;
}
