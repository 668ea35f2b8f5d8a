/* refresh:
 *   0. nothing to do where the loader's counts of loads and unloads are those of the last time;
 *   1. ask the loader for every object and write down its executable segments in a list of our own: inside
 * the loader's lock nothing of ours is locked, since a constructor that runs under it may come here through
 * dlclose;
 *   2. take the lock; give up where another refresh has seen a later state (the loader counts loads and
 * unloads);
 *   3. rows in use that are not in the list get the next generation, and so do the stacks through them;
 *   4. entries of the list that are not among the rows become rows. Only then is the program's path read.
 *
 * Locks: RANK_PROFILER, and inside it the stack table's. Allocation: a region for the list, table_memory for
 * the rows. */
#include "profiler/mapping.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/os.h"
#include "profiler/blackbox.h"
#include "profiler/loader.h"

struct list {
    struct region region;
    struct mapping_row *rows;
    size_t count, capacity;
    uint64_t loads, unloads;
    bool failed;
    bool is_first; /* the loader names the program first, and without a name */
};

void mapping_fork_prepare(struct mapping_table *table) { lock_acquire_for_fork(&table->lock); }
void mapping_fork_parent(struct mapping_table *table) { lock_release(&table->lock); }
void mapping_fork_child(struct mapping_table *table) { lock_reset_after_fork(&table->lock); }

static struct mapping_row *row_at(const struct mapping_table *table, uint32_t index) {
    return (struct mapping_row *)(void *)table->rows.base + index;
}

static void write_hex(char *out, const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        *out++ = "0123456789abcdef"[bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    *out = '\0';
}

void mapping_read_build_id(const void *notes, size_t size, size_t align, char out[2 * MAPPING_BUILD_ID_BYTES + 1]) {
    const char *bytes = notes;
    size_t at = 0;
    ElfW(Nhdr) note;
    align = align == 8 ? 8 : 4;
    out[0] = '\0';
    while (size - at >= sizeof note) {
        memcpy(&note, bytes + at, sizeof note);
        uint64_t name = at + sizeof note;
        uint64_t content = align_up(name + note.n_namesz, align);
        uint64_t next = align_up(content + note.n_descsz, align);
        if (content + note.n_descsz > size)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(bytes + name, "GNU", 4) == 0) {
            size_t length = note.n_descsz < MAPPING_BUILD_ID_BYTES ? note.n_descsz : MAPPING_BUILD_ID_BYTES;
            write_hex(out, (const unsigned char *)bytes + content, length);
            return;
        }
        if (next >= size)
            return;
        at = next;
    }
}

static void build_id_of(const struct dl_phdr_info *info, char out[2 * MAPPING_BUILD_ID_BYTES + 1]) {
    out[0] = '\0';
    for (size_t i = 0; i < info->dlpi_phnum && !out[0]; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE)
            mapping_read_build_id((const void *)(info->dlpi_addr + segment->p_vaddr), segment->p_memsz,
                                  segment->p_align, out);
    }
}

static char *copy_text(struct region *region, const char *directory, const char *name) {
    size_t length = strlen(directory), slash = length > 0;
    char *copy = region_alloc(region, length + slash + strlen(name) + 1);
    if (!copy)
        return NULL;
    char *end = stpcpy(copy, directory);
    if (slash)
        *end++ = '/';
    strcpy(end, name);
    return copy;
}

/* The program's path. The kernel adds a word to it where the file has been replaced since. */
__attribute__((noinline)) static void read_program(char *path, size_t room) {
    static const char suffix[] = " (deleted)";
    ssize_t length = readlink("/proc/self/exe", path, room - 1);
    path[length > 0 ? length : 0] = '\0';
    char *end = path + strlen(path) - (sizeof suffix - 1);
    if (end > path && strcmp(end, suffix) == 0 && access(path, F_OK) != 0)
        *end = '\0';
}

/* What a reader of the profile can open: the loader's name, made absolute. For the program there is none: its path is
 * read once, when its row is made. */
