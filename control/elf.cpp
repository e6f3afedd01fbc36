#include "control/elf.h"

#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <string_view>

#include "control/descriptor.h"
#include "control/failure.h"

namespace interrupt::control {
namespace {

constexpr size_t most_headers = 1024;
constexpr size_t most_bytes = 16 << 20;

constexpr unsigned char native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char native_data = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
// The machine that this very program is made for.
int native_machine() {
    const Descriptor self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    Elf64_Ehdr header = {};
    return ::pread(self.get(), &header, sizeof header, 0) == sizeof header ? header.e_machine : EM_NONE;
}

template <class Type>
bool read_at(int fd, uint64_t offset, Type* values, size_t count = 1) {
    const size_t size = count * sizeof(Type);
    return offset <= INT64_MAX - size &&
           ::pread(fd, values, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// A part of the file, or nothing if it does not lie in it. Asked first: nothing is allocated for what is not there.
template <class Values>
std::optional<Values> read_values(int fd, uint64_t offset, uint64_t size) {
    struct stat file;
    if (size > most_bytes || ::fstat(fd, &file) != 0 || static_cast<uint64_t>(file.st_size) < size) {
        return std::nullopt;
    }
    Values values;
    values.resize(size / sizeof(typename Values::value_type));
    return read_at(fd, offset, values.data(), values.size()) ? std::optional(std::move(values)) : std::nullopt;
}

std::string machine_name(int machine) {
    switch (machine) {
        case EM_386:
            return "i386";
        case EM_X86_64:
            return "x86-64";
        case EM_ARM:
            return "arm";
        case EM_AARCH64:
            return "aarch64";
        case EM_PPC64:
            return "ppc64";
        case EM_S390:
            return "s390";
        case EM_RISCV:
            return "riscv";
        case EM_MIPS:
            return "mips";
        default:
            return text("machine ", machine);
    }
}

std::string c_string(const std::string& bytes, uint64_t offset) {
    return offset < bytes.size() ? std::string(bytes.c_str() + offset) : std::string();
}

// The libraries that it is linked with, and whether Python is among them or in it.
void read_dynamic(int fd, const std::vector<ElfW(Phdr)>& headers, const ElfW(Phdr) & dynamic, ElfFile& file) {
    const auto entries = read_values<std::vector<ElfW(Dyn)>>(fd, dynamic.p_offset, dynamic.p_filesz);
    if (!entries) {
        file.cut_short = true;
        return;
    }
    uint64_t strings_address = 0;
    uint64_t strings_size = 0;
    for (const auto& entry : *entries) {
        if (entry.d_tag == DT_NULL) {
            break;
        }
        strings_address = entry.d_tag == DT_STRTAB ? entry.d_un.d_ptr : strings_address;
        strings_size = entry.d_tag == DT_STRSZ ? entry.d_un.d_val : strings_size;
    }
    std::optional<std::string> strings;
    for (const auto& header : headers) {
        if (header.p_type == PT_LOAD && strings_address >= header.p_vaddr &&
            strings_address - header.p_vaddr < header.p_filesz) {
            strings = read_values<std::string>(fd, header.p_offset + (strings_address - header.p_vaddr), strings_size);
        }
    }
    if (!strings) {
        file.cut_short = true;
        return;
    }
    for (const auto& entry : *entries) {
        if (entry.d_tag == DT_NULL) {
            break;
        }
        if (entry.d_tag == DT_NEEDED) {
            file.needed.push_back(c_string(*strings, entry.d_un.d_val));
            file.python = file.python || file.needed.back().starts_with("libpython");
        }
    }
    using namespace std::string_literals;
    for (const std::string& entry_point :
         {"\0Py_BytesMain\0"s, "\0Py_Main\0"s, "\0Py_InitializeEx\0"s, "\0Py_Initialize\0"s}) {
        file.python = file.python || strings->find(entry_point) != std::string::npos;
    }
}

}  // namespace

std::optional<ElfFile> read_elf(int fd) {
    unsigned char identity[EI_NIDENT];
    if (!read_at(fd, 0, identity, EI_NIDENT) || std::memcmp(identity, ELFMAG, SELFMAG) != 0) {
        return std::nullopt;
    }
    ElfFile file;
    ElfW(Ehdr) header;
    if (!read_at(fd, 0, &header)) {
        file.cut_short = true;
        return file;
    }
    // Type and machine stand at the same place in both word sizes.
    const bool swapped = identity[EI_DATA] != native_data;
    const int machine = swapped ? __builtin_bswap16(header.e_machine) : header.e_machine;
    file.made_for = text(machine_name(machine), identity[EI_CLASS] == ELFCLASS64 ? ", 64 bits" : ", 32 bits");
    file.native = identity[EI_CLASS] == native_class && !swapped && machine == native_machine();
    if (!file.native) {
        return file;
    }
    file.program = header.e_type == ET_EXEC || header.e_type == ET_DYN;
    std::vector<ElfW(Phdr)> headers(header.e_phnum);
    if (header.e_phnum > most_headers || header.e_phentsize != sizeof(ElfW(Phdr)) ||
        !read_at(fd, header.e_phoff, headers.data(), headers.size())) {
        file.cut_short = true;
        return file;
    }
    for (const auto& segment : headers) {
        if (segment.p_type == PT_INTERP) {
            const auto path = read_values<std::string>(fd, segment.p_offset, segment.p_filesz);
            file.cut_short = file.cut_short || !path;
            file.interpreter = path ? path->c_str() : "";
        } else if (segment.p_type == PT_DYNAMIC) {
            read_dynamic(fd, headers, segment, file);
        }
    }
    return file;
}

bool has_function_at(int fd, uint64_t address) {
    const auto elf = read_elf(fd);
    ElfW(Ehdr) header;
    if (!elf || !elf->native || !read_at(fd, 0, &header) || header.e_shentsize != sizeof(ElfW(Shdr))) {
        return false;
    }
    const auto sections = read_values<std::vector<ElfW(Shdr)>>(fd, header.e_shoff, header.e_shnum * sizeof(ElfW(Shdr)));
    for (const auto& section : sections.value_or(std::vector<ElfW(Shdr)>())) {
        if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) {
            continue;
        }
        const auto symbols = read_values<std::vector<ElfW(Sym)>>(fd, section.sh_offset, section.sh_size);
        for (const auto& symbol : symbols.value_or(std::vector<ElfW(Sym)>())) {
            const int type = ELF64_ST_TYPE(symbol.st_info);
            if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF &&
                address >= symbol.st_value && address - symbol.st_value < symbol.st_size) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace interrupt::control
