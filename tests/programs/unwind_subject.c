/* Allocates in every surrounding that an unwinder may meet in C, once or a few times in each: callbacks and insides of
 * the C library, threads and their ends, signal handlers, signal stacks, fibers, faults in the C library's assembly,
 * functions with odd frames, code that never returns, first calls through the linkage table, and
 * hand-written code. The argument is a library of storm_plugin.c's kind; without one that part is left out. */
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>

#define PLAIN        __attribute__((noinline, noclone))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

PLAIN static void allocate(void) {
    void *p = malloc(100), *q = calloc(3, 50);
    p = realloc(p, 3000);
    free(p);
    free(q);
    NO_TAIL_CALL;
}

PLAIN static void descend(int depth) {
    char room[48];
    memset(room, depth, sizeof room);
    if (depth)
        descend(depth - 1);
    else
        allocate();
    __asm__ volatile("" ::"r"(room) : "memory");
}

/* Hand-written code, where there is some for this processor (unwind_hand_x86_64.S). */
#if defined(HAND)
void hand_with_tables(void (*)(void));
void hand_without_tables(void (*)(void));
void hand_by_other_register(void (*)(void));
void hand_by_expression(void (*)(void));
void hand_with_frame_pointer(void (*)(void));
void hand_moves_frame_pointer(void (*)(void), volatile uintptr_t *);
int hand_reads(const char *);
#else
static int hand_reads(const char *byte) { return *(const volatile char *)byte; }
#endif

/* The C library calls back. */

static int compare(const void *a, const void *b) {
    allocate();
    return *(const int *)a - *(const int *)b;
}

static void visit(const void *node, VISIT which, int depth) {
    (void)node, (void)which, (void)depth;
    allocate();
}

static int visit_file(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)path, (void)info, (void)kind, (void)where;
    allocate();
    return 0;
}

static ssize_t cookie_write(void *cookie, const char *bytes, size_t size) {
    (void)cookie, (void)bytes;
    allocate();
    return (ssize_t)size;
}

static void once(void) { allocate(); }
static void at_exit(void) { descend(2); }

static void call_back(void) {
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    int numbers[] = {3, 1, 2, 9, 4}, key = 4;
    void *tree = NULL;
    qsort(numbers, 5, sizeof *numbers, compare);
    bsearch(&key, numbers, 5, sizeof *numbers, compare);
    for (int i = 0; i < 4; i++)
        tsearch(&numbers[i], &tree, compare);
    twalk(tree, visit);
    for (int i = 0; i < 4; i++)
        tdelete(&numbers[i], &tree, compare);
    pthread_once(&control, once);
    nftw("/proc/self/fdinfo", visit_file, 8, FTW_PHYS);
    FILE *cookie = fopencookie(NULL, "w", (cookie_io_functions_t){.write = cookie_write});
    fprintf(cookie, "%d %s %200.3f\n", 1, "text", 1.5);
    fclose(cookie);
    atexit(at_exit);
}

/* The C library allocates by itself. */
static void use_library(void) {
    char *line = NULL, *text = NULL;
    size_t room = 0;
    regex_t regex;
    glob_t found;
    struct addrinfo *addresses = NULL, hints = {.ai_flags = AI_NUMERICHOST};
    FILE *file = fopen("/proc/self/maps", "r");
    while (getline(&line, &room, file) > 0)
        ;
    fclose(file);
    free(line);
    if (asprintf(&text, "%*d %.2000f %ls %s", 3000, 7, 1e300, L"wide", "x") > 0)
        free(text);
    FILE *memory = open_memstream(&text, &room);
    for (int i = 0; i < 500; i++)
        fprintf(memory, "%d", i);
    fclose(memory);
    free(text);
    if (regcomp(&regex, "^(a|b)*[[:alpha:]]+(x{2,5})$", REG_EXTENDED) == 0) {
        regexec(&regex, "abababxyzxxx", 0, NULL, 0);
        regfree(&regex);
    }
    if (glob("/proc/self/f*", 0, NULL, &found) == 0)
        globfree(&found);
    if (getaddrinfo("127.0.0.1", "80", &hints, &addresses) == 0)
        freeaddrinfo(addresses);
    getservbyname("http", "tcp");
    setlocale(LC_ALL, "C.UTF-8");
    setenv("HEAPTAP_SUBJECT", "value", 1);
    struct tm broken = {.tm_mday = 1};
    mktime(&broken);
    free(strdup("text"));
    free(realpath("/proc/self/../self", NULL));
}

