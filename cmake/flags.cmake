# Flags that every target of the project is built with.
add_compile_options(
  -fvisibility=hidden
  -fno-strict-aliasing
  -ffunction-sections -fdata-sections # the library keeps only what it calls
  -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
add_compile_definitions(_GNU_SOURCE HEAPTAP_VERSION="${PROJECT_VERSION}")
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)

if(HEAPTAP_DEBUG)
  add_compile_definitions(HEAPTAP_DEBUG=1)
else()
  add_compile_definitions(HEAPTAP_DEBUG=0)
endif()
if(HEAPTAP_SANITIZE)
  add_compile_options(-fsanitize=${HEAPTAP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HEAPTAP_SANITIZE})
  # gcc warns that the thread sanitizer does not model fences.
  if(HEAPTAP_SANITIZE STREQUAL thread AND CMAKE_C_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(HEAPTAP_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
