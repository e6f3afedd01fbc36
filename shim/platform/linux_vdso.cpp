// The vDSO's clock_gettime, by the symbol table of the ELF image that the kernel maps into every process.
#include <elf.h>
#include <sys/auxv.h>

#include <cstring>

#include "shim/platform/platform.h"

namespace interrupt::os {

namespace {

int clock_by_syscall(clockid_t clock, struct timespec* time) {
    return static_cast<int>(raw_syscall(SYS_clock_gettime, clock, arg(time)));
}

void* vdso_symbol(const char* wanted) {
    const uintptr_t base = getauxval(AT_SYSINFO_EHDR);
    if (base == 0) {
        return nullptr;
    }
    const auto* header = reinterpret_cast<const Elf64_Ehdr*>(base);
    const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + header->e_phoff);
    const Elf64_Dyn* dynamic = nullptr;
    uintptr_t slide = base;
    bool loaded = false;
    for (int i = 0; i < header->e_phnum; ++i) {
        if (segments[i].p_type == PT_LOAD && !loaded) {
            slide = base + segments[i].p_offset - segments[i].p_vaddr;
            loaded = true;
        } else if (segments[i].p_type == PT_DYNAMIC) {
            dynamic = reinterpret_cast<const Elf64_Dyn*>(base + segments[i].p_offset);
        }
    }
    const Elf64_Sym* symbols = nullptr;
    const char* names = nullptr;
    const uint32_t* hash = nullptr;
    for (const Elf64_Dyn* entry = dynamic; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
        const uintptr_t address = slide + entry->d_un.d_ptr;
        if (entry->d_tag == DT_SYMTAB) {
            symbols = reinterpret_cast<const Elf64_Sym*>(address);
        } else if (entry->d_tag == DT_STRTAB) {
            names = reinterpret_cast<const char*>(address);
        } else if (entry->d_tag == DT_HASH) {
            hash = reinterpret_cast<const uint32_t*>(address);
        }
    }
    // Symbols lie before the string table in every vDSO; DT_HASH, which has their number, is gone from newer ones.
    if (symbols == nullptr || names == nullptr) {
        return nullptr;
    }
    const size_t count = hash != nullptr ? hash[1]
                                         : (reinterpret_cast<uintptr_t>(names) - reinterpret_cast<uintptr_t>(symbols)) /
                                               sizeof(Elf64_Sym);
    for (size_t i = 0; i < count; ++i) {
        if (symbols[i].st_shndx != SHN_UNDEF && std::strcmp(names + symbols[i].st_name, wanted) == 0) {
            return reinterpret_cast<void*>(slide + symbols[i].st_value);
        }
    }
    return nullptr;
}

}  // namespace

constinit ClockGettime vdso_clock_gettime = clock_by_syscall;
constinit uint64_t coarse_tick_ns = 10'000'000;

void find_vdso() {
    if (void* found = vdso_symbol("__vdso_clock_gettime")) {
        vdso_clock_gettime = reinterpret_cast<ClockGettime>(found);
    }
    struct timespec tick;
    if (raw_syscall(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, arg(&tick)) == 0) {
        coarse_tick_ns = nanoseconds(tick);
    }
}

}  // namespace interrupt::os
