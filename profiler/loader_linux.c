/* Two ways to an object without the loader's lock:
 *   - glibc 2.35 and later: _dl_find_object, wait-free. Its answer leads to the ELF header, which is at the
 * start of the first segment, and from there to the program headers.
 *   - before: a copy of the list of objects, made at safe times (start, dump, dlclose). What was loaded since
 * is not found, and stacks through it end there.
 *
 * Locks: none of ours; loader_visit_objects takes the loader's. Allocation: os_alloc for the copy. */
#include "profiler/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/check.h"
#include "profiler/table_memory.h"

#if defined(DLFO_STRUCT_HAS_EH_DBASE)
typedef int (*find_object_function)(void *address, struct dl_find_object *result);
static find_object_function find_object;

/* The link maps of what is never unloaded. */
enum { PERMANENT = 24 };
static const void *permanent[PERMANENT];
static int permanent_count;
#endif

static int (*real_iterate)(loader_visit visit, void *data);
static int (*real_close)(void *handle);
static void (*unload_before)(void);
static void (*unload_after)(void);

/* Calls of dlclose that go on: all threads', and this thread's. */
static _Atomic uint32_t unloads;
static _Thread_local uint32_t own_unloads;

static _Thread_local bool must_not_wait;
static _Thread_local uint64_t answers;

/* For C libraries without _dl_find_object. Copies are published whole; an old one is kept, since an unwinder
 * may be reading it. */
struct object_list {
    uint64_t adds, subs; /* the loader's counts when the copy was made */
    size_t count, capacity;
    struct dl_phdr_info objects[];
};

static struct object_list *_Atomic object_list;

#if defined(DLFO_STRUCT_HAS_EH_DBASE)
static void add_permanent(const void *inside) {
    struct dl_find_object found;
    if (permanent_count < PERMANENT && inside && find_object((void *)(uintptr_t)inside, &found) == 0)
        permanent[permanent_count++] = found.dlfo_link_map;
}

static void find_permanent(void) {
    add_permanent((void *)getauxval(AT_PHDR));
    add_permanent((void *)(uintptr_t)getppid);
    add_permanent((void *)(uintptr_t)find_object);
    add_permanent((void *)(uintptr_t)loader_start);
}
#endif

/* A constructor that ran before ours may have made the C library load a character set, which it unloads by itself. */
static int add_startup_object(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    if (!strstr(info->dlpi_name, "/gconv/"))
        add_permanent(info->dlpi_phdr);
#endif
    return 0;
}

void loader_note_startup(void) {
    if (loader_has_lookup())
        real_iterate(add_startup_object, NULL);
}

