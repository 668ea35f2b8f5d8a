/* Texts are made in a buffer on the stack of whoever writes the profile, which is never inside malloc.
 *
 * Locks: none. Allocation: none. */
#include "profiler/comments.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "alloc/memstats.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rand.h"
#include "profiler/unwinder.h"
#include "profiler/work.h"

enum { OWN_COMMENTS = 20, COMMENTS_MAX = OWN_COMMENTS + WORK_COUNTERS_MAX, COMMENT_BYTES = 128 };

struct comment_list {
    const char *list[COMMENTS_MAX + 1];
    char text[COMMENTS_MAX][COMMENT_BYTES];
    int count;
};

void comments_identify(struct comments_identity *identity) {
    identity->instance = rand_entropy();
    identity->pid = getpid();
    identity->start = os_wall_time();
}

static void add_text(struct comment_list *comments, const char *key, const char *value) {
    char *text = comments->text[comments->count];
    log_format(text, COMMENT_BYTES, "heaptap_%s=%s", key, value);
    comments->list[comments->count++] = text;
}

static void add_number(struct comment_list *comments, const char *key, uint64_t value) {
    char text[24];
    log_format(text, sizeof text, "%lu", (unsigned long)value);
    add_text(comments, key, text);
}

static void add_identity(struct comment_list *comments, struct comments_identity *identity) {
    char host[HOST_NAME_MAX + 1] = "", instance[24];
    if (identity->pid != getpid())
        comments_identify(identity); /* the first profile of a forked child */
    gethostname(host, sizeof host - 1);
    log_format(instance, sizeof instance, "%lx", (unsigned long)identity->instance);
    add_text(comments, "version", HEAPTAP_VERSION);
    add_text(comments, "instance", instance);
    add_number(comments, "pid", (uint64_t)identity->pid);
    add_text(comments, "host", host);
    add_number(comments, "start_time_nanos", (uint64_t)identity->start);
}

static void add_work(struct comment_list *comments) {
    char key[WORK_NAME_BYTES + 8];
    const char *name;
    uint64_t amount;
    for (size_t i = 0; (name = work_read(i, &amount)); i++) {
        log_format(key, sizeof key, "work_%s", name);
        add_number(comments, key, amount);
    }
    if (work_refused())
        add_number(comments, "dropped_work", work_refused());
}

static void add_all(struct comment_list *comments, struct comments_identity *identity,
                    const struct comments_counters *counters, const struct snapshot_source *source) {
    struct heaptap_memstats totals;
    memstats_read_totals(&totals);
    add_identity(comments, identity);
    add_number(comments, "rate", source->rate);
    add_text(comments, "unwinder", unwinder_name());
    add_number(comments, "mallocs", totals.mallocs);
    add_number(comments, "frees", totals.frees);
    add_number(comments, "alloc_bytes", totals.total_alloc);
    add_number(comments, "inuse_bytes", totals.heap_alloc);
    add_number(comments, "peak_inuse_bytes", peak_settle(&source->buckets->peak));
    add_number(comments, "samples", counters->samples);
    add_number(comments, "dropped_unwind", counters->dropped_unwind);
    add_number(comments, "cut_stacks", unwinder_cut());
    add_number(comments, "dropped_memory", counters->dropped_memory);
    add_number(comments, "dropped_labels", counters->dropped_labels);
    add_number(comments, "dropped_mappings", mapping_dropped(source->mappings));
    add_work(comments);
}

int comments_write(struct comments_identity *identity, const struct comments_counters *counters,
                   struct snapshot_source *source, writer_sink sink, void *context) {
    struct comment_list comments = {.count = 0};
    struct proto_error error;
    add_all(&comments, identity, counters, source);
    source->comments = comments.list;
    if (snapshot_write(source, sink, context, &error))
        return 0;
    if (error.code == PROTO_ERROR_IO && error.saved_errno)
        return error.saved_errno;
    return error.code == PROTO_ERROR_MEMORY ? ENOMEM : EIO;
}

static size_t pack_text(char *out, size_t size, size_t at, const char *text) {
    size_t length = strlen(text) + 1;
    if (length > size - at)
        return at;
    memcpy(out + at, text, length);
    return at + length;
}

size_t comments_pack(struct comments_identity *identity, const struct comments_counters *counters,
                     const struct snapshot_source *source, char *out, size_t size) {
    struct comment_list comments = {.count = 0};
    add_all(&comments, identity, counters, source);
    size_t at = pack_text(out, size, 0, source->drop_own_frames ? snapshot_own_frames() : "");
    for (const char *const *comment = comments.list; *comment; comment++)
        at = pack_text(out, size, at, *comment);
    return at;
}
