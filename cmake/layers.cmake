# One object library a layer, in the order in which they may include each other
# (tests/layers.sh holds the rule), and the artifacts made of them.
include(CheckLinkerFlag)

function(heaptap_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  add_library(heaptap_${name} OBJECT ${sources} ${ARGN})
endfunction()

heaptap_layer(base)
heaptap_layer(alloc)
heaptap_layer(proto ${PROTO_GEN}/profile.pb-c.c)
target_include_directories(heaptap_proto PRIVATE ${PROTO_GEN})
set_source_files_properties(${PROTO_GEN}/profile.pb-c.c PROPERTIES COMPILE_OPTIONS "-w")
heaptap_layer(profiler)
heaptap_layer(symbolizer)
target_include_directories(heaptap_symbolizer PRIVATE ${LIBDW_INCLUDE_DIRS})
heaptap_layer(diff)

# An exported name jumps to what it stands for, at -O1 too: the address that a free returns to is then the program's, which
# decides whether the scavenger's thread may be started there.
target_compile_options(heaptap_alloc PRIVATE -foptimize-sibling-calls)

# Thread state is reached by one instruction: the library is never loaded late. Frame pointers, so that a walk along
# them gets out of malloc; not in functions that call nothing, such as the fast paths, which no walk passes through.
foreach(layer base alloc proto profiler)
  target_compile_options(heaptap_${layer} PRIVATE
    -ftls-model=initial-exec -fno-omit-frame-pointer -momit-leaf-frame-pointer)
endforeach()

# Nor padding, which is a tenth of the code, but in the files of the fast paths.
set(NO_PADDING -falign-functions=1 -falign-jumps=1 -falign-loops=1 -falign-labels=1)
foreach(layer base alloc profiler)
  get_target_property(sources heaptap_${layer} SOURCES)
  list(FILTER sources EXCLUDE REGEX "/alloc/(override|cache)\\.c$|/profiler/unwinder_eh\\.c$")
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS ${NO_PADDING})
endforeach()

# Loops over every frame of a profile that is read.
set_property(SOURCE proto/varints.c proto/decode.c proto/resolve.c diff/view.c diff/noise.c APPEND PROPERTY COMPILE_OPTIONS -O3)

# What runs once, at start, for a profile, in the background or for a new address of a stack: small rather than fast
# (cmake/layout.ld says why small).
set_property(SOURCE
  base/background.c base/log.c base/options.c base/os_linux.c base/units.c
  alloc/arena_map.c alloc/caller.c alloc/guard.c alloc/later.c alloc/scavenger.c
  profiler/blackbox.c profiler/box_file.c profiler/ceiling_linux.c profiler/comments.c
  profiler/control.c profiler/control_server.c profiler/control_socket_linux.c
  profiler/dump.c profiler/dump_thread.c profiler/dump_trigger.c
  profiler/eh_frame.c profiler/import_table_linux.c profiler/loader_linux.c profiler/mapping.c
  profiler/memory_check.c profiler/unwind_expression.c profiler/unwind_program.c profiler/unwinder_libunwind_linux.c
  APPEND PROPERTY COMPILE_OPTIONS -Os)

set(PRELOAD_OBJECTS
  $<TARGET_OBJECTS:heaptap_base> $<TARGET_OBJECTS:heaptap_alloc>
  $<TARGET_OBJECTS:heaptap_proto> $<TARGET_OBJECTS:heaptap_profiler>)

add_library(heaptap SHARED ${PRELOAD_OBJECTS})
set_target_properties(heaptap PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_link_libraries(heaptap PRIVATE ${PROTOBUF_C_STATIC} ${ZLIB_STATIC} Threads::Threads)
target_link_options(heaptap PRIVATE
  -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro -Wl,--exclude-libs,ALL -Wl,--no-undefined -Wl,--as-needed -Wl,--gc-sections)

# One segment of 64 KiB windows instead of four of pages. A linker that cannot do it makes a larger library of the same.
set(LAYOUT_OPTIONS
  -Wl,-z,noseparate-code -Wl,-z,max-page-size=65536 -Wl,-T,${CMAKE_SOURCE_DIR}/cmake/layout.ld)
check_linker_flag(C "${LAYOUT_OPTIONS}" HEAPTAP_LAYOUT)
if(HEAPTAP_LAYOUT)
  target_link_options(heaptap PRIVATE ${LAYOUT_OPTIONS})
  set_target_properties(heaptap PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/layout.ld)
endif()

add_library(heaptap_archive STATIC ${PRELOAD_OBJECTS})
set_target_properties(heaptap_archive PROPERTIES OUTPUT_NAME heaptap)

# What reads profiles, as a library; neither contains the allocator or the profiler.
set(READER_OBJECTS
  $<TARGET_OBJECTS:heaptap_base> $<TARGET_OBJECTS:heaptap_proto>
  $<TARGET_OBJECTS:heaptap_symbolizer> $<TARGET_OBJECTS:heaptap_diff>)
set(READER_LIBRARIES ${PROTOBUF_C_STATIC} ${ZLIB_STATIC} ${DEFLATE_STATIC} ${IBERTY_STATIC} ${LIBDW_LIBRARIES} Threads::Threads m)
add_library(heapprofile SHARED ${READER_OBJECTS})
set_target_properties(heapprofile PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_link_libraries(heapprofile PRIVATE ${READER_LIBRARIES})
target_link_options(heapprofile PRIVATE -Wl,--exclude-libs,ALL -Wl,--no-undefined -Wl,--as-needed -Wl,--gc-sections)
add_library(heapprofile_archive STATIC ${READER_OBJECTS})
set_target_properties(heapprofile_archive PROPERTIES OUTPUT_NAME heapprofile)

# The command line tools.
file(GLOB CLI_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cli/*.c)
set(CLI_COMMON ${CLI_SOURCES})
list(FILTER CLI_COMMON EXCLUDE REGEX "/(heapdiff|heaptap)\\.c$")
add_library(heaptap_cli OBJECT ${CLI_COMMON})
set(CLI_OBJECTS ${READER_OBJECTS} $<TARGET_OBJECTS:heaptap_cli>)
foreach(tool heapdiff heaptap)
  add_executable(${tool}_tool cli/${tool}.c ${CLI_OBJECTS})
  set_target_properties(${tool}_tool PROPERTIES OUTPUT_NAME ${tool})
  target_link_libraries(${tool}_tool PRIVATE ${READER_LIBRARIES})
  target_link_options(${tool}_tool PRIVATE -Wl,--as-needed -Wl,--gc-sections)
endforeach()
