// The CPU, behind one interface: system calls without libc, the interrupted context, and unwinding. Every #if about a
// CPU is here.
#pragma once

#if defined(__x86_64__)
#include "shim/arch/x86_64.h"
#else
#error "libinterrupt knows x86-64 only so far: add shim/arch/NAME.h with what x86_64.h has"
#endif
