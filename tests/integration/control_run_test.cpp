// interruptctl run and doctor PROGRAM: what is started, and what is refused before it is.

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

class Run : public testing::Test {
protected:
    // A file of that content, executable.
    std::string file(const std::string& name, const std::string& content, mode_t mode = 0755) {
        const std::string path = place_.path() + "/" + name;
        std::ofstream(path, std::ios::binary) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }
    // A copy of a real program with its headers changed.
    template <class Change>
    std::string changed_program(const std::string& name, Change change) {
        std::string bytes = contents("/bin/true");
        change(bytes);
        return file(name, bytes);
    }
    std::string static_program() {
        return changed_program("static", [](std::string& bytes) {
            Elf64_Ehdr header;
            std::memcpy(&header, bytes.data(), sizeof header);
            for (int i = 0; i < header.e_phnum; ++i) {
                const size_t at = header.e_phoff + static_cast<size_t>(i) * sizeof(Elf64_Phdr);
                Elf64_Phdr segment;
                std::memcpy(&segment, bytes.data() + at, sizeof segment);
                if (segment.p_type == PT_INTERP) {
                    segment.p_type = PT_NULL;
                    std::memcpy(bytes.data() + at, &segment, sizeof segment);
                }
            }
        });
    }
    void expect_refused(int status, const std::string& program, const std::string& words) {
        const Finished ran = interruptctl({"run", program});
        expect_status(status, ran);
        EXPECT_NE(ran.err.find(words), std::string::npos) << ran.err;
        EXPECT_TRUE(ran.out.empty());
        const Finished doctor = interruptctl({"doctor", program});
        EXPECT_EQ(doctor.exit_status, status) << doctor.out << doctor.err;
        EXPECT_NE((doctor.out + doctor.err).find(words), std::string::npos) << doctor.out << doctor.err;
    }

    TemporaryDirectory place_;
};

TEST_F(Run, StartsAProgramUnderTheShim) {
    Child child({INTERRUPTCTL_PATH, "run", TARGETS_DIR "/sleeper", "recv"});
    child.line_that_begins("ready");
    expect_status(0, interruptctl({"wait", std::to_string(child.pid()), "--in", "recv"}));
    child.finish();
}

TEST_F(Run, PassesArgumentsAndStatusOn) {
    EXPECT_EQ(interruptctl({"run", "sh", "-c", "exit 7"}).exit_status, 7);
    const Finished echoed = interruptctl({"run", "--", "sh", "-c", "echo \"$@\"", "x", "--json", "--", "-h", "a b"});
    EXPECT_EQ(echoed.out, "--json -- -h a b\n");
    EXPECT_EQ(interruptctl({"run", "sh", "-c", "kill -TERM $$"}).signal, SIGTERM);
}

TEST_F(Run, AddsToWhatIsPreloadedAlready) {
    const std::string ours = std::filesystem::canonical(LIBINTERRUPT_PATH);
    const auto preload = [&](const std::string& before) {
        const Finished done =
            interruptctl({"run", "sh", "-c", "echo $LD_PRELOAD"}, {.environment = {{"LD_PRELOAD", before}}, .user = 0});
        return done.out.substr(0, done.out.find('\n'));
    };
    EXPECT_EQ(preload(""), ours);
    EXPECT_EQ(preload("libm.so.6"), ours + ":libm.so.6");
    EXPECT_EQ(preload("libm.so.6 libdl.so.2"), ours + ":libm.so.6:libdl.so.2");
    EXPECT_EQ(preload(ours), ours);
}

TEST_F(Run, FollowsChildrenUnlessTold) {
    const std::vector<std::string> ask{"sh", "-c", "sh -c 'echo ${LD_PRELOAD:-nothing}'; :"};
    std::vector<std::string> follow{"run"}, no_follow{"run", "--no-follow", "--"};
    follow.insert(follow.end(), ask.begin(), ask.end());
    no_follow.insert(no_follow.end(), ask.begin(), ask.end());
    EXPECT_NE(interruptctl(follow).out.find("libinterrupt.so"), std::string::npos);
    EXPECT_EQ(interruptctl(no_follow).out, "nothing\n");
}

