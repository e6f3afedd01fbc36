#include "shim/adapters/cpython/loaded_object.h"

namespace interrupt::cpython {

LoadedObject LoadedObject::containing(const void* address) {
    struct Search {
        const void* address;
        LoadedObject found;
    } search{address, {}};
    const auto visit = [](dl_phdr_info* info, size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        LoadedObject object;
        object.base_ = info->dlpi_addr;
        object.segments_ = info->dlpi_phdr;
        object.count_ = info->dlpi_phnum;
        if (!object.holds(wanted.address, 1, 0)) {
            return 0;
        }
        wanted.found = object;
        return 1;
    };
    dl_iterate_phdr(visit, &search);
    return search.found;
}

bool LoadedObject::holds(const void* address, size_t size, uint32_t flags) const {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(address) - base_;
    bool held = false;
    for (size_t i = 0; i < count_; ++i) {
        const ElfW(Phdr)& segment = segments_[i];
        const bool inside =
            begin >= segment.p_vaddr && size <= segment.p_memsz && begin - segment.p_vaddr <= segment.p_memsz - size;
        if (segment.p_type == PT_LOAD && inside && (segment.p_flags & flags) == flags) {
            held = true;
        }
        const bool overlaps = begin < segment.p_vaddr + segment.p_memsz && segment.p_vaddr < begin + size;
        if (segment.p_type == PT_GNU_RELRO && overlaps && (flags & PF_W) != 0) {
            return false;
        }
    }
    return held;
}

}  // namespace interrupt::cpython
