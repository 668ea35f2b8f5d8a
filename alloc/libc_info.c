/* The fields of mallinfo are glibc's, filled with the nearest of ours:
 *   arena = heap_sys less what is released, uordblks = bytes of live objects, fordblks = the rest of arena,
 *   ordblks = live objects, keepcost = idle bytes that malloc_trim would return. */
#include "alloc/libc_info.h"

#include <errno.h>
#include <limits.h>

#include "alloc/memstats.h"
#include "base/log.h"

struct mallinfo2 libc_info_mallinfo2(void) {
    struct heaptap_memstats stats;
    memstats_read_totals(&stats);
    struct mallinfo2 info = {0};
    info.arena = stats.heap_sys - stats.heap_released;
    info.ordblks = stats.heap_objects;
    info.uordblks = stats.heap_alloc;
    info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
    info.keepcost = stats.heap_idle - stats.heap_released;
    return info;
}

static int clamp(size_t value) { return value > INT_MAX ? INT_MAX : (int)value; }

struct mallinfo libc_info_mallinfo(void) {
    struct mallinfo2 wide = libc_info_mallinfo2();
    struct mallinfo info = {0};
    info.arena = clamp(wide.arena);
    info.ordblks = clamp(wide.ordblks);
    info.uordblks = clamp(wide.uordblks);
    info.fordblks = clamp(wide.fordblks);
    info.keepcost = clamp(wide.keepcost);
    return info;
}

void libc_info_print_stats(void) {
    struct heaptap_memstats stats;
    memstats_read_totals(&stats);
    log_line("in use %lu bytes in %lu objects; heap %lu bytes, idle %lu, released %lu; metadata %lu", stats.heap_alloc,
             stats.heap_objects, stats.heap_sys, stats.heap_idle, stats.heap_released, stats.sys - stats.heap_sys);
}

int libc_info_print_xml(int options, FILE *stream) {
    struct heaptap_memstats stats;
    if (options != 0)
        return EINVAL;
    memstats_read_totals(&stats);
    fprintf(stream, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    for (uint32_t i = 1; i < stats.size_class_count; i++) {
        const struct heaptap_memstats_class *c = &stats.by_size[i];
        if (c->mallocs)
            fprintf(stream, "  <size from=\"%u\" to=\"%u\" total=\"%zu\" count=\"%zu\"/>\n",
                    stats.by_size[i - 1].size + 1, c->size, (size_t)((c->mallocs - c->frees) * c->size),
                    (size_t)(c->mallocs - c->frees));
    }
    fprintf(stream,
            "</sizes>\n<system type=\"current\" size=\"%zu\"/>\n<aspace type=\"total\" size=\"%zu\"/>\n</heap>\n",
            (size_t)(stats.heap_sys - stats.heap_released), (size_t)stats.heap_sys);
    fprintf(stream, "<system type=\"current\" size=\"%zu\"/>\n</malloc>\n",
            (size_t)(stats.heap_sys - stats.heap_released));
    return 0;
}
