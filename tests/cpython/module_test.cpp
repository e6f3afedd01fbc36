// The module libinterrupt: what its functions do under the shim (module.py), and the package as pip installs it, in
// programs that run without the shim as well (module_without_shim.py).
#include <gtest/gtest.h>

#include "python_process.h"
#include "tests/support/child_process.h"

namespace cpython_test {
namespace {

constexpr const char package[] = SOURCE_DIR "/control/python";

class Module : public testing::TestWithParam<Interpreter> {
protected:
    static void passes(const Finished& finished) {
        EXPECT_TRUE(finished.ended_with(0)) << finished.output;
        EXPECT_EQ(finished.output, "");
    }
    static Finished without_shim(const std::string& name, const std::string& preload = "") {
        return run({GetParam().path, SOURCE_DIR "/tests/cpython/module_without_shim.py", name}, preload);
    }
};

TEST_P(Module, SaysThatTheShimIsNotLoaded) {
    passes(without_shim("says_that_the_shim_is_not_loaded"));
}

TEST_P(Module, SaysThatTheShimServesNobody) {
    setenv("INTERRUPT_DISABLE", "1", 1);
    passes(without_shim("says_that_the_shim_serves_nobody", LIBINTERRUPT_PATH));
    unsetenv("INTERRUPT_DISABLE");
}

TEST_P(Module, LeavesAProgramWithoutTheShimAsItIs) {
    passes(without_shim("leaves_a_program_as_it_is"));
}

TEST_P(Module, ImportsNothingElse) {
    passes(without_shim("imports_nothing_else"));
}

TEST_P(Module, AgreesWithItsStub) {
    passes(without_shim("agrees_with_its_stub"));
}

TEST_P(Module, IsFoundWhenItWasInstalledToBeEdited) {
    passes(without_shim("is_found_when_it_was_installed_to_be_edited"));
}

TEST_P(Module, HasTheProjectsVersion) {
    EXPECT_EQ(without_shim("version").output, INTERRUPT_VERSION "\n");
}

// Offline, whatever pip and setuptools there are or are not.
TEST_P(Module, IsInstalledByPip) {
    const std::string& python = GetParam().path;
    if (!run({python, "-c", "import pip"}).ended_with(0)) {
        GTEST_SKIP() << python << " has no pip";
    }
    const interrupt_tests::TemporaryDirectory directory;
    const std::string target = directory.path() + "/installed";
    const Finished installed = run({python, "-m", "pip", "--disable-pip-version-check", "install", "--no-index",
                                    "--no-cache-dir", "--no-compile", "--target", target, package},
                                   "", 200);
    ASSERT_TRUE(installed.ended_with(0)) << installed.output;
    const Finished imported =
        run({python, "-c",
             "import os, sys; sys.path.insert(0, sys.argv[1]); import libinterrupt; "
             "print(libinterrupt.__version__, sorted(os.listdir(os.path.dirname(libinterrupt.__file__))))",
             target});
    EXPECT_EQ(imported.output, INTERRUPT_VERSION " ['__init__.py', '__init__.pyi', 'py.typed']\n");
    for (const char* const left_behind : {"build", "libinterrupt.egg-info", "dist"}) {
        EXPECT_NE(access((std::string(package) + '/' + left_behind).c_str(), F_OK), 0) << left_behind;
    }
}

// The lines of a block of README.md that begins with `first`, without their indentation.
std::vector<std::string> readme_block(const std::string& first) {
    std::ifstream readme(SOURCE_DIR "/README.md");
    std::vector<std::string> block;
    for (std::string line; std::getline(readme, line);) {
        if (!block.empty() && !line.empty() && line.rfind("    ", 0) != 0) {
            break;
        }
        if (!block.empty() || line == "    " + first) {
            block.push_back(line.empty() ? line : line.substr(4));
        }
    }
    return block;
}

TEST_P(Module, ExampleDoesWhatItSays) {
    const interrupt_tests::TemporaryDirectory directory;
    const std::string program = directory.path() + "/example.py";
    std::string expected;
    {
        std::ofstream file(program);
        bool in_program = true;
        for (const std::string& line : readme_block("import queue")) {
            if (line.rfind("$ interruptctl run python3 example.py", 0) == 0) {
                in_program = false;
            } else if (in_program) {
                file << line << '\n';
            } else if (!line.empty()) {
                expected += line + '\n';
            }
        }
    }
    ASSERT_NE(expected, "");
    const Finished finished = run({GetParam().path, program}, LIBINTERRUPT_PATH);
    EXPECT_TRUE(finished.ended_with(0));
    EXPECT_EQ(finished.output, expected);
}

INSTANTIATE_TEST_SUITE_P(Python, Module, testing::ValuesIn(find_interpreters()),
                         [](const auto& info) { return info.param.name; });

TEST(ModuleStub, SatisfiesMypy) {
    const std::string mypy = "/usr/bin/mypy";
    if (access(mypy.c_str(), X_OK) != 0) {
        GTEST_SKIP() << "there is no " << mypy;
    }
    const Finished checked = run({mypy, "--strict", "--cache-dir=/dev/null", std::string(package) + "/libinterrupt"});
    EXPECT_TRUE(checked.ended_with(0)) << checked.output;
}

}  // namespace
}  // namespace cpython_test