static const char *filename_of(struct list *list, const struct dl_phdr_info *info) {
    char path[PATH_MAX];
    const char *name = list->is_first ? "" : info->dlpi_name && info->dlpi_name[0] ? info->dlpi_name : "[nameless]";
    if (strncmp(name, "linux-vdso", 10) == 0 || strncmp(name, "linux-gate", 10) == 0)
        name = "[vdso]";
    const char *slash = strrchr(name, '/');
    if (slash && name[0] != '/' && loader_origin(info, path))
        return copy_text(&list->region, path, slash + 1);
    return copy_text(&list->region, "", name);
}

static struct mapping_row *add_to_list(struct list *list) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct mapping_row *rows =
            region_grow(&list->region, list->rows, list->count * sizeof *rows, capacity * sizeof *rows);
        if (!rows)
            return NULL;
        list->rows = rows;
        list->capacity = capacity;
    }
    return &list->rows[list->count++];
}

static int list_object(struct dl_phdr_info *info, size_t size, void *data) {
    struct list *list = data;
    size_t page = os_page_size();
    const char *filename = filename_of(list, info);
    (void)size;
    list->is_first = false;
    list->loads = info->dlpi_adds;
    list->unloads = info->dlpi_subs;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        struct mapping_row *row = add_to_list(list);
        if (!row || !filename) {
            list->failed = true;
            return 1;
        }
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        *row = (struct mapping_row){.start = align_down(start, page),
                                    .limit = align_up(start + segment->p_memsz, page),
                                    .offset = align_down(segment->p_offset, page),
                                    .filename = filename};
        build_id_of(info, row->build_id);
    }
    return 0;
}

static bool is_same(const struct mapping_row *row, const struct mapping_row *listed) {
    return row->start == listed->start && row->limit == listed->limit && row->offset == listed->offset &&
           strcmp(row->build_id, listed->build_id) == 0 &&
           (!listed->filename[0] || strcmp(row->filename, listed->filename) == 0);
}

static bool is_listed(const struct list *list, const struct mapping_row *row) {
    for (size_t i = 0; i < list->count; i++) {
        if (is_same(row, &list->rows[i]))
            return true;
    }
    return false;
}

__attribute__((noinline)) static void retire_rows_locked(struct mapping_table *table, const struct list *list) {
    uint32_t generation = table->generation + 1;
    for (uint32_t i = 0; i < table->count; i++) {
        struct mapping_row *row = row_at(table, i);
        if (row->retired || is_listed(list, row))
            continue;
        if (blackbox_is_on())
            blackbox_seal_retired(BOX_ROW_RETIRED, i, generation);
        row->retired = generation;
        table->generation = generation;
        stack_table_retire(table->stacks, row->start, row->limit, generation);
    }
}

static bool is_in_use_locked(const struct mapping_table *table, const struct mapping_row *wanted) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct mapping_row *row = row_at(table, i);
        if (!row->retired && is_same(row, wanted))
            return true;
    }
    return false;
}

/* A library that comes back to where it was, with no other there meanwhile, is the row that it was. What is retired
 * through that row still finds it: whatever comes to that place later is retired later. Not where another may have been
 * there that found no room for a row, and not in a black box, in which a row is retired once. */
__attribute__((noinline)) static bool revive_row_locked(struct mapping_table *table, const struct mapping_row *listed) {
    struct mapping_row *last = NULL;
    if (table->is_full || blackbox_is_on())
        return false;
    for (uint32_t i = 0; i < table->count; i++) {
        struct mapping_row *row = row_at(table, i);
        if (row->start < listed->limit && listed->start < row->limit && (!last || row->retired >= last->retired))
            last = row;
    }
    if (!last || !last->retired || !is_same(last, listed))
        return false;
    last->retired = 0;
    return true;
}

/* The text of the last row is used again where it is the same: the segments of one file follow each other. */
static const char *keep_text_locked(struct mapping_table *table, const char *text) {
    size_t size = strlen(text) + 1;
    if (table->count && strcmp(row_at(table, table->count - 1)->filename, text) == 0)
        return row_at(table, table->count - 1)->filename;
    if (!table_area_reach(&table->text, table->text_used + size))
        return NULL;
    char *copy = table->text.base + table->text_used;
    memcpy(copy, text, size);
    table->text_used += size;
    return copy;
}

