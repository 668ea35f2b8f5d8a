/* What control.sh runs. It allocates and frees now and then, says "ready", and ends with standard input (or where an
 * argument says so).
 *
 *   wait              that
 *   fork              after half a second a child does the same for three; prints its pid
 *   fork-raw          the same by the bare system call, and the child ends at once by exit
 *   close             closes every descriptor above 2 each 50 ms
 *   descriptors       prints the number that open gives, again and again for three seconds, where it changes
 *   deny              forbids itself unshare(2) and close_range(2), and executes the rest of its arguments */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 200, CLOSED = 2000 };

/* Enough to take slow paths of malloc and of free. */
static void exercise(void) {
    static void *volatile blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(2000);
    for (int i = 0; i < BLOCKS; i++)
        free((void *)blocks[i]);
    free(malloc(200000));
}

static int input_waits(int milliseconds) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, milliseconds) > 0;
}

static void live(int closing) {
    puts("ready");
    fflush(stdout);
    do {
        exercise();
        for (int fd = 3; closing && fd < CLOSED; fd++)
            close(fd);
    } while (!input_waits(50));
}

static void print_descriptors(void) {
    int last = -1;
    for (int i = 0; i < 300000; i++) {
        int fd = open("/dev/null", O_RDONLY);
        if (fd != last)
            printf("descriptor %d\n", fd);
        last = fd;
        close(fd);
        if (i % 1000 == 0) {
            exercise();
            usleep(10000);
        }
    }
    fflush(stdout);
}

static int fork_and_live(void) {
    for (int i = 0; i < 10; i++) {
        exercise();
        usleep(50000);
    }
    pid_t child = fork();
    if (child == 0) {
        close(0);
        open("/dev/null", O_RDONLY);
        for (time_t end = time(NULL) + 3; time(NULL) < end; usleep(50000))
            exercise();
        return 0;
    }
    printf("child %d\n", (int)child);
    live(0);
    return waitpid(child, NULL, 0) == child ? 0 : 1;
}

/* Fork without the C library's handlers. */
static int fork_raw(void) {
    for (int i = 0; i < 10; i++) {
        exercise();
        usleep(50000);
    }
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        exit(0);
    int status;
    waitpid(child, &status, 0);
    printf("child ended with %d\n", status);
    live(0);
    return 0;
}

static void deny(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436 /* close_range */, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        exit(77);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "wait";
    if (strcmp(what, "fork") == 0)
        return fork_and_live();
    if (strcmp(what, "fork-raw") == 0)
        return fork_raw();
    if (strcmp(what, "descriptors") == 0) {
        print_descriptors();
        return 0;
    }
    if (strcmp(what, "deny") == 0) {
        deny();
        execv(argv[2], argv + 2);
        return 1;
    }
    live(strcmp(what, "close") == 0);
    return 0;
}
