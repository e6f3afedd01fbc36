// Bytes as a file that can be opened by its path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "control/descriptor.h"

namespace interrupt_fuzz {

class MemoryFile {
public:
    MemoryFile(const uint8_t* bytes, size_t size) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        if (!file_ || ::write(file_.get(), bytes, size) != static_cast<ssize_t>(size)) {
            std::abort();
        }
    }
    int get() const { return file_.get(); }
    std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

private:
    interrupt::control::Descriptor file_;
};

}  // namespace interrupt_fuzz
