/* How this layer tells its user what kept a file from being used: one sentence about a subject. */
#ifndef HEAPTAP_SYMBOLIZER_NOTICE_H
#define HEAPTAP_SYMBOLIZER_NOTICE_H

struct notice {
    /* The subject is a path or an address as it stood in the input, the text a predicate of our own. Both are
     * gone when the call returns. NULL: nobody listens. */
    void (*say)(void *context, const char *subject, const char *text);
    void *context;
};

static inline void notice_say(const struct notice *notice, const char *subject, const char *text) {
    if (notice->say)
        notice->say(notice->context, subject, text);
}

#endif
