/* Chained hash table that doubles when it is full. Nothing leaks here: a value that is replaced is freed, and
 * so is an entry that is deleted.
 *
 * Locks: one mutex over everything. Allocation: an entry with its key, and each value by itself. */
#include "examples/kv_store.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

struct entry {
    struct entry *next;
    uint64_t hash;
    char *value;
    char key[];
};

struct kv_store {
    pthread_mutex_t lock;
    struct entry **buckets; /* a power of two of them */
    size_t bucket_count;
    size_t keys;
    size_t value_bytes; /* without the terminators */
};

/* FNV-1a. */
static uint64_t hash_key(const char *key) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3ull;
    return hash;
}

struct kv_store *kv_store_create(void) {
    struct kv_store *store = calloc(1, sizeof *store);
    struct entry **buckets = calloc(FIRST_BUCKETS, sizeof(struct entry *));
    if (!store || !buckets) {
        free(store);
        free(buckets);
        return NULL;
    }
    pthread_mutex_init(&store->lock, NULL);
    store->buckets = buckets;
    store->bucket_count = FIRST_BUCKETS;
    return store;
}

static void entry_free(struct entry *entry) {
    free(entry->value);
    free(entry);
}

void kv_store_destroy(struct kv_store *store) {
    for (size_t i = 0; i < store->bucket_count; i++) {
        for (struct entry *entry = store->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            entry_free(entry);
        }
    }
    free(store->buckets);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* The link that points to the entry of `key`, or the end of its chain. */
static struct entry **find_link(struct kv_store *store, const char *key, uint64_t hash) {
    struct entry **link = &store->buckets[hash & (store->bucket_count - 1)];
    while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
        link = &(*link)->next;
    return link;
}

/* Twice the buckets. Without memory for them the chains just grow longer. */
static void index_grow(struct kv_store *store) {
    size_t count = store->bucket_count * 2;
    struct entry **buckets = calloc(count, sizeof(struct entry *));
    if (!buckets)
        return;
    for (size_t i = 0; i < store->bucket_count; i++) {
        for (struct entry *entry = store->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    free(store->buckets);
    store->buckets = buckets;
    store->bucket_count = count;
}

static struct entry *entry_add(struct kv_store *store, const char *key, uint64_t hash) {
    if (store->keys >= store->bucket_count)
        index_grow(store);
    size_t length = strlen(key) + 1;
    struct entry *entry = malloc(sizeof *entry + length);
    if (!entry)
        return NULL;
    struct entry **head = &store->buckets[hash & (store->bucket_count - 1)];
    *entry = (struct entry){.next = *head, .hash = hash};
    memcpy(entry->key, key, length);
    *head = entry;
    store->keys++;
    return entry;
}

bool kv_store_set(struct kv_store *store, const char *key, const char *value) {
    size_t length = strlen(value);
    char *copy = malloc(length + 1);
    if (!copy)
        return false;
    memcpy(copy, value, length + 1);
    uint64_t hash = hash_key(key);

    pthread_mutex_lock(&store->lock);
    struct entry *entry = *find_link(store, key, hash);
    if (!entry)
        entry = entry_add(store, key, hash);
    char *unused = copy;
    if (entry) {
        unused = entry->value;
        store->value_bytes += length - (unused ? strlen(unused) : 0);
        entry->value = copy;
    }
    pthread_mutex_unlock(&store->lock);

    free(unused);
    return entry != NULL;
}

char *kv_store_get(struct kv_store *store, const char *key) {
    pthread_mutex_lock(&store->lock);
    struct entry *entry = *find_link(store, key, hash_key(key));
    char *copy = entry ? strdup(entry->value) : NULL;
    pthread_mutex_unlock(&store->lock);
    return copy;
}

bool kv_store_delete(struct kv_store *store, const char *key) {
    pthread_mutex_lock(&store->lock);
    struct entry **link = find_link(store, key, hash_key(key));
    struct entry *entry = *link;
    if (entry) {
        *link = entry->next;
        store->keys--;
        store->value_bytes -= strlen(entry->value);
    }
    pthread_mutex_unlock(&store->lock);
    if (entry)
        entry_free(entry);
    return entry != NULL;
}

void kv_store_size(struct kv_store *store, size_t *keys, size_t *value_bytes) {
    pthread_mutex_lock(&store->lock);
    *keys = store->keys;
    *value_bytes = store->value_bytes;
    pthread_mutex_unlock(&store->lock);
}