/* Frames that are not of the common kind. */

PLAIN static void with_aligned_stack(size_t size) {
    _Alignas(128) char aligned[256];
    char *variable = __builtin_alloca(size);
    memset(aligned, 1, sizeof aligned);
    memset(variable, 2, size);
    allocate();
    __asm__ volatile("" ::"r"(aligned), "r"(variable) : "memory");
}

PLAIN static void with_large_frame(void) {
    char room[300000];
    memset(room, 1, sizeof room);
    descend(3);
    __asm__ volatile("" ::"r"(room) : "memory");
}

PLAIN static void with_variable_arguments(const char *format, ...) {
    va_list arguments;
    char *text;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0)
        free(text);
    allocate();
    va_end(arguments);
}

static jmp_buf back;

/* The call is the last instruction, so its return address is in whatever comes after this function. */
PLAIN static __attribute__((noreturn)) void never_returns(void) {
    allocate();
    longjmp(back, 1);
}

PLAIN static void calls_what_never_returns(int flag) {
    if (flag)
        never_returns();
    allocate();
}

PLAIN static void tail(int depth) {
    allocate();
    if (depth)
        return tail(depth - 1);
}

static void use_odd_frames(void) {
    with_aligned_stack(100);
    with_aligned_stack(70000);
    with_large_frame();
    with_variable_arguments("%s %f", "text", 2.5);
    if (setjmp(back) == 0)
        calls_what_never_returns(1);
    calls_what_never_returns(0);
    tail(3);
    descend(150);
}

/* Signals. */

static void handle(int number) {
    (void)number;
    allocate();
    descend(2);
}

static void handle_nested(int number) {
    (void)number;
    allocate();
    raise(SIGUSR2);
    NO_TAIL_CALL;
}

static sigjmp_buf fault;

static void handle_fault(int number) {
    (void)number;
    descend(1);
    siglongjmp(fault, 1);
}

static void set_handler(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(number, &action, NULL);
}

static bool is_emulated; /* gdb does not stand all where it speaks to an emulator */

PLAIN static void raise_all(void) {
    raise(SIGUSR1);
    raise(SIGUSR2);
    if (!is_emulated)
        kill(getpid(), SIGUSR1);
    NO_TAIL_CALL;
}

static void use_signals(void) {
    static char room[128 << 10];
    stack_t other = {.ss_sp = room, .ss_size = sizeof room}, none = {.ss_flags = SS_DISABLE};
    set_handler(SIGUSR1, handle_nested, 0);
    set_handler(SIGUSR2, handle, 0);
    raise_all();
    sigaltstack(&other, NULL);
    set_handler(SIGUSR1, handle_nested, SA_ONSTACK);
    raise_all();
    set_handler(SIGUSR2, handle, SA_ONSTACK | SA_SIGINFO);
    raise_all();
    sigaltstack(&none, NULL);
}

static char data_as_code[8192];

/* The C library's assembly, interrupted by a fault at an address that cannot be read. */
static void fault_in_assembly(void) {
    char *const good = data_as_code;
    static char *volatile bad;
    static void (*volatile to_data)(void);
    static volatile uintptr_t sink;
    bad = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    set_handler(SIGSEGV, handle_fault, SA_NODEFER);
    set_handler(SIGBUS, handle_fault, SA_NODEFER);
#define FAULT(expression) (sigsetjmp(fault, 1) == 0 ? (void)(sink = (uintptr_t)(expression)) : (void)0)
    for (size_t size = 1; size < 5000; size = size * 3 + 1) {
        FAULT(memcpy(good, bad, size) != NULL);
        FAULT(memmove(bad, good, size) != NULL);
        FAULT(memset(bad, 1, size) != NULL);
        FAULT(memcmp(bad, good, size));
        FAULT(memchr(bad, 1, size) != NULL);
    }
    FAULT(hand_reads(bad));
    FAULT(strlen(bad));
    FAULT(strcmp(bad, good));
    FAULT(strchr(bad, 1) != NULL);
    FAULT(strstr(bad, "xy") != NULL);
    FAULT(wcslen((const wchar_t *)bad));
    FAULT(snprintf(good, 100, "%s", bad));
    FAULT((qsort(bad, 100, 4, compare), 1));
    to_data = (void (*)(void))(void *)good; /* no code there, and no tables for it */
    FAULT((to_data(), 1));
    set_handler(SIGSEGV, SIG_DFL, 0);
    set_handler(SIGBUS, SIG_DFL, 0);
    munmap(bad, 8192);
}