static bool append_row_locked(struct mapping_table *table, const struct mapping_row *row, const char *filename) {
    const char *kept = keep_text_locked(table, filename);
    if (!kept || !table_area_reach(&table->rows, (table->count + 1) * sizeof *row))
        return false;
    *row_at(table, table->count) = *row;
    row_at(table, table->count)->filename = kept;
    if (blackbox_is_on() && !blackbox_seal_row(table->count, row_at(table, table->count), kept))
        return false;
    table->count++;
    return true;
}

static void add_row_locked(struct mapping_table *table, const struct mapping_row *row) {
    char program[PATH_MAX];
    if (!row->filename[0])
        read_program(program, sizeof program);
    if (!append_row_locked(table, row, row->filename[0] ? row->filename : program)) {
        atomic_add_relaxed(&table->dropped, 1);
        table->is_full = true;
    }
}

/* The first object tells the loader's counters; one is enough. */
static int read_counters(struct dl_phdr_info *info, size_t size, void *data) {
    struct list *list = data;
    (void)size;
    list->loads = info->dlpi_adds;
    list->unloads = info->dlpi_subs;
    return 1;
}

static bool is_current(struct mapping_table *table) {
    struct list now = {.count = 0};
    loader_visit_objects(read_counters, &now);
    lock_acquire(&table->lock);
    bool same = table->loads == now.loads && table->unloads == now.unloads;
    lock_release(&table->lock);
    return same;
}

bool mapping_refresh(struct mapping_table *table) {
    struct list list = {.is_first = true};
    if (is_current(table))
        return false;
    loader_visit_objects(list_object, &list);
    lock_acquire(&table->lock);
    uint32_t generation = table->generation;
    bool is_newer = list.loads + list.unloads >= table->loads + table->unloads;
    if (!list.failed && is_newer) {
        retire_rows_locked(table, &list);
        atomic_store_relaxed(&table->dropped, 0);
        for (size_t i = 0; i < list.count; i++) {
            if (!is_in_use_locked(table, &list.rows[i]) && !revive_row_locked(table, &list.rows[i]))
                add_row_locked(table, &list.rows[i]);
        }
        table->loads = list.loads;
        table->unloads = list.unloads;
    }
    bool has_gone = table->generation != generation;
    lock_release(&table->lock);
    region_free(&list.region);
    return has_gone;
}

uint32_t mapping_dropped(const struct mapping_table *table) { return atomic_load_relaxed(&table->dropped); }

bool mapping_copy(struct mapping_table *table, struct region *region, struct mapping_copy *copy) {
    lock_acquire(&table->lock);
    copy->count = table->count;
    copy->rows = region_alloc(region, table->count * sizeof *copy->rows);
    if (copy->rows && table->count)
        memcpy(copy->rows, table->rows.base, table->count * sizeof *copy->rows);
    lock_release(&table->lock);
    return copy->rows != NULL;
}

void mapping_free(struct mapping_table *table) {
    table_area_free(&table->rows);
    table_area_free(&table->text);
    table->count = 0;
    table->text_used = 0;
    table->loads = table->unloads = 0;
}

uint32_t mapping_find(const struct mapping_copy *copy, uintptr_t address, uint32_t retired) {
    uint32_t best = MAPPING_NONE, best_retired = UINT32_MAX;
    for (uint32_t i = 0; i < copy->count; i++) {
        const struct mapping_row *row = &copy->rows[i];
        if (address - row->start >= row->limit - row->start)
            continue;
        if (!retired && !row->retired)
            return i;
        uint32_t until = row->retired ? row->retired : UINT32_MAX;
        if (retired && until >= retired && (best == MAPPING_NONE || until < best_retired)) {
            best = i;
            best_retired = until;
        }
    }
    return best;
}
