#include "base/background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static void *begin(void *run) {
    void (*function)(void);
    *(void **)&function = run;
    function();
    return NULL;
}

bool background_start(const char *name, void (*run)(void), size_t stack_bytes) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int saved_errno = errno;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    void *function = *(void **)&run;
    int error = pthread_create(&thread, &attributes, begin, function);
    if (error == EINVAL) { /* a program with much thread-local storage needs a larger stack */
        error = pthread_create(&thread, NULL, begin, function);
        if (!error)
            pthread_detach(thread);
    }
    if (!error)
        pthread_setname_np(thread, name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    errno = saved_errno;
    return error == 0;
}
