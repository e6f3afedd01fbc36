// The executable or shared library that an address lies in: what the loader says of its segments, and its symbols. No
// file is opened for it.
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

    // The function or variable of that name that it defines; null if there is none. dlsym() looks at other objects,
    // too, and dladdr1() at all symbols, which the start of a Python would feel.
    const ElfW(Sym) * symbol(const char* name) const;

    void* address_of(const ElfW(Sym) * symbol) const { return reinterpret_cast<void*>(base_ + symbol->st_value); }

private:
    void read_dynamic_section(const ElfW(Dyn) * entry);

    uintptr_t base_ = 0;
    const uint32_t* hash_ = nullptr;  // DT_GNU_HASH
    const ElfW(Sym) * symbols_ = nullptr;
    const char* names_ = nullptr;
    const ElfW(Phdr) * segments_ = nullptr;
    size_t count_ = 0;
};

}  // namespace interrupt::cpython
