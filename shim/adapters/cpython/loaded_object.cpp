#include "shim/adapters/cpython/loaded_object.h"

#include <cstring>

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
    LoadedObject& found = search.found;
    for (size_t i = 0; i < found.count_; ++i) {
        if (found.segments_[i].p_type == PT_DYNAMIC) {
            found.read_dynamic_section(reinterpret_cast<const ElfW(Dyn)*>(found.base_ + found.segments_[i].p_vaddr));
        }
    }
    return found;
}

void LoadedObject::read_dynamic_section(const ElfW(Dyn) * entry) {
    const auto table = [&] {  // glibc has relocated it, other loaders leave it as it is in the file
        const uintptr_t value = entry->d_un.d_ptr;
        return reinterpret_cast<const void*>(value < base_ ? base_ + value : value);
    };
    for (; entry->d_tag != DT_NULL; ++entry) {
        if (entry->d_tag == DT_GNU_HASH) {
            hash_ = static_cast<const uint32_t*>(table());
        } else if (entry->d_tag == DT_SYMTAB) {
            symbols_ = static_cast<const ElfW(Sym)*>(table());
        } else if (entry->d_tag == DT_STRTAB) {
            names_ = static_cast<const char*>(table());
        }
    }
}

// DT_GNU_HASH: the number of buckets, the first symbol that is in them, the number of words of the filter and its
// shift; the filter, the buckets, and the hash values, of which the last of a bucket has bit 0 set.
const ElfW(Sym) * LoadedObject::symbol(const char* name) const {
    if (hash_ == nullptr || symbols_ == nullptr || names_ == nullptr) {
        return nullptr;
    }
    uint32_t wanted = 5381;
    for (const char* c = name; *c != 0; ++c) {
        wanted = wanted * 33 + static_cast<unsigned char>(*c);
    }
    const uint32_t bucket_count = hash_[0];
    const uint32_t first = hash_[1];
    const uint32_t* const buckets = hash_ + 4 + hash_[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t* const values = buckets + bucket_count;
    uint32_t i = bucket_count != 0 ? buckets[wanted % bucket_count] : 0;
    if (i < first) {
        return nullptr;
    }
    for (;; ++i) {
        const uint32_t value = values[i - first];
        const ElfW(Sym)& symbol = symbols_[i];
        if ((value | 1) == (wanted | 1) && symbol.st_shndx != SHN_UNDEF && strcmp(names_ + symbol.st_name, name) == 0) {
            return &symbol;
        }
        if ((value & 1) != 0) {
            return nullptr;
        }
    }
}

bool LoadedObject::holds(const void* address, size_t size, uint32_t flags) const {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(address) - base_;
    bool held = false;
    for (size_t i = 0; i < count_; ++i) {
        const ElfW(Phdr)& segment = segments_[i];
        if (segment.p_type == PT_LOAD && (segment.p_flags & flags) == flags) {
            held |= begin >= segment.p_vaddr && size <= segment.p_memsz &&
                    begin - segment.p_vaddr <= segment.p_memsz - size;
        } else if (segment.p_type == PT_GNU_RELRO && (flags & PF_W) != 0 && begin < segment.p_vaddr + segment.p_memsz &&
                   segment.p_vaddr < begin + size) {
            return false;
        }
    }
    return held;
}

}  // namespace interrupt::cpython
