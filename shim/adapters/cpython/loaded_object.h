// The executable or shared library that an address lies in: what the loader says of its segments. No file is opened for
// it.
#pragma once

#include <link.h>

#include <cstddef>
#include <cstdint>

namespace interrupt::cpython {

class LoadedObject {
public:
    LoadedObject() = default;

    // The object that `address` lies in; an empty one if there is none.
    static LoadedObject containing(const void* address);

    // Whether it holds these bytes in a segment with all the rights of `flags` (PF_R, PF_W, PF_X). What the loader has
    // made read-only after relocation counts as not writable.
    bool holds(const void* address, size_t size, uint32_t flags) const;

private:
    uintptr_t base_ = 0;
    const ElfW(Phdr) * segments_ = nullptr;
    size_t count_ = 0;
};

}  // namespace interrupt::cpython
