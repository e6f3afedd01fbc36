# libinterruptctl, shared and static: the part of control/ that needs neither the command line nor JSON, behind a C face.
set(core_sources
    chosen_threads.cpp
    fault_guard.cpp
    injections.cpp
    interruption.cpp
    interruption_round.cpp
    names.cpp
    no_table.cpp
    parallel.cpp
    plain_signal.cpp
    process.cpp
    procfs.cpp
    requester.cpp
    runtime_lock.cpp
    signal_name.cpp
    stop_signals.cpp
    table_file.cpp
    table_file_parts.cpp
    thread_list.cpp
    wait_blocked.cpp
    why_not.cpp)
add_library(interrupt_core OBJECT ${core_sources})
target_compile_features(interrupt_core PUBLIC cxx_std_20)
target_include_directories(interrupt_core PUBLIC ${PROJECT_SOURCE_DIR})
set_target_properties(interrupt_core PROPERTIES POSITION_INDEPENDENT_CODE ON)

foreach(kind SHARED STATIC)
  string(TOLOWER ${kind} name)
  if(INTERRUPT_SANITIZE AND kind STREQUAL "SHARED")
    add_library(interruptctl_${name} ${kind} library.cpp ${core_sources})  # shared libraries are left out, see scripts/sanitize
  else()
    add_library(interruptctl_${name} ${kind} library.cpp $<TARGET_OBJECTS:interrupt_core>)
  endif()
  target_include_directories(interruptctl_${name}
    PRIVATE ${PROJECT_SOURCE_DIR}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(interruptctl_${name} PRIVATE cxx_std_20)
  target_compile_definitions(interruptctl_${name} PRIVATE INTERRUPT_VERSION="${PROJECT_VERSION}")
  set_target_properties(interruptctl_${name} PROPERTIES
    OUTPUT_NAME interruptctl EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON VERSION ${PROJECT_VERSION} SOVERSION 0
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endforeach()
# The names of the C API alone; each a versioned one.
target_link_options(interruptctl_shared PRIVATE -Wl,-z,defs -Wl,-z,now
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/libinterruptctl.map)
set_target_properties(interruptctl_shared PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/libinterruptctl.map)
# A C program that links with it needs what C++ needs.
target_link_libraries(interruptctl_static INTERFACE stdc++ m)

include(CMakePackageConfigHelpers)
set(package_place ${CMAKE_INSTALL_LIBDIR}/cmake/interruptctl)
configure_package_config_file(interruptctlConfig.cmake.in interruptctlConfig.cmake INSTALL_DESTINATION ${package_place}
  PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(interruptctlConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(interruptctl.pc.in interruptctl.pc @ONLY)
install(TARGETS interruptctl_shared interruptctl_static EXPORT interruptctlTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT interruptctlTargets NAMESPACE interruptctl:: DESTINATION ${package_place})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/interruptctlConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/interruptctlConfigVersion.cmake
  DESTINATION ${package_place})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/interruptctl.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
