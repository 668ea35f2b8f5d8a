/* A bounded mailbox: any thread sends, one receives all at once. The message is in the object itself. */
#ifndef HEAPTAP_BENCH_MAILBOX_H
#define HEAPTAP_BENCH_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "workload.h"

struct message {
    struct message *next;
    uint32_t size, tag;
};

struct mailbox {
    _Alignas(64) _Atomic(struct message *) first;
    _Atomic uint32_t waiting;
};

/* False, and nothing is sent, when `most` messages wait already. */
static inline bool mailbox_send(struct mailbox *box, struct message *message, uint32_t most) {
    if (atomic_load_explicit(&box->waiting, memory_order_relaxed) >= most)
        return false;
    atomic_fetch_add_explicit(&box->waiting, 1, memory_order_relaxed);
    struct message *first = atomic_load_explicit(&box->first, memory_order_relaxed);
    do
        message->next = first;
    while (!atomic_compare_exchange_weak_explicit(&box->first, &first, message, memory_order_release,
                                                  memory_order_relaxed));
    return true;
}

static inline struct message *message_new(size_t size, uint32_t tag) {
    struct message *message = object_new(size, tag);
    message->size = (uint32_t)size;
    message->tag = tag;
    return message;
}

/* Frees all that waits; adds what it read to *sum. */
static inline uint32_t mailbox_empty(struct mailbox *box, uint64_t *sum) {
    uint32_t count = 0;
    struct message *message = atomic_exchange_explicit(&box->first, NULL, memory_order_acquire);
    while (message) {
        struct message *next = message->next;
        *sum += message->tag + 3u * ((unsigned char *)message)[message->size - 1];
        free(message);
        message = next;
        count++;
    }
    atomic_fetch_sub_explicit(&box->waiting, count, memory_order_relaxed);
    return count;
}

#endif
