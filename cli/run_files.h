/* Which profiles a run has written: the files that match a HEAPTAP_DUMP pattern and are no older than the
 * run. */
#ifndef HEAPTAP_CLI_RUN_FILES_H
#define HEAPTAP_CLI_RUN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

/* `pattern` with what stands before it in the current directory, '%' doubled there, so that a program that
 * changes its directory writes to the same place. The caller frees it; NULL when there is no memory or no
 * current directory. */
char *run_files_absolute_pattern(const char *pattern);

/* The pattern as one for glob(3): %p is the pid `program`, or `*` where that is 0, as every other item is. The caller
 * frees it; NULL without memory. */
char *run_files_glob(const char *pattern, pid_t program);

/* The moment from which files count, to be asked before the program starts. Taken from the clock that file
 * systems stamp with; waits for its next tick where the pattern has a file of this very tick. */
struct timespec run_files_begin(const char *pattern);

/* After a program was killed: prints the one line that names its black box and the next command; false, and nothing
 * printed, where no file matches the pattern. */
bool run_files_report_box(FILE *out, const char *pattern, pid_t program, struct timespec since);

/* Prints the one line at the end of a run: how many files, by what names, and the next command. `program` is
 * the pid of the program itself: its files are named before those of its children. */
void run_files_report(FILE *out, const char *pattern, pid_t program, struct timespec since);

#endif
