#include "examples/tasks/packages/packages.h"

#include <stdlib.h>

struct number *parser_parse(int count) {
    struct number *first = NULL;
    for (int i = count; i > 0; i--) {
        struct number *number = malloc(sizeof *number);
        if (!number)
            abort();
        *number = (struct number){.next = first, .value = i, .line = i / 80, .column = i % 80};
        first = number;
    }
    return first;
}

void parser_free(struct number *numbers) {
    while (numbers) {
        struct number *next = numbers->next;
        free(numbers);
        numbers = next;
    }
}
