/* Loaded by contract_dlopen: allocates in its constructor and on behalf of whoever asks. */
#include <stdlib.h>
#include <string.h>

static _Thread_local char *per_thread;
static char *at_load;

__attribute__((constructor)) static void load(void) { at_load = strdup("loaded"); }
__attribute__((destructor)) static void unload(void) { free(at_load); }

__attribute__((visibility("default"))) char *plugin_text(void);

/* The caller frees it. */
char *plugin_text(void) {
    if (!per_thread)
        per_thread = malloc(1000);
    memset(per_thread, 'p', 1000);
    free(per_thread);
    per_thread = NULL;
    return strdup(at_load);
}
