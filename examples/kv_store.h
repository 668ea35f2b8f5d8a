/* The index of the example service: a hash table of strings behind one lock. Keys and values are copied in;
 * what kv_store_get returns is a copy that the caller frees. */
#ifndef EXAMPLES_KV_STORE_H
#define EXAMPLES_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct kv_store;

/* NULL when there is no memory. */
struct kv_store *kv_store_create(void);
void kv_store_destroy(struct kv_store *store);

/* False when there is no memory; the old value is then still there. */
bool kv_store_set(struct kv_store *store, const char *key, const char *value);
/* NULL when the key is not there. */
char *kv_store_get(struct kv_store *store, const char *key);
bool kv_store_delete(struct kv_store *store, const char *key);

void kv_store_size(struct kv_store *store, size_t *keys, size_t *value_bytes);

#endif
