/* Exercise 3: the same line of code, and another cost. Four functions that keep a word for a moment.
 *
 *   copied_to_heap   strdup makes a block of its own                                          1 allocation
 *   copied_to_frame  an array in the frame                                                    0
 *   long_text        text_set(&text, word): the word does not fit into the text itself        1
 *   short_text       text_set(&text, word): it fits                                           0
 *
 * The last two call one function with one line. `struct text` keeps up to 15 characters in its own bytes and
 * asks malloc only for longer ones: the trick of every short-string class. Whether a call allocates is not to
 * be read off the line; it is a matter of the data. The thread's counters know. I predict 1, 0, 1, 0
 * allocations a call, exactly. */
#include "examples/tasks/task.h"

enum { CALLS = 1000, TEXT_INSIDE = 16 };

struct text {
    char *chars; /* inside, or malloc's */
    char inside[TEXT_INSIDE];
};

static TASK_NOINLINE void text_set(struct text *text, const char *word) {
    size_t size = strlen(word) + 1;
    text->chars = size <= sizeof text->inside ? text->inside : task_alloc(size);
    memcpy(text->chars, word, size);
}

static void text_clear(struct text *text) {
    if (text->chars != text->inside)
        free(text->chars);
}

static TASK_NOINLINE void copied_to_heap(void) {
    char *copy = strdup("word");
    task_expect(copy != NULL, "cannot copy a word: %s", strerror(errno));
    task_use(copy);
    free(copy);
}

static TASK_NOINLINE void copied_to_frame(void) {
    char copy[TEXT_INSIDE];
    strcpy(copy, "word");
    task_use(copy);
}

static TASK_NOINLINE void long_text(void) {
    struct text text;
    text_set(&text, "incomprehensibilities");
    task_use(text.chars);
    text_clear(&text);
}

static TASK_NOINLINE void short_text(void) {
    struct text text;
    text_set(&text, "word");
    task_use(text.chars);
    text_clear(&text);
}

int main(void) {
    task_settle();
    static const struct {
        const char *name;
        void (*call)(void);
        uint64_t predicted;
    } functions[] = {{"copied_to_heap", copied_to_heap, 1},
                     {"copied_to_frame", copied_to_frame, 0},
                     {"long_text", long_text, 1},
                     {"short_text", short_text, 0}};
    enum { FUNCTIONS = sizeof functions / sizeof functions[0] };
    uint64_t allocations[FUNCTIONS];
    for (int f = 0; f < FUNCTIONS; f++) {
        uint64_t before = task_counters().mallocs;
        for (int i = 0; i < CALLS; i++)
            functions[f].call();
        allocations[f] = task_counters().mallocs - before;
    }
    for (int f = 0; f < FUNCTIONS; f++) {
        printf("%-16s %.3f allocations a call\n", functions[f].name, (double)allocations[f] / CALLS);
        task_expect(allocations[f] == functions[f].predicted * CALLS, "'%s' made %" PRIu64 " allocations in %d calls",
                    functions[f].name, allocations[f], CALLS);
    }
    return 0;
}
