/* Runs one command and writes what it cost to a file: seconds of wall time, user and system, peak KiB resident, status.
 *
 * A process inherits the peak RSS of the one that executed it: started from an interpreter of 15 MB, nothing would ever
 * measure less. This program stays under a megabyte, is not preloaded itself, and forks; that is why it exists.
 *
 *   launch RESULT CPU|- LIBRARY|- COMMAND [ARGUMENT]...
 *
 * The command runs on the one CPU that is named, and with the library preloaded. It dies with the launcher. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static _Noreturn void execute(const char *cpu, const char *library, char **command) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (strcmp(cpu, "-") != 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)atoi(cpu), &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0)
            fprintf(stderr, "launch: cannot run on cpu %s: %s\n", cpu, strerror(errno));
    }
    if (strcmp(library, "-") != 0)
        setenv("LD_PRELOAD", library, 1);
    execvp(command[0], command);
    fprintf(stderr, "launch: cannot run '%s': %s\n", command[0], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: launch RESULT CPU|- LIBRARY|- COMMAND [ARGUMENT]...\n");
        return 2;
    }
    double began = now();
    pid_t child = fork();
    if (child == 0)
        execute(argv[2], argv[3], argv + 4);
    int status = 0;
    struct rusage usage;
    while (child > 0 && wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return 1;
    double took = now() - began;
    FILE *result = child > 0 ? fopen(argv[1], "w") : NULL;
    if (!result) {
        fprintf(stderr, "launch: cannot run or report: %s\n", strerror(errno));
        return 1;
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(result, "%.6f %.6f %.6f %ld %d\n", took, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss,
            code);
    return fclose(result) == 0 ? 0 : 1;
}
