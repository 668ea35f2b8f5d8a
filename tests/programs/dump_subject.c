/* What dumps.sh runs: a program that allocates, forks or ends as its argument says. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t own_signals;
static void on_own_signal(int number) { own_signals += number == SIGUSR2; }

static void *spin(void *unused) {
    for (;;)
        free(malloc(100));
    return unused;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "plain";
    void *volatile kept = malloc(5000);
    if (strcmp(mode, "wait") == 0) { /* until standard input ends */
        while (getchar() != EOF)
            ;
    } else if (strcmp(mode, "threads") == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, spin, NULL);
    } else if (strcmp(mode, "fork") == 0) {
        pid_t child = fork();
        if (child == 0) {
            kept = malloc(7000);
            exit(0);
        }
        waitpid(child, NULL, 0);
    } else if (strcmp(mode, "own-signal") == 0) {
        signal(SIGUSR2, on_own_signal);
        raise(SIGUSR2);
        printf("%d\n", (int)own_signals);
    } else if (strcmp(mode, "_exit") == 0) {
        _exit(0);
    }
    (void)kept;
    return 0;
}
