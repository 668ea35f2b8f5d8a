// expect: heaptap: double free of 0x* (object of 48 bytes)
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>
#include <pthread.h>

static void *free_in_thread(void *p) {
    free(p);
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *p = malloc(40);
    pthread_create(&thread, NULL, free_in_thread, p);
    pthread_join(thread, NULL);
    free(p);
    return 0;
}
