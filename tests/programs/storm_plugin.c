/* The library that dlopen_storm.c loads: it allocates, in its constructor too, which runs under the loader's
 * lock. */
#include <stdlib.h>

/* The frame's size differs from library to library, the code is where it was: what an unwinder remembers of one of them
 * is wrong for the next. */
#ifndef ROOM
#define ROOM 16
#endif

void *plugin_make(size_t size) {
    volatile char room[ROOM];
    room[0] = 1;
    void *p = malloc(size + room[0]);
    __asm__ volatile("" ::"r"(room) : "memory");
    return p;
}

/* Moves the tables behind it, where the code is in the same place. */
#ifdef PADDING
const char plugin_padding[PADDING] = "padding";
#endif

static void *held;

__attribute__((constructor)) static void begin(void) { held = plugin_make(5000); }
__attribute__((destructor)) static void end(void) { free(held); }
