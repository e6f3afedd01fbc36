// The order of the house: who may include whom, where the platform is spoken of, how long a file may be, and what the
// library needs.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct File {
    std::string path;  // from the root of the project
    std::vector<std::string> lines;
    bool in(const std::string& folder) const { return path.starts_with(folder); }
};

std::vector<File> files_of(const std::vector<std::string>& folders) {
    std::vector<File> files;
    for (const std::string& folder : folders) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / folder)) {
            const std::string extension = entry.path().extension();
            if (extension != ".h" && extension != ".cpp" && extension != ".def") {
                continue;
            }
            File file{fs::relative(entry.path(), SOURCE_DIR), {}};
            std::ifstream stream(entry.path());
            for (std::string line; std::getline(stream, line);) {
                file.lines.push_back(line);
            }
            files.push_back(file);
        }
    }
    EXPECT_GT(files.size(), 10u);
    return files;
}

// Every #include "..." with its file.
void each_include(const std::vector<File>& files, const std::function<void(const File&, const std::string&)>& visit) {
    static const std::regex include("^\\s*#\\s*include\\s+\"([^\"]+)\"");
    for (const File& file : files) {
        for (const std::string& line : file.lines) {
            std::smatch match;
            if (std::regex_search(line, match, include)) {
                visit(file, match[1]);
            }
        }
    }
}

TEST(House, ShimSeesOfControlTheSharedHeadersAlone) {
    const std::set<std::string> shared = {
        "control/injection_rules.h",  "control/injection_table.h",  "control/name_pattern.h",
        "control/request_protocol.h", "control/run_file.h",         "control/signal_rules.h",
        "control/table_layout.h",     "control/thread_table_abi.h", "interrupt/interrupt.h"};
    each_include(files_of({"shim"}), [&](const File& file, const std::string& name) {
        EXPECT_TRUE(name.starts_with("shim/") || shared.count(name) != 0) << file.path << " includes " << name;
        EXPECT_TRUE(fs::exists(fs::path(SOURCE_DIR) / name) ||
                    fs::exists(fs::path(SOURCE_DIR) / "control/include" / name))
            << file.path << " includes " << name << ", which is not a path from the root";
    });
}

TEST(House, ControlSeesOfTheShimTheListAlone) {
    each_include(files_of({"control"}), [](const File& file, const std::string& name) {
        if (name.find("shim/") != std::string::npos) {
            // names.cpp tells somebody who names a variant which call it is.
            EXPECT_TRUE(file.path == "control/thread_table_abi.h" || file.path == "control/names.cpp") << file.path;
            EXPECT_TRUE(name.ends_with("shim/interposers.def")) << file.path << " includes " << name;
        }
    });
}

TEST(House, NothingSeesTests) {
    each_include(files_of({"shim", "control"}), [](const File& file, const std::string& name) {
        EXPECT_EQ(name.find("tests/"), std::string::npos) << file.path << " includes " << name;
    });
}

TEST(House, AdaptersAreKnownToTheSearchAlone) {
    each_include(files_of({"shim"}), [](const File& file, const std::string& name) {
        if (name.starts_with("shim/adapters/")) {
            EXPECT_TRUE(file.in("shim/adapters/") || file.path == "shim/adapter_search.cpp")
                << file.path << " includes " << name;
        }
    });
    for (const File& file : files_of({"shim"})) {
        for (const std::string& line : file.lines) {
            if (!file.in("shim/adapters/")) {
                EXPECT_FALSE(std::regex_search(line, std::regex("\\bPy[A-Z][A-Za-z]*_|\\b_?Py_")))
                    << file.path << ": " << line;
            }
        }
    }
}

// An operating system, a C library or a CPU, by the macros that tell them apart, or by asking whether they have
// something.
TEST(House, ThePlatformIsSpokenOfInItsPlaceAlone) {
    const std::regex condition(
        "^\\s*#\\s*(if|ifdef|ifndef|elif)\\b.*"
        "(__linux|linux__|__GLIBC|__GNU_LIBRARY__|__APPLE__|__MACH__|_WIN32|__FreeBSD|__OpenBSD|__NetBSD|__ANDROID__|"
        "__x86_64|__amd64|__i386|__aarch64|__arm|__riscv|__powerpc|__s390|"
        "\\b(MADV|MAP|SYS|__NR|MEMBARRIER|FUTEX|RLIMIT|SIGEV|SI|SA|PR|SECCOMP|O|CLONE)_[A-Z])");
    for (const File& file : files_of({"shim", "control"})) {
        for (const std::string& line : file.lines) {
            if (!file.in("shim/platform/") && !file.in("shim/arch/")) {
                EXPECT_FALSE(std::regex_search(line, condition)) << file.path << ": " << line;
            }
        }
    }
}

TEST(House, NoFileIsTwo) {
    for (const File& file : files_of({"shim", "control"})) {
        EXPECT_LE(file.lines.size(), 400u) << file.path;
    }
}

std::string output_of(const std::string& command) {
    std::string output;
    std::FILE* pipe = popen(command.c_str(), "r");
    for (int c; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) {
        output += static_cast<char>(c);
    }
    EXPECT_EQ(pipe == nullptr ? -1 : pclose(pipe), 0) << command;
    return output;
}

TEST(House, TheLibraryNeedsLibcAlone) {
    const std::string dynamic = output_of("readelf -dW '" LIBINTERRUPT_PATH "'");
    const std::regex needed("\\(NEEDED\\)[^\\[]*\\[([^\\]]+)\\]");
    std::vector<std::string> names;
    for (std::sregex_iterator match(dynamic.begin(), dynamic.end(), needed), end; match != end; ++match) {
        names.push_back((*match)[1]);
    }
    EXPECT_EQ(names, std::vector<std::string>{"libc.so.6"}) << dynamic;
}

// The C API and the names of libc's that it stands in for: nothing else may meet a program's own names.
TEST(House, TheLibraryDefinesNoNamesOfItsOwnButTheApi) {
    const std::string symbols = output_of("readelf -W --dyn-syms '" LIBINTERRUPT_PATH "'");
    const std::regex defined("(GLOBAL|WEAK)\\s+DEFAULT\\s+\\d+\\s+(\\S+)");
    int count = 0;
    for (std::sregex_iterator match(symbols.begin(), symbols.end(), defined), end; match != end; ++match) {
        const std::string name = (*match)[2];
        ++count;
        EXPECT_EQ(name.find("_ZN"), std::string::npos) << name;
        if (name.find("interrupt") != std::string::npos && name != "siginterrupt") {
            EXPECT_TRUE(name.starts_with("interrupt_")) << name;
        }
    }
    EXPECT_GT(count, 50);
}

}  // namespace
