#include "tests/support/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_TO_LIVE = 30 };

static void live_and_exit(void (*body)(void *), void *argument, int error_fd) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(SECONDS_TO_LIVE);
    dup2(error_fd, STDERR_FILENO);
    body(argument);
    _exit(0);
}

void child_run(void (*body)(void *), void *argument, struct child_result *result) {
    int ends[2];
    size_t length = 0;
    result->status = -1;
    result->error_text[0] = '\0';
    if (pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0)
        live_and_exit(body, argument, ends[1]);
    close(ends[1]);
    for (ssize_t n = 1; n > 0 && length<sizeof result->error_text - 1; length += n> 0 ? (size_t)n : 0)
        n = read(ends[0], result->error_text + length, sizeof result->error_text - 1 - length);
    result->error_text[length] = '\0';
    close(ends[0]);
    if (child > 0)
        waitpid(child, &result->status, 0);
}

bool child_died_of(const struct child_result *result, int signal) {
    return WIFSIGNALED(result->status) && WTERMSIG(result->status) == signal;
}

bool child_exited(const struct child_result *result, int code) {
    return WIFEXITED(result->status) && WEXITSTATUS(result->status) == code;
}
