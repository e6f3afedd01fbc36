# INTERRUPT_SANITIZE: what is built with the sanitizer, and how. Why it is so stands in scripts/sanitize.

set(sanitized "$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>>")
add_compile_options(
  "$<${sanitized}:-fsanitize=${INTERRUPT_SANITIZE};-fno-sanitize=vptr;-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
add_link_options("$<${sanitized}:-fsanitize=${INTERRUPT_SANITIZE}>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(static_address -static-libasan)
  set(static_thread -static-libtsan)
  set(static_undefined -static-libubsan)
  add_link_options("$<${sanitized}:${static_${INTERRUPT_SANITIZE}}>")
  add_compile_options(-Wno-maybe-uninitialized)  # GCC takes the checks' own branches for ways that lead there
  if(INTERRUPT_SANITIZE STREQUAL "thread")
    add_compile_options(-Wno-tsan)  # it says that fences are not seen: what is between them is atomic
  endif()
endif()

if(INTERRUPT_SANITIZE STREQUAL "undefined")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(INTERRUPT_SHIM_SANITIZE -fsanitize=undefined -fsanitize-undefined-trap-on-error -fno-sanitize=vptr)
  else()
    set(INTERRUPT_SHIM_SANITIZE -fsanitize=undefined -fsanitize-trap=all -fno-sanitize=vptr,function)
  endif()
endif()

# Enough to see where a report comes from, and quicker to build by half.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
