#!/bin/sh
# The library exports the whole malloc family or it makes two heaps of one: every name of the C library's, its
# __libc_ aliases, and operator new and delete in all their forms; besides them only heaptap_*, and what it is
# known to interpose.
set -eu
library=$HEAPTAP_BUILD/libheaptap.so
exported=$(nm -D --defined-only "$library" | awk '$2 ~ /^[TWi]$/ { sub(/@.*/, "", $3); print $3 }' | sort -u)
failed=0

wanted="malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc pvalloc
malloc_usable_size cfree mallinfo mallinfo2 mallopt malloc_trim malloc_stats malloc_info free_sized free_aligned_sized
__libc_malloc __libc_calloc __libc_realloc __libc_free __libc_memalign __libc_valloc __libc_pvalloc
__libc_mallinfo __libc_mallopt __libc_reallocarray
_Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t
_ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t
_ZdlPv _ZdaPv _ZdlPvm _ZdaPvm _ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t
_ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t
heaptap_mem_profile_rate heaptap_set_mem_profile_rate heaptap_write_profile heaptap_dump heaptap_read_memstats
heaptap_free_os_memory heaptap_set_memory_limit heaptap_thread_counters heaptap_label_set heaptap_work_add heaptap_version"
for name in $wanted; do
    echo "$exported" | grep -qxF -- "$name" || { echo "not exported: $name"; failed=1; }
done
for name in $exported; do
    echo "$wanted dlclose" | tr ' ' '\n' | grep -qxF -- "$name" ||
        { echo "exported, and nobody knows why: $name"; failed=1; }
done
exit $failed
