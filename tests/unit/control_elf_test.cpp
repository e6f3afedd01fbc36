#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include "control/descriptor.h"
#include "control/elf.h"

namespace interrupt::control {
namespace {

std::string bytes_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return std::move(all).str();
}

std::optional<ElfFile> read(const std::string& bytes) {
    std::FILE* file = std::tmpfile();
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fflush(file);
    const auto elf = read_elf(fileno(file));
    std::fclose(file);
    return elf;
}

TEST(Elf, ARealProgramIsUnderstood) {
    const auto elf = read(bytes_of("/bin/true"));
    ASSERT_TRUE(elf);
    EXPECT_TRUE(elf->native);
    EXPECT_TRUE(elf->program);
    EXPECT_FALSE(elf->cut_short);
    EXPECT_NE(elf->interpreter.find("/ld-linux"), std::string::npos);
    EXPECT_NE(std::find(elf->needed.begin(), elf->needed.end(), "libc.so.6"), elf->needed.end());
    EXPECT_FALSE(elf->python);
}

TEST(Elf, PythonIsKnown) {
    const auto elf = read(bytes_of("/usr/bin/python3"));
    ASSERT_TRUE(elf);
    EXPECT_TRUE(elf->python);
}

TEST(Elf, OtherMachinesAreNamed) {
    std::string bytes = bytes_of("/bin/true");
    bytes[18] = static_cast<char>(EM_RISCV);
    EXPECT_FALSE(read(bytes)->native);
    EXPECT_EQ(read(bytes)->made_for, "riscv, 64 bits");
    // Byte order swapped: the number is read the other way round.
    bytes[EI_DATA] = ELFDATA2MSB;
    bytes[EI_CLASS] = ELFCLASS32;
    bytes[18] = 0;
    bytes[19] = EM_PPC;
    EXPECT_FALSE(read(bytes)->native);
    EXPECT_EQ(read(bytes)->made_for, "machine 20, 32 bits");
}

TEST(Elf, OtherFilesAreNone) {
    EXPECT_FALSE(read(""));
    EXPECT_FALSE(read("#!/bin/sh\n"));
    EXPECT_FALSE(read("\177ELF"));
    EXPECT_FALSE(read(std::string(4096, '\0')));
}

TEST(Elf, CutShortAnywhereIsNoCrashAndNoPromise) {
    const std::string whole = bytes_of("/bin/true");
    for (size_t length = 0; length < whole.size(); length += length < 1024 ? 1 : 509) {
        const auto elf = read(whole.substr(0, length));
        EXPECT_EQ(elf.has_value(), length >= EI_NIDENT) << length;
        if (elf && length < sizeof(Elf64_Ehdr)) {
            EXPECT_TRUE(elf->cut_short) << length;
        }
    }
}

TEST(Elf, AFunctionReachesAsFarAsItsSymbolSays) {
    Dl_info library;
    ElfW(Sym)* symbol = nullptr;
    ASSERT_NE(
        ::dladdr1(reinterpret_cast<void*>(&::getenv), &library, reinterpret_cast<void**>(&symbol), RTLD_DL_SYMENT), 0);
    ASSERT_NE(symbol, nullptr);
    const Descriptor file(::open(library.dli_fname, O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(has_function_at(file.get(), symbol->st_value));
    EXPECT_TRUE(has_function_at(file.get(), symbol->st_value + symbol->st_size - 1));
    // The first of its pages has headers and no code, and whatever lies beyond all symbols has none of them before it.
    EXPECT_FALSE(has_function_at(file.get(), 1));
    EXPECT_FALSE(has_function_at(file.get(), uint64_t{1} << 60));
    EXPECT_FALSE(has_function_at(-1, symbol->st_value));
}

TEST(Elf, NoiseInTheHeadersIsNoCrash) {
    const std::string whole = bytes_of("/bin/true");
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = whole;
        for (int i = 0; i < 4; ++i) {
            bytes[EI_NIDENT + random() % 1000] = static_cast<char>(random());
        }
        EXPECT_TRUE(read(bytes));
    }
}

}  // namespace
}  // namespace interrupt::control
