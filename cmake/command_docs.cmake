# Man pages and completions of the two programs, printed by a tool that is linked with their option tables.
set(HEAPTAP_DATE 2026-11-22) # of the man pages

file(GLOB COMMAND_DOCS_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/command_*.c)
foreach(name heapdiff_options heaptap_options help opts spelling term columns)
  list(APPEND COMMAND_DOCS_SOURCES ${CMAKE_SOURCE_DIR}/cli/${name}.c)
endforeach()
add_executable(command_docs ${COMMAND_DOCS_SOURCES} $<TARGET_OBJECTS:heaptap_base>)
target_compile_definitions(command_docs PRIVATE HEAPTAP_DATE="${HEAPTAP_DATE}")
target_link_libraries(command_docs PRIVATE Threads::Threads)

set(COMMAND_DOCS)
function(heaptap_command_document kind program file template)
  set(output ${CMAKE_BINARY_DIR}/${file})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man ${CMAKE_BINARY_DIR}/completions
    COMMAND command_docs ${kind} ${program} ${template} > ${output}
    DEPENDS command_docs ${template} COMMENT "${file}" VERBATIM)
  set(COMMAND_DOCS ${COMMAND_DOCS} ${output} PARENT_SCOPE)
endfunction()

foreach(program heapdiff heaptap)
  heaptap_command_document(man ${program} man/${program}.1 "")
  heaptap_command_document(bash ${program} completions/${program}.bash ${CMAKE_SOURCE_DIR}/tools/completion.bash.in)
  heaptap_command_document(zsh ${program} completions/_${program} ${CMAKE_SOURCE_DIR}/tools/completion.zsh.in)
  heaptap_command_document(fish ${program} completions/${program}.fish ${CMAKE_SOURCE_DIR}/tools/completion.fish.in)

  install(FILES ${CMAKE_BINARY_DIR}/man/${program}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${CMAKE_BINARY_DIR}/completions/${program}.bash RENAME ${program}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${CMAKE_BINARY_DIR}/completions/_${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${CMAKE_BINARY_DIR}/completions/${program}.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
add_custom_target(command_documents ALL DEPENDS ${COMMAND_DOCS})
