/* What a test may leave out, and must allow for, where the thread sanitizer makes everything ten times as dear. */
#ifndef HEAPTAP_TESTS_SUPPORT_SANITIZED_H
#define HEAPTAP_TESTS_SUPPORT_SANITIZED_H

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if defined(__SANITIZE_THREAD__)
#define SANITIZED_STRIDE 16 /* of many like cases every 16th is run */
#define SANITIZED_MEMORY 8  /* resident memory counts with its shadow */
#else
#define SANITIZED_STRIDE 1
#define SANITIZED_MEMORY 1
#endif

#endif
