// What the shells complete, and that the manual has what --help has.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

std::set<std::string> lines_of(const std::string& text) {
    std::set<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.insert(line);
    }
    return lines;
}

// In place of bash's command line: what it sets for the function, and what that has found.
std::set<std::string> bash_completes(const std::string& line) {
    const Finished done = run({"bash", "-c",
                               "PATH=" + std::filesystem::path(INTERRUPTCTL_PATH).parent_path().string() +
                                   ":$PATH\n"
                                   ". " SOURCE_DIR "/control/completion/interruptctl.bash\n"
                                   "compopt() { :; }\n"
                                   "complete -p interruptctl | grep -q -e '-F _interruptctl' || exit 1\n"
                                   "COMP_LINE=$1 COMP_POINT=${#1}\n"
                                   "_interruptctl\n"
                                   "printf '%s\\n' \"${COMPREPLY[@]}\"",
                               "bash", line});
    EXPECT_EQ(done.exit_status, 0) << done.err;
    return lines_of(done.out);
}

using Words = std::set<std::string>;

TEST(Completion, InBashKnowsCommandsAndOptions) {
    const Words commands = bash_completes("interruptctl ");
    EXPECT_TRUE(commands.count("interrupt") && commands.count("watch") && commands.count("--help"));
    EXPECT_FALSE(commands.count("__complete"));
    EXPECT_EQ(bash_completes("interruptctl thr"), Words{"threads"});
    EXPECT_EQ(bash_completes("interruptctl wait 1 --f"), Words{"--fd"});
    EXPECT_EQ(bash_completes("interruptctl wait 1 --fd 3 --f"), Words{""});
}

TEST(Completion, InBashKnowsCallsAndOutcomes) {
    EXPECT_EQ(bash_completes("interruptctl wait 1 --in recvm"), (Words{"recvmsg", "recvmmsg"}));
    EXPECT_EQ(bash_completes("interruptctl wait 1 --in read,acc"), (Words{"read,accept", "read,accept4"}));
    EXPECT_EQ(bash_completes("interruptctl wait 1 --in=paus"), Words{"pause"});
    EXPECT_EQ(bash_completes("interruptctl interrupt 1 --as ti"), Words{"timeout"});
    EXPECT_EQ(bash_completes("interruptctl interrupt 1 --as errno:ECONNRE"), (Words{"ECONNREFUSED", "ECONNRESET"}));
    EXPECT_EQ(bash_completes("interruptctl storm 1 --as eof,time"), Words{"eof,timeout"});
    EXPECT_EQ(bash_completes("interruptctl run --on SIGTERM=m"), Words{"main"});
}

TEST(Completion, InBashKnowsProcessesAndThreads) {
    Sleeper sleeper({"recv"});
    EXPECT_TRUE(bash_completes("interruptctl threads ").count(sleeper.pid()));
    EXPECT_EQ(bash_completes("interruptctl interrupt " + sleeper.pid() + " "),
              (Words{sleeper.pid(), sleeper.tid("recv")}));
    EXPECT_EQ(bash_completes("interruptctl interrupt --in recv " + sleeper.pid() + " " + sleeper.pid() + " "),
              (Words{sleeper.pid(), sleeper.tid("recv")}));
    EXPECT_EQ(bash_completes("interruptctl clear 999999999 "), Words{""});
}

// zsh's own completion, with what it would offer written down instead.
TEST(Completion, InZshOffersTheSame) {
    if (run({"sh", "-c", "command -v zsh"}).exit_status != 0) {
        GTEST_SKIP() << "there is no zsh";
    }
    const auto completes = [](const std::string& words) {
        const Finished done = run({"zsh", "-f", "-c",
                                   "compadd() { print -rl -- ${(P)@[-1]} }\n"
                                   "_default() { print -r -- DEFAULT }\n"
                                   "words=(" +
                                       std::string(INTERRUPTCTL_PATH) + " " + words +
                                       ") CURRENT=$#words\n"
                                       ". " SOURCE_DIR "/control/completion/_interruptctl"});
        EXPECT_EQ(done.exit_status, 0) << done.err;
        EXPECT_EQ(done.err, "");
        Words found = lines_of(done.out);
        found.erase("");
        return found;
    };
    EXPECT_EQ(completes("thr"), Words{"threads"});
    EXPECT_EQ(completes("wait 1 --in recvm"), (Words{"recvmsg", "recvmmsg"}));
    EXPECT_EQ(completes("interrupt 1 --as e"), (Words{"eof", "errno:", "exception:"}));
    EXPECT_EQ(completes("run ''"), Words{"DEFAULT"});
}

