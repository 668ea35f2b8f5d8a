/* `heaptap run`: starts a program with libheaptap.so preloaded, waits for it, and says what it wrote. */
#ifndef HEAPTAP_CLI_RUN_H
#define HEAPTAP_CLI_RUN_H

/* As timeout(1) and env(1) have them. */
enum { RUN_EXIT_FAILURE = 125, RUN_EXIT_CANNOT_RUN = 126, RUN_EXIT_NOT_FOUND = 127 };

/* A variable of the environment that the program is to see; a NULL value leaves what is there. */
struct run_variable {
    const char *name;
    const char *value;
};

struct run_request {
    const char *const *command;           /* NULL-terminated, at least one */
    const struct run_variable *variables; /* ends with a NULL name */
};

/* What main is to return: the program's status, or one of the above with a line on stderr. Where a signal
 * killed the program, this process dies of the same signal (without a core of its own), as timeout(1) does.
 * Signals that somebody sends to this process go on to the program; those of the terminal reach the program
 * by themselves. Without HEAPTAP_DUMP in `variables` or in the environment the files are
 * ./heaptap.%p.%n.pb.gz, one at exit. */
int run_command(const struct run_request *request);

#endif
