// What an ELF file says about itself, as far as the dynamic linker's interest goes. Every offset in the file is
// checked: it may be anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace interrupt::control {

struct ElfFile {
    bool native = false;      // this machine's processor, word size and byte order; the rest is read only if so
    std::string made_for;     // "aarch64, 64 bits"
    bool program = false;     // can be executed
    bool cut_short = false;   // something it promises lies beyond its end
    std::string interpreter;  // its dynamic linker; empty: static
    std::vector<std::string> needed;
    bool python = false;  // it is, or is linked with, CPython
};

// Nothing if the file is no ELF file.
std::optional<ElfFile> read_elf(int fd);

// Whether the code at this address, as the file counts them, lies in a function that one of its symbols names. The
// symbol before an address is not enough in a file that has but its exported ones left.
bool has_function_at(int fd, uint64_t address);

}  // namespace interrupt::control
