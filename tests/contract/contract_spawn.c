/* Other ways to start a process: vfork, posix_spawn, system, popen, from a program with busy threads. The
 * parent's heap must be the same afterwards. */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/expect.h"

extern char **environ;
static _Atomic int stop;

static void *churn(void *unused) {
    while (!stop)
        for (size_t size = 1; size < 50000; size = size * 2 + 1)
            free(malloc(size));
    return unused;
}

static int status_of(pid_t child) {
    int status = -1;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static void start_each_way(char *text) {
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 3", NULL};
    pid_t child = vfork();
    if (child == 0) {
        execv("/bin/sh", arguments);
        _exit(127);
    }
    EXPECT(status_of(child) == 3);
    EXPECT(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0);
    EXPECT(status_of(child) == 3);
    EXPECT(posix_spawnp(&child, "no-such-program-here", NULL, NULL, arguments, environ) != 0);
    EXPECT(WEXITSTATUS(system("exit 4")) == 4);
    char line[32] = "";
    FILE *pipe = popen("echo spoken", "r");
    EXPECT(pipe && fgets(line, sizeof line, pipe) && strcmp(line, "spoken\n") == 0);
    EXPECT(pclose(pipe) == 0);
    EXPECT(strcmp(text, "unchanged") == 0);
}

int main(void) {
    pthread_t threads[3];
    char *text = strdup("unchanged");
    for (int i = 0; i < 3; i++)
        EXPECT(pthread_create(&threads[i], NULL, churn, NULL) == 0);
    for (int i = 0; i < 20; i++)
        start_each_way(text);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    free(text);
    return expect_report();
}
