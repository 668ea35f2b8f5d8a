/* Runs a function where it may die: in a child process whose standard error is kept. */
#ifndef HEAPTAP_TESTS_SUPPORT_CHILD_H
#define HEAPTAP_TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct child_result {
    int status; /* as waitpid gives it */
    char error_text[4096];
};

/* The child exits with 0 when `body` returns. It is killed after 30 seconds. */
void child_run(void (*body)(void *), void *argument, struct child_result *result);

/* Died of this signal. */
bool child_died_of(const struct child_result *result, int signal);
/* Exited with this code. */
bool child_exited(const struct child_result *result, int code);

#endif
