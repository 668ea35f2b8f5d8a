/* Launches one program under the library. A parent has to stay, because the last line names files that exist
 * only when the program is gone.
 *
 *   1. Find the library; work out the environment.
 *   2. Block the signals that are to be passed on; fork. The child restores the mask and what SIGCHLD did,
 * changes its environment, and executes; if it cannot, it sends errno through a close-on-exec pipe.
 *   3. Wait with sigwaitinfo(2): no handler, no race. A signal from the kernel (the terminal's Ctrl-C) has
 * reached the program as well, since both are in one process group; any other goes on to it.
 *   4. Say what was written, on stderr; take the program's status, or die of its signal.
 *
 * Locks: none. Allocation: malloc; this is the tool's process. */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/run_files.h"
#include "cli/run_library.h"

enum { RUNTIME_MOST = 80 }; /* of a path that goes into the address of a socket */

static const char default_pattern[] = "./heaptap.%p.%n.pb.gz";

static const int passed_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT};

struct launch {
    const struct run_request *request;
    const char *preload; /* value of LD_PRELOAD */
    const char *pattern; /* value of HEAPTAP_DUMP */
    const char *control; /* value of HEAPTAP_CONTROL where nothing else says it */
    sigset_t waited;     /* SIGCHLD, and of passed_signals what this process does not ignore */
    sigset_t old_mask;
    struct sigaction old_child_action;
    int error_pipe[2];
};

static int fail(const char *what) {
    fprintf(stderr, "heaptap: cannot %s: %s\n", what, strerror(errno));
    return RUN_EXIT_FAILURE;
}

/* The library before what is preloaded already: the first definition of malloc is the one that counts. */
static char *make_preload(const char *library) {
    const char *old = getenv("LD_PRELOAD");
    char *value;
    if (asprintf(&value, "%s%s%s", library, old && *old ? ":" : "", old ? old : "") < 0)
        return NULL;
    return value;
}

/* What the program's environment will say: by an option, or as it is; NULL where neither does. */
static const char *requested(const struct run_request *request, const char *name) {
    const char *inherited = getenv(name);
    for (const struct run_variable *v = request->variables; v->name; v++)
        if (v->value && strcmp(v->name, name) == 0)
            return v->value;
    return inherited && *inherited ? inherited : NULL;
}

/* Where the library would put it by itself; named, so that it is there from the start and not when the program has
 * lived for a while. NULL without memory. */
static char *default_control(void) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char *value;
    bool usable = runtime && *runtime == '/' && !strchr(runtime, '%') && strlen(runtime) < RUNTIME_MOST &&
                  access(runtime, W_OK | X_OK) == 0;
    if (usable ? asprintf(&value, "%s/heaptap/%%p.sock", runtime) < 0
               : asprintf(&value, "/tmp/heaptap-%u/%%p.sock", (unsigned)geteuid()) < 0)
        return NULL;
    return value;
}

/* Nobody can send a process a signal that it ignores and expect it to be passed on (nohup relies on that). */
static void choose_signals(struct launch *launch) {
    sigemptyset(&launch->waited);
    sigaddset(&launch->waited, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_signals / sizeof *passed_signals; i++) {
        struct sigaction action;
        if (sigaction(passed_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&launch->waited, passed_signals[i]);
    }
}

/* The child, from fork to exec. */
__attribute__((noreturn)) static void execute(const struct launch *launch) {
    const struct run_request *request = launch->request;
    bool set = setenv("LD_PRELOAD", launch->preload, 1) == 0 && setenv("HEAPTAP_CONTROL", launch->control, 0) == 0;
    for (const struct run_variable *v = request->variables; v->name; v++)
        set = set && (!v->value || setenv(v->name, v->value, 1) == 0);
    set = set && setenv("HEAPTAP_DUMP", launch->pattern, 1) == 0;
    sigaction(SIGCHLD, &launch->old_child_action, NULL);
    sigprocmask(SIG_SETMASK, &launch->old_mask, NULL);
    if (set) /* which changes none of them, whatever its prototype says */
        execvp(request->command[0], (char *const *)(uintptr_t)request->command);
    int error = errno;
    if (write(launch->error_pipe[1], &error, sizeof error) != sizeof error)
        _exit(RUN_EXIT_FAILURE);
    _exit(RUN_EXIT_CANNOT_RUN);
}

/* 0 when the child executes the program, else why it could not. */
static int read_exec_error(struct launch *launch) {
    int error = 0;
    ssize_t n;
    close(launch->error_pipe[1]);
    do
        n = read(launch->error_pipe[0], &error, sizeof error);
    while (n < 0 && errno == EINTR);
    close(launch->error_pipe[0]);
    return n == sizeof error ? error : 0;
}

/* Step 3. The program's wait status. */
static int wait_and_forward(const struct launch *launch, pid_t child) {
    for (;;) {
        int status;
        siginfo_t info;
        pid_t done = waitpid(child, &status, WNOHANG);
        if (done == child)
            return status;
        if (done < 0 && errno != EINTR)
            return W_EXITCODE(RUN_EXIT_FAILURE, 0);
        int received = sigwaitinfo(&launch->waited, &info);
        if (received > 0 && received != SIGCHLD && info.si_code != SI_KERNEL)
            kill(child, received);
    }
}

/* The program's exit status; does not return where a signal that kills this process too ended the program. */
static int pass_status(int status) {
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    int number = WTERMSIG(status);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    if (prctl(PR_SET_DUMPABLE, 0) == 0) {
        signal(number, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &only, NULL);
        raise(number);
    }
    return 128 + number;
}

static int launch_and_wait(struct launch *launch) {
    const char *name = launch->request->command[0];
    struct sigaction child_action = {.sa_handler = SIG_DFL};
    if (pipe2(launch->error_pipe, O_CLOEXEC) != 0)
        return fail("make a pipe");
    choose_signals(launch);
    sigaction(SIGCHLD, &child_action, &launch->old_child_action);
    sigprocmask(SIG_BLOCK, &launch->waited, &launch->old_mask);

    struct timespec since = run_files_begin(launch->pattern);
    pid_t child = fork();
    if (child < 0)
        return fail("fork");
    if (child == 0)
        execute(launch);

    int error = read_exec_error(launch);
    int status = wait_and_forward(launch, child);
    if (error) {
        fprintf(stderr, "heaptap: cannot run '%s': %s\n", name, strerror(error));
        return error == ENOENT ? RUN_EXIT_NOT_FOUND : RUN_EXIT_CANNOT_RUN;
    }
    const char *box = requested(launch->request, "HEAPTAP_BLACKBOX");
    if (!WIFSIGNALED(status) || !box || !run_files_report_box(stderr, box, child, since))
        run_files_report(stderr, launch->pattern, child, since);
    return pass_status(status);
}

int run_command(const struct run_request *request) {
    char library[PATH_MAX];
    if (!run_library_find(library, sizeof library))
        return RUN_EXIT_FAILURE;
    char *preload = make_preload(library);
    const char *wanted = requested(request, "HEAPTAP_DUMP");
    char *pattern = run_files_absolute_pattern(wanted ? wanted : default_pattern);
    char *control = default_control();
    struct launch launch = {.request = request, .preload = preload, .pattern = pattern, .control = control};
    int result = preload && pattern && control ? launch_and_wait(&launch) : fail("set up the environment");
    free(control);
    free(preload);
    free(pattern);
    return result;
}
