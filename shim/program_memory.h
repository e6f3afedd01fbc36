// Memory of the program's that a call names, and that may not be there: the kernel would say EFAULT. Each look is a
// system call, which a seccomp filter may not allow; under one the memory is used as it is.
#pragma once

#include "shim/platform/platform.h"
#include "shim/process.h"

namespace interrupt {

template <class T>
bool may_read(const T* from) {
    return !may_call_kernel() || os::is_readable(from, sizeof *from);
}

// False if it cannot be read.
template <class T>
bool load(const T* from, T& to) {
    if (!may_read(from)) {
        return false;
    }
    to = *from;
    return true;
}

// False if it cannot be written.
template <class T>
bool store(T* to, const T& value) {
    if (!may_call_kernel()) {
        *to = value;
        return true;
    }
    return os::write_if_writable(to, &value, sizeof value);
}

}  // namespace interrupt