std::set<std::string> commands() {
    const std::string help = interruptctl({"--help"}).out;
    std::set<std::string> names;
    const std::regex command("\n  ([a-z]+) +[A-Z]");
    for (std::sregex_iterator match(help.begin(), help.end(), command), end; match != end; ++match) {
        names.insert((*match)[1]);
    }
    return names;
}

std::set<std::string> all_matches(const std::string& text, const std::string& pattern) {
    std::set<std::string> found;
    const std::regex expression(pattern);
    for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match) {
        found.insert((*match)[1]);
    }
    return found;
}

TEST(Manual, HasAPageForEachCommandWithItsOptions) {
    ASSERT_GT(commands().size(), 8u);
    const std::string overview = contents(SOURCE_DIR "/control/man/interruptctl.1");
    for (const std::string& command : commands()) {
        std::string page = contents(SOURCE_DIR "/control/man/interruptctl-" + command + ".1");
        EXPECT_FALSE(page.empty()) << command;
        EXPECT_NE(overview.find(".BR interruptctl\\-" + command + " (1)"), std::string::npos) << command;
        page = std::regex_replace(page, std::regex("\\\\-"), "-");
        page = std::regex_replace(page, std::regex("\\\\f[BIR]"), "");
        std::set<std::string> options =
            all_matches(interruptctl({command, "--help"}).out, "\n  (?:-.,)?(--[a-z][a-z-]*)");
        options.erase("--help");
        EXPECT_EQ(all_matches(page, "\n\\.TP\n(?:\\.B )?(--[a-z][a-z-]*)"), options) << command;
        for (const std::string& option : options) {
            EXPECT_NE(page.substr(0, page.find(".SH DESCRIPTION")).find(option), std::string::npos)
                << option << " is not in the synopsis of " << command;
        }
    }
}

TEST(Manual, IsWellFormed) {
    if (run({"sh", "-c", "command -v groff"}).exit_status != 0) {
        GTEST_SKIP() << "there is no groff";
    }
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/control/man")) {
        const Finished done = run({"groff", "-man", "-Tutf8", "-ww", "-z", entry.path()});
        EXPECT_EQ(done.exit_status, 0) << entry.path();
        EXPECT_EQ(done.err, "") << entry.path();
    }
}

TEST(Colours, AreForTerminalsAlone) {
    Sleeper sleeper({"futex"});
    EXPECT_EQ(interruptctl({"threads", sleeper.pid()}).out.find('\x1b'), std::string::npos);
    // script(1) gives the command a terminal.
    const auto on_terminal = [&](const std::string& setting) {
        return run({"script", "-qec", setting + " " INTERRUPTCTL_PATH " threads " + sleeper.pid(), "/dev/null"}).out;
    };
    EXPECT_NE(on_terminal("TERM=xterm").find("\x1b[36m"), std::string::npos) << "outside is blue-green";
    EXPECT_EQ(on_terminal("TERM=xterm NO_COLOR=1").find('\x1b'), std::string::npos);
    EXPECT_EQ(on_terminal("TERM=dumb").find('\x1b'), std::string::npos);
}

TEST(Suggestions, AreMadeForOptions) {
    const Finished done = interruptctl({"interrupt", "1", "--timout", "3"});
    expect_status(2, done);
    EXPECT_NE(done.err.find("Did you mean `--timeout`?"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace interrupt_tests