/* Fibers. */

static ucontext_t main_context, first_context, second_context;

static void second_fiber(void) {
    allocate();
    descend(20);
    swapcontext(&second_context, &first_context);
    allocate();
}

static void first_fiber(int argument) {
    descend(argument);
    swapcontext(&first_context, &second_context);
    allocate();
    use_odd_frames();
    raise_all();
}

static void prepare_fiber(ucontext_t *context, ucontext_t *next) {
    enum { SIZE = 1 << 20 };
    char *map = mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(map + SIZE, 4096, PROT_NONE);
    getcontext(context);
    context->uc_stack.ss_sp = map;
    context->uc_stack.ss_size = SIZE;
    context->uc_link = next;
}

static void use_fibers(void) {
    prepare_fiber(&first_context, &main_context);
    prepare_fiber(&second_context, &first_context);
    makecontext(&first_context, (void (*)(void))first_fiber, 1, 5);
    makecontext(&second_context, second_fiber, 0);
    swapcontext(&main_context, &first_context);
}

/* Threads. */

static pthread_key_t key;

static void end_thread(void *value) {
    allocate();
    if ((uintptr_t)value < 3)
        pthread_setspecific(key, (void *)((uintptr_t)value + 1));
}

static void clean_up(void *unused) {
    (void)unused;
    descend(1);
}

static void *in_thread(void *fibers_too) {
    pthread_setspecific(key, (void *)1);
    allocate();
    use_odd_frames();
    raise_all();
    if (fibers_too)
        use_fibers();
    pthread_cleanup_push(clean_up, NULL);
    pthread_exit(NULL); /* unwinds by libgcc, and never returns */
    pthread_cleanup_pop(0);
    return NULL;
}

static void *in_cancelled_thread(void *unused) {
    pthread_cleanup_push(clean_up, unused);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return unused;
}

static void use_threads(void) {
    pthread_t thread;
    pthread_key_create(&key, end_thread);
    for (uintptr_t i = 0; i < 3; i++) {
        pthread_create(&thread, NULL, in_thread, (void *)(i % 2));
        pthread_join(thread, NULL);
    }
}

static void cancel_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, in_cancelled_thread, NULL);
    usleep(20000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static void in_timer(union sigval unused) {
    (void)unused;
    descend(2);
}

static void use_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_timer};
    struct itimerspec soon = {.it_value = {0, 1000000}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0)
        usleep(50000);
}

/* Libraries, whose functions are bound at their first call. */
static void use_library_of(const char *path) {
    void *library = dlopen(path, RTLD_LAZY);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(3);
    }
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
    int (*resolve)(int) = (int (*)(int))dlsym(library, "plugin_resolve");
    free(make(10));
    free(make(20));
    if (resolve)
        resolve(1);
    dlclose(library);
}

#if defined(HAND)
PLAIN static void use_hand(void) {
    volatile uintptr_t no_frame[2] = {0, (uintptr_t)use_fibers};
    hand_with_tables(allocate);
    hand_moves_frame_pointer(allocate, no_frame);
    hand_by_expression(allocate);
    hand_with_frame_pointer(allocate);
    hand_by_other_register(allocate);
    hand_without_tables(allocate);
}
#else
static void use_hand(void) {}
#endif

static void use_fork(void) {
    fclose(popen("exit 0", "r"));
    pid_t child = fork();
    if (child == 0) {
        descend(3);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

__attribute__((constructor)) static void construct(void) { descend(2); }
__attribute__((destructor)) static void destruct(void) { descend(2); }

int main(int argc, char **argv) {
    is_emulated = getenv("UNWIND_EMULATED") != NULL;
    descend(4);
    call_back();
    use_library();
    use_odd_frames();
    use_signals();
    fault_in_assembly();
    use_fibers();
    use_threads();
    for (int i = 1; i < argc; i++)
        use_library_of(argv[i]);
    use_hand();
    if (!is_emulated) {
        cancel_thread();
        use_timer();
        use_fork();
    }
    return 0;
}
