/* A signal handler that allocates is fine as long as it interrupts no allocation: it must find nothing of the
 * allocator half done. On the thread's own stack, and on an alternate one. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "tests/support/expect.h"

static _Atomic int handled;
static void *volatile held[64];

static void allocate_in_handler(int number) {
    (void)number;
    for (int i = 0; i < 64; i++) {
        size_t size = (size_t)(handled % 100 + i) * 37 % 5000;
        free(held[i]);
        char *p = malloc(size + 1);
        memset(p, i, size + 1);
        held[i] = p;
    }
    handled++;
}

/* Computes between allocations, and blocks the signal only while it allocates itself. */
static void work(int rounds) {
    sigset_t set;
    volatile unsigned sum = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    while (handled < rounds) {
        for (unsigned i = 0; i < 20000; i++)
            sum += i * i;
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        free(malloc(sum % 3000));
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
}

static void install(int flags) {
    struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = flags | SA_RESTART};
    EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
}

int main(void) {
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    stack_t stack = {.ss_sp = malloc(256 << 10), .ss_size = 256 << 10};
    alarm(0);
    install(0);
    setitimer(ITIMER_REAL, &every, NULL);
    work(300);
    setitimer(ITIMER_REAL, &never, NULL);
    EXPECT(sigaltstack(&stack, NULL) == 0);
    install(SA_ONSTACK);
    setitimer(ITIMER_REAL, &every, NULL);
    work(600);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);
    for (int i = 0; i < 64; i++)
        free(held[i]);
    EXPECT(handled >= 600);
    return expect_report();
}
