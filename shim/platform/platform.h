// The operating system, behind one interface: system calls that leave errno alone and need no libc, so that they may
// be used in a signal handler, in a vfork child and before constructors have run. Every #if about a system is here.
#pragma once

#if defined(__linux__)
#include "shim/platform/linux.h"
#else
#error "libinterrupt knows Linux only so far: add shim/platform/NAME.h with what linux.h has"
#endif
