# What `cmake --install` puts where, and how other builds find it: pkg-config and find_package(heaptap).
include(CMakePackageConfigHelpers)
set(HEAPTAP_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/heaptap)

foreach(library heaptap heapprofile)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS ${library} EXPORT heaptap-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
install(TARGETS heaptap_archive heapprofile_archive ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS heaptap_tool heapdiff_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

file(GLOB HEADERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*.h)
install(FILES ${HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(RELATIVE_PATH HEAPTAP_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(library heaptap heapprofile)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/${library}.pc.in ${CMAKE_BINARY_DIR}/${library}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

write_basic_package_version_file(${CMAKE_BINARY_DIR}/heaptap-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT heaptap-targets NAMESPACE heaptap:: FILE heaptap-config.cmake DESTINATION ${HEAPTAP_CMAKE_DIR})
install(FILES ${CMAKE_BINARY_DIR}/heaptap-config-version.cmake DESTINATION ${HEAPTAP_CMAKE_DIR})