TEST_F(Run, FindsProgramsAsTheShellDoes) {
    file("chosen", "#!/bin/sh\necho first\n");
    ::mkdir((place_.path() + "/before").c_str(), 0755);
    file("before/chosen", "#!/bin/sh\necho not executable\n", 0644);
    const Finished done = interruptctl(
        {"run", "chosen"},
        {.environment = {{"PATH", place_.path() + "/before:/no/where:" + place_.path() + ":/bin"}}, .user = 0});
    EXPECT_EQ(done.out, "first\n") << done.err;
}

TEST_F(Run, RefusesWhatIsMissingOrNoProgram) {
    expect_refused(3, "no-such-program-anywhere", "PATH");
    expect_refused(3, place_.path() + "/missing", "does not exist");
    expect_refused(3, place_.path() + "/chosen/missing", "does not exist");
    expect_refused(6, place_.path(), "is a directory");
    expect_refused(6, file("plain", "#!/bin/sh\n", 0644), "may not be executed");
    expect_refused(4, file("empty", ""), "is empty");
    expect_refused(4, file("text", "echo hello\n"), "`#!` line");
    expect_refused(4, file("nameless", "#!\n"), "names no interpreter");
}

TEST_F(Run, RefusesStaticAndForeignPrograms) {
    expect_refused(4, static_program(), "statically linked");
    expect_refused(4,
                   changed_program("arm",
                                   [](std::string& bytes) {
                                       bytes[18] =
                                           static_cast<char>(EM_AARCH64 ^ (bytes[18] == static_cast<char>(EM_AARCH64)));
                                   }),
                   "another machine");
    expect_refused(4, changed_program("narrow", [](std::string& bytes) { bytes[EI_CLASS] = ELFCLASS32; }),
                   "another machine");
    expect_refused(4, changed_program("swapped", [](std::string& bytes) { bytes[EI_DATA] = ELFDATA2MSB; }),
                   "another machine");
    expect_refused(4,
                   changed_program("musl",
                                   [](std::string& bytes) {
                                       const size_t at = bytes.find("/ld-linux");
                                       ASSERT_NE(at, std::string::npos);
                                       bytes.replace(at, 9, "/ld-muslx");
                                   }),
                   "another C library");
    expect_refused(4, file("relocatable", contents("/bin/true").substr(0, 100)), "cut short");
}

TEST_F(Run, RefusesProgramsWithPrivileges) {
    expect_refused(4, file("setuid", contents("/bin/true"), 04755), "setuid");
    expect_refused(4, file("setgid", contents("/bin/true"), 02755), "setgid");

    const std::string capable = file("capable", contents("/bin/true"));
    // VFS_CAP_REVISION_2, permitted: CAP_NET_BIND_SERVICE
    const unsigned char capability[20] = {0, 0, 0, 2, 0, 4};
    if (::setxattr(capable.c_str(), "security.capability", capability, sizeof capability, 0) != 0) {
        GTEST_SKIP() << "file capabilities cannot be set here: " << std::strerror(errno);
    }
    expect_refused(4, capable, "file capabilities");
}

TEST_F(Run, FollowsTheChainOfInterpreters) {
    const std::string bad = static_program();
    expect_refused(4, file("direct", "#!" + bad + "\n"), "statically linked");
    expect_refused(4, file("spaced", "#! \t" + bad + " -x y\n"), "statically linked");
    expect_refused(4, file("second", "#!" + place_.path() + "/direct\n"), "statically linked");
    expect_refused(4, file("by-env", "#!/usr/bin/env " + bad + "\n"), "statically linked");
    expect_refused(4, file("by-env-split", "#!/usr/bin/env -S A=b " + bad + " -x\n"), "statically linked");
    expect_refused(3, file("orphan", "#!/no/such/interpreter\n"), "does not exist");
    expect_refused(3, file("env-orphan", "#!/usr/bin/env no-such-interpreter-anywhere\n"), "PATH");
    expect_refused(4, file("loop", "#!" + place_.path() + "/loop\n"), "too long a chain");
    EXPECT_EQ(interruptctl({"run", file("good", "#!/usr/bin/env sh\necho ran\n")}).out, "ran\n");
}

TEST_F(Run, RefusesALibraryThatCannotBeNamed) {
    const std::string odd = place_.path() + "/with space";
    ::mkdir(odd.c_str(), 0755);
    std::filesystem::copy_file(INTERRUPTCTL_PATH, odd + "/interruptctl");
    const Finished missing = run({odd + "/interruptctl", "run", "true"});
    expect_status(3, missing);
    std::filesystem::copy_file(LIBINTERRUPT_PATH, odd + "/libinterrupt.so");
    const Finished unnameable = run({odd + "/interruptctl", "run", "true"});
    expect_status(4, unnameable);
    EXPECT_NE(unnameable.err.find("space or a colon"), std::string::npos) << unnameable.err;
}

