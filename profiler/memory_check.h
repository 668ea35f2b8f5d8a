/* libunwind asks whether memory can be read by writing a byte of it into a pipe of its own. That takes two of
 * the program's descriptors, 3 and 4 as a rule; and when a program closes all descriptors and opens others,
 * as daemons do, libunwind would read from and write to what is the program's then. This gives it a check
 * that needs no descriptor. */
#ifndef HEAPTAP_PROFILER_MEMORY_CHECK_H
#define HEAPTAP_PROFILER_MEMORY_CHECK_H

/* For the loaded libunwind, before its first call. */
void memory_check_install(void *library);

#endif
