/* Prints what a program can see of its own world: what must be the same under the library as without it. With
 * an argument it says it again from a child that execs. Compiled by manners.sh. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile sig_atomic_t usr2, alarms;

static void on_usr2(int number) { usr2 += number == SIGUSR2; }
static void on_alarm(int number) { alarms += number == SIGALRM; }

static void print_signals(void) {
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) != 0)
            continue;
        printf("signal %d: %s flags %#x blocked %d\n", i,
               action.sa_handler == SIG_DFL   ? "default"
               : action.sa_handler == SIG_IGN ? "ignored"
                                              : "handled",
               (unsigned)action.sa_flags, sigismember(&mask, i));
    }
}

static void print_timers(void) {
    static const int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 3; i++) {
        struct itimerval timer;
        getitimer(which[i], &timer);
        printf("timer %d: %ld %ld\n", i, (long)timer.it_value.tv_sec, (long)timer.it_interval.tv_sec);
    }
}

static void count_entries(const char *path) {
    DIR *folder = opendir(path);
    int entries = 0;
    while (folder && readdir(folder))
        entries++;
    if (folder)
        closedir(folder);
    printf("%s: %d\n", path, entries);
}

static void use_signals(void) {
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    signal(SIGUSR2, on_usr2);
    signal(SIGALRM, on_alarm);
    for (int i = 0; i < 100; i++) {
        free(malloc(1000));
        raise(SIGUSR2);
    }
    setitimer(ITIMER_REAL, &soon, NULL);
    while (!alarms)
        free(malloc(100));
    printf("handled %d SIGUSR2, %d SIGALRM\n", (int)usr2, (int)alarms);
}

static void in_child(void) {
    fflush(stdout);
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        char *p = malloc(100000);
        memset(p, 1, 100000);
        free(p);
        puts("the child was here");
        exit(3);
    }
    waitpid(child, &status, 0);
    printf("the child ended with %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv) {
    errno = 0;
    for (char **e = environ; *e; e++)
        puts(*e);
    print_signals();
    print_timers();
    count_entries("/proc/self/fd");
    count_entries("/proc/self/task");
    printf("errno %d\n", errno);
    use_signals();
    in_child();
    signal(SIGUSR2, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    fflush(stdout);
    if (argc > 1)
        execl(argv[0], argv[0], (char *)NULL);
    return argc > 1 ? 1 : 5;
}