TEST_F(Run, HandsRulesForSignalsOn) {
    const Finished done = interruptctl({"run", "--on", "SIGINT=all", "--no-follow", "--on=TERM=worker-[0-9]*", "--on",
                                        "SIGRTMIN+1=a\\,b", "--", "sh", "-c", "echo \"$INTERRUPT_ON\""});
    EXPECT_EQ(done.out, "SIGINT=all,TERM=worker-[0-9]*,SIGRTMIN+1=a\\,b\n") << done.err;
    EXPECT_EQ(interruptctl({"run", "sh", "-c", "echo --on $1", "x", "--on"}).out, "--on --on\n");
}

TEST_F(Run, RefusesRulesThatTheShimWouldNotObey) {
    const std::vector<std::pair<std::string, const char*>> bad = {
        {"SIGINT", "SIGNAL=WHOM"},
        {"SIGINT=", "SIGNAL=WHOM"},
        {"=all", "no signal of that name"},
        {"SIGTREM=all", "Did you mean `SIGTERM`?"},
        {"sigint=all", "no signal of that name"},
        {"2=all", "no signal of that name"},
        {"SIGRTMIN+31=all", "no signal of that name"},
        {"SIGKILL=all", "no program can do anything"},
        {"SIGSTOP=all", "no program can do anything"},
        {"SIGSEGV=all", "the program itself has failed"},
        {"SIGURG=all", "the nudge's"},
        {"SIGINT=all,SIGTERM=all", "may be repeated"},
        {"SIGINT=all,", "may be repeated"},
        {"SIGINT=" + std::string(600, 'x'), "longer than 511 bytes"},
    };
    for (const auto& [rule, words] : bad) {
        const Finished ran = interruptctl({"run", "--on", rule, "sh", "-c", "echo started"});
        expect_status(2, ran);
        EXPECT_NE(ran.err.find(words), std::string::npos) << ran.err;
        EXPECT_TRUE(ran.out.empty()) << ran.out;
    }
    std::vector<std::string> many{"run"};
    for (int i = 0; i < 17; ++i) {
        many.insert(many.end(), {"--on", "SIGINT=all"});
    }
    many.emplace_back("true");
    expect_status(2, interruptctl(many));
    expect_status(2, interruptctl({"run", "--on", "SIGWINCH=all", "true"},
                                  {.environment = {{"INTERRUPT_SIGNAL", "WINCH"}}, .user = 0}));
    for (const auto& [variable, value] : std::vector<std::pair<std::string, std::string>>{
             {"INTERRUPT_GRACE", "soon"}, {"INTERRUPT_GRACE", "-1"}, {"INTERRUPT_ON", "SIGINT=all,SIGFOO=all"}}) {
        const Finished ran = interruptctl({"run", "true"}, {.environment = {{variable, value}}, .user = 0});
        expect_status(2, ran);
        EXPECT_NE(ran.err.find(variable), std::string::npos) << ran.err;
    }
}

TEST_F(Run, DoctorSaysWhichSettingIsIgnored) {
    Child child(
        {TARGETS_DIR "/sleeper", "recv"},
        {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}, {"INTERRUPT_ON", "SIGINT=all,SIGFOO=all"}}, .user = 0});
    child.line_that_begins("ready");
    const Finished doctor = interruptctl({"doctor", std::to_string(child.pid())});
    expect_status(0, doctor);
    EXPECT_NE(doctor.out.find("INTERRUPT_ON is ignored, for `SIGFOO=all`: there is no signal of that name"),
              std::string::npos)
        << doctor.out;
    child.finish();
}

TEST_F(Run, DoctorKnowsPython) {
    const Finished python = interruptctl({"doctor", "/usr/bin/python3", "--json"});
    expect_status(0, python);
    EXPECT_EQ(nlohmann::json::parse(python.out).at("facts").at("python"), true);
    const Finished other = interruptctl({"doctor", "true", "--json"});
    expect_status(0, other);
    EXPECT_EQ(nlohmann::json::parse(other.out).at("facts").at("python"), false);
}

}  // namespace
}  // namespace interrupt_tests