void loader_start(void) {
    if (!real_iterate)
        *(void **)&real_iterate = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    if (!real_close)
        *(void **)&real_close = dlsym(RTLD_NEXT, "dlclose");
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    if (!find_object) {
        *(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
        if (find_object)
            find_permanent();
    }
#endif
}

void loader_must_not_wait(bool on) { must_not_wait = on; }

uint64_t loader_answers(void) { return answers; }

void loader_on_unload(void (*before)(void), void (*after)(void)) {
    unload_before = before;
    unload_after = after;
}

static bool headers_of(const void *start, struct dl_phdr_info *info) {
    const ElfW(Ehdr) *header = start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    info->dlpi_phdr = (const ElfW(Phdr) *)(const void *)((const char *)start + header->e_phoff);
    info->dlpi_phnum = header->e_phnum;
    return true;
}

static bool holds(const struct dl_phdr_info *object, uintptr_t address) {
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && address - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

static bool find_in_list(uintptr_t address, struct dl_phdr_info *info) {
    const struct object_list *list = atomic_load_acquire(&object_list);
    for (size_t i = 0; list && i < list->count; i++) {
        if (holds(&list->objects[i], address)) {
            *info = list->objects[i];
            return true;
        }
    }
    return false;
}

bool loader_find_object(uintptr_t address, struct dl_phdr_info *info) {
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    struct dl_find_object found;
    if (find_object) {
        if (find_object((void *)address, &found) != 0)
            return false;
        memset(info, 0, sizeof *info);
        info->dlpi_addr = found.dlfo_link_map->l_addr;
        info->dlpi_name = found.dlfo_link_map->l_name;
        return headers_of(found.dlfo_map_start, info) && holds(info, address);
    }
#endif
    return find_in_list(address, info);
}

static int copy_object(struct dl_phdr_info *info, size_t size, void *data) {
    struct object_list *list = data;
    if (size < sizeof *info || list->count == list->capacity)
        return 1;
    list->adds = info->dlpi_adds;
    list->subs = info->dlpi_subs;
    list->objects[list->count++] = *info;
    return 0;
}

static int count_objects(struct dl_phdr_info *info, size_t size, void *data) {
    struct object_list *list = data;
    list->count++;
    if (size >= sizeof *info) {
        list->adds = info->dlpi_adds;
        list->subs = info->dlpi_subs;
    }
    return 0;
}

/* Where the loader has no lock-free lookup: copies its list anew when it has changed. */
static void refresh_list(void) {
    struct object_list now = {0};
    const struct object_list *old = atomic_load_acquire(&object_list);
    real_iterate(count_objects, &now);
    if (old && old->adds == now.adds && old->subs == now.subs)
        return;
    size_t capacity = now.count + 16;
    struct object_list *list = table_memory_alloc(sizeof *list + capacity * sizeof *list->objects);
    if (!list)
        return;
    list->capacity = capacity;
    real_iterate(copy_object, list);
    atomic_store_release(&object_list, list);
}

bool loader_has_lookup(void) {
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    return find_object != NULL;
#else
    return false;
#endif
}

bool loader_identify(uintptr_t address, struct loader_identity *object) {
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    struct dl_find_object found;
    if (!find_object || find_object((void *)address, &found) != 0)
        return false;
    object->start = (uintptr_t)found.dlfo_map_start;
    object->limit = (uintptr_t)found.dlfo_map_end;
    object->link_map = (uintptr_t)found.dlfo_link_map;
    object->tables = (uintptr_t)found.dlfo_eh_frame;
    object->is_permanent = false;
    for (int i = 0; i < permanent_count; i++)
        object->is_permanent |= found.dlfo_link_map == permanent[i];
    return true;
#else
    (void)address, (void)object;
    return false;
#endif
}

bool loader_origin(const struct dl_phdr_info *info, char *path) {
    static int (*tell)(void *handle, int request, void *out);
    struct loader_identity object = {.link_map = 0};
    for (size_t i = 0; i < info->dlpi_phnum && !object.link_map; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            loader_identify(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, &object);
    }
    if (!tell)
        *(void **)&tell = dlsym(RTLD_DEFAULT, "dlinfo");
    return tell && object.link_map && tell((void *)object.link_map, RTLD_DI_ORIGIN, path) == 0;
}

int loader_visit_objects(loader_visit visit, void *data) {
    loader_start();
    if (!loader_has_lookup())
        refresh_list();
    return real_iterate(visit, data);
}

/* The first object tells it; one is enough. */
static int read_unload_count(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    *(uint64_t *)data = info->dlpi_subs;
    return 1;
}

uint64_t loader_unload_count(void) {
    uint64_t count = 0;
    loader_visit_objects(read_unload_count, &count);
    return count;
}

int loader_answer(loader_visit visit, void *data) {
    struct dl_phdr_info info;
    uintptr_t address;
    memcpy(&address, data, sizeof address);
    if (loader_find_object(address, &info)) {
        answers++;
        return visit(&info, sizeof info, data);
    }
    return must_not_wait ? 0 : loader_visit_objects(visit, data);
}

bool loader_is_unloading_elsewhere(void) { return atomic_load_acquire(&unloads) > own_unloads; }

/* The other threads are not there. */
void loader_fork_child(void) { atomic_store_relaxed(&unloads, own_unloads); }

int loader_close(void *handle) {
    loader_start();
    if (unload_before)
        unload_before();
    own_unloads++;
    atomic_add_acq_rel(&unloads, 1);
    int result = real_close(handle);
    if (unload_after)
        unload_after();
    atomic_sub_acq_rel(&unloads, 1);
    own_unloads--;
    return result;
}
