# Libraries from the distribution. What enters libheaptap.so is linked statically
# with hidden symbols, so that `ldd` on it shows the C library alone.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA cmocka)
pkg_check_modules(LIBDW REQUIRED libdw libelf)
find_library(ZLIB_STATIC libz.a REQUIRED)
find_library(DEFLATE_STATIC libdeflate.a REQUIRED)
find_library(PROTOBUF_C_STATIC libprotobuf-c.a REQUIRED)
find_library(IBERTY_STATIC libiberty.a PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)

# A header alone, of inline assembly that does nothing outside of valgrind. Without it the library cannot tell valgrind
# of its blocks.
include(CheckIncludeFile)
check_include_file(valgrind/memcheck.h HEAPTAP_HAVE_VALGRIND_H)
if(HEAPTAP_HAVE_VALGRIND_H)
  add_compile_definitions(HEAPTAP_VALGRIND=1)
else()
  add_compile_definitions(HEAPTAP_VALGRIND=0)
endif()

set(PROTO_GEN ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${PROTO_GEN})
add_custom_command(
  OUTPUT ${PROTO_GEN}/profile.pb-c.c ${PROTO_GEN}/profile.pb-c.h
  COMMAND ${PROTOC_C} --c_out=${PROTO_GEN} --proto_path=${CMAKE_SOURCE_DIR}/proto profile.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/proto/profile.proto
  COMMENT "profile.proto -> profile.pb-c.[ch]")
