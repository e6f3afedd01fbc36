// `interruptctl run --on` with CPython programs, in a terminal.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "python_process.h"
#include "tests/support/terminal.h"

namespace cpython_test {
namespace {

using interrupt_tests::Terminal;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

enum class How { bare, under_shim, on };

class Signalled : public testing::TestWithParam<Interpreter> {
protected:
    std::vector<std::string> command(How how, const std::vector<std::string>& program, const std::string& rule) {
        std::vector<std::string> words;
        if (how != How::bare) {
            words = {INTERRUPTCTL_PATH, "run"};
        }
        if (how == How::on) {
            words.insert(words.end(), {"--on", rule});
        }
        words.push_back(GetParam().path);
        words.push_back(SOURCE_DIR "/tests/cpython/" + program[0]);
        words.insert(words.end(), program.begin() + 1, program.end());
        return words;
    }
    static interrupt_tests::Surroundings surroundings(const std::string& grace) {
        return {.environment = {{"INTERRUPT_GRACE", grace},
                                {"INTERRUPT_ON", ""},
                                {"LD_PRELOAD", ""},
                                {"PYTHONHOME", ""},
                                {"PYTHONPATH", ""},
                                {"PYTHON_COLORS", "0"},
                                {"PYTHONDONTWRITEBYTECODE", "1"}},
                .user = 0};
    }
    Terminal feature(How how, const std::string& name) {
        return Terminal(command(how, {"features/" + name + ".py"}, "SIGINT=all"), surroundings("30"));
    }
    Terminal program(How how, const std::string& name, const std::string& grace = "30",
                     const std::string& rule = "SIGINT=all") {
        return Terminal(command(how, {"on_signal.py", name}, rule), surroundings(grace));
    }
    void SetUp() override {
        const Finished told = run({GetParam().path, "-c", "import sys; print(sys.version_info[1])"});
        ASSERT_TRUE(told.ended_with(0)) << told.output;
        minor_ = std::stoi(told.output);
    }
    bool before(int minor) const { return minor_ < minor; }
    // What an uncaught KeyboardInterrupt comes to.
    bool ended_by_keyboard_interrupt(const Terminal& terminal) const {
        return before(8) ? WIFEXITED(terminal.status()) && WEXITSTATUS(terminal.status()) == 1
                         : killed_by(terminal, SIGINT);
    }
    static bool killed_by(const Terminal& terminal, int signal) {
        return WIFSIGNALED(terminal.status()) && WTERMSIG(terminal.status()) == signal;
    }
    static bool exited(const Terminal& terminal, int code) {
        return WIFEXITED(terminal.status()) && WEXITSTATUS(terminal.status()) == code;
    }
    static std::string all(const Terminal& terminal) {
        return "status " + std::to_string(terminal.status()) + "\n" + terminal.out() + "--- stderr\n" + terminal.err();
    }
    static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
    static std::multiset<std::string> lines(const std::string& text) {
        std::multiset<std::string> set;
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);) {
            set.insert(line);
        }
        return set;
    }
    void await_main(const Terminal& terminal, const char* call) {
        const std::string pid = std::to_string(terminal.pid());
        const Finished waited = run({INTERRUPTCTL_PATH, "wait", pid, pid, "--in", call, "--timeout", "30"});
        ASSERT_TRUE(waited.ended_with(0)) << waited.output;
    }
    // Until main waits for its threads in the interpreter's end.
    void await_shutdown(const Terminal& terminal) { await_main(terminal, before(13) ? "sem_wait" : "thread_join"); }
    void await_sleep(const Terminal& terminal) { await_main(terminal, before(11) ? "select" : "clock_nanosleep"); }

private:
    int minor_ = 0;  // of version 3
};

// The program's own way of stopping its thread works as ever. Where all threads are interrupted as well, its thread
// says on stderr what ended it.
TEST_P(Signalled, D1) {
    std::string out[3], err[3];
    for (const How how : {How::bare, How::under_shim, How::on}) {
        Terminal terminal = feature(how, "d1");
        ASSERT_TRUE(terminal.says("ready")) << all(terminal);
        terminal.interrupt();
        ASSERT_TRUE(terminal.ends()) << all(terminal);
        EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
        out[static_cast<int>(how)] = terminal.out();
        err[static_cast<int>(how)] = terminal.err();
    }
    EXPECT_EQ(out[1], out[0]);
    EXPECT_EQ(err[1], err[0]);
    EXPECT_EQ(lines(out[2]), lines(out[0]));
    EXPECT_TRUE(has(err[2], "ThreadInterrupted") && !has(err[2], "KeyboardInterrupt")) << err[2];
}

TEST_P(Signalled, D2) {
    Terminal bare = feature(How::bare, "d2");
    ASSERT_TRUE(bare.says("ready")) << all(bare);
    bare.interrupt();
    ASSERT_TRUE(bare.complains("KeyboardInterrupt")) << all(bare);
    EXPECT_FALSE(bare.ends(milliseconds(500))) << "the shim is not needed: " << all(bare);
    bare.interrupt();
    ASSERT_TRUE(bare.ends()) << all(bare);
    EXPECT_FALSE(has(bare.out(), "cleaned up")) << "the shim is not needed: " << all(bare);
    EXPECT_TRUE(ended_by_keyboard_interrupt(bare)) << all(bare);

    Terminal terminal = feature(How::on, "d2");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_EQ(terminal.out(), "worker: started\nready\nworker: cleaned up\n");
    EXPECT_TRUE(has(terminal.err(), "ThreadInterrupted") && has(terminal.err(), "KeyboardInterrupt"));
    EXPECT_EQ(terminal.status(), bare.status()) << all(terminal);
}

TEST_P(Signalled, D3) {
    Terminal bare = feature(How::bare, "d3");
    ASSERT_TRUE(bare.says("ready")) << all(bare);
    bare.interrupt();
    ASSERT_TRUE(bare.ends()) << all(bare);
    EXPECT_FALSE(has(bare.out(), "cleaned up")) << "the shim is not needed: " << all(bare);

    Terminal terminal = feature(How::on, "d3");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_EQ(terminal.out(), "worker: started\nready\nworker: cleaned up\n");
    EXPECT_EQ(terminal.status(), bare.status()) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

// Main prints its KeyboardInterrupt, the thread nothing, and nothing is said of the wait that was given up.
TEST_P(Signalled, EndsWhenTheGracePeriodIsOver) {
    Terminal terminal = program(How::on, "survivor", "0.7");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    const auto begin = steady_clock::now();
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_GE(steady_clock::now() - begin, milliseconds(700));
    EXPECT_TRUE(terminal.says("worker caught ThreadInterrupted", 2)) << all(terminal);
    EXPECT_TRUE(terminal.says("atexit")) << all(terminal);
    EXPECT_TRUE(has(terminal.err(), "KeyboardInterrupt") && !has(terminal.err(), "ThreadInterrupted")) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

TEST_P(Signalled, ASecondCtrlCEndsTheWait) {
    for (const char* name : {"survivor", "handled_at_its_end"}) {
        Terminal terminal = program(How::on, name, "1000");
        ASSERT_TRUE(terminal.says("ready")) << all(terminal);
        if (std::string(name) != "survivor") {
            await_shutdown(terminal);
        }
        terminal.interrupt();
        ASSERT_TRUE(terminal.says("worker caught ThreadInterrupted")) << all(terminal);
        await_shutdown(terminal);
        ASSERT_FALSE(terminal.ends(milliseconds(300))) << all(terminal);
        terminal.interrupt();
        ASSERT_TRUE(terminal.ends()) << all(terminal);
        EXPECT_TRUE(killed_by(terminal, SIGINT)) << all(terminal);
    }
}

TEST_P(Signalled, WhileMainOnlyWaitsForItsThread) {
    Terminal terminal = program(How::on, "main_at_its_end");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    await_shutdown(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(has(terminal.out(), "worker cleaned up")) << all(terminal);
    EXPECT_TRUE(has(terminal.err(), "KeyboardInterrupt")) << all(terminal);
    EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
}

TEST_P(Signalled, HandledWhileMainOnlyWaitsForItsThread) {
    Terminal terminal = program(How::on, "handled_at_its_end", "0.5");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    await_shutdown(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_EQ(lines(terminal.out()), lines("ready\nhandled\nworker caught ThreadInterrupted\n")) << all(terminal);
    EXPECT_EQ(terminal.err(), "");
    EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
}

TEST_P(Signalled, OtherThreadsAreWaitedForAsEver) {
    Terminal terminal = program(How::on, "undisturbed", "0.3", "SIGINT=vic*");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(has(terminal.out(), "other ended")) << all(terminal);
    EXPECT_TRUE(has(terminal.out(), "worker caught ThreadInterrupted")) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

TEST_P(Signalled, EachTimeWhereMainGoesOn) {
    Terminal terminal = program(How::on, "goes_on", "0.2");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    for (int times = 1; times <= 3; ++times) {
        await_sleep(terminal);
        terminal.interrupt();
        ASSERT_TRUE(terminal.says("main goes on", times)) << all(terminal);
        ASSERT_TRUE(terminal.says("worker caught ThreadInterrupted", times)) << all(terminal);
    }
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
    EXPECT_EQ(terminal.err(), "");
}

TEST_P(Signalled, ThreadsThatCompute) {
    Terminal terminal = program(How::on, "computing");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(has(terminal.out(), "worker cleaned up")) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

TEST_P(Signalled, RequestsTakeTheDefaultActionsPlaceOnce) {
    Terminal terminal = program(How::on, "asleep", "30", "SIGTERM=all");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    kill(terminal.pid(), SIGTERM);
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(has(terminal.out(), "worker cleaned up")) << all(terminal);
    EXPECT_TRUE(has(terminal.err(), "ThreadInterrupted")) << all(terminal);
    EXPECT_TRUE(exited(terminal, 1)) << all(terminal);

    Terminal again = program(How::on, "survivor", "1000", "SIGTERM=all");
    ASSERT_TRUE(again.says("ready")) << all(again);
    kill(again.pid(), SIGTERM);
    ASSERT_TRUE(again.says("worker caught ThreadInterrupted")) << all(again);
    kill(again.pid(), SIGTERM);
    ASSERT_TRUE(again.ends()) << all(again);
    EXPECT_TRUE(killed_by(again, SIGTERM)) << all(again);
}

TEST_P(Signalled, NoSignalNoRequest) {
    Terminal terminal = program(How::on, "simulated");
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_FALSE(has(terminal.out() + terminal.err(), "cleaned up")) << all(terminal);
    EXPECT_FALSE(has(terminal.err(), "ThreadInterrupted")) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

TEST_P(Signalled, ASignalThatAWorkerReceivesIsMainsToHandle) {
    for (const How how : {How::bare, How::on}) {
        Terminal terminal = program(how, "signal_to_worker", "1");
        ASSERT_TRUE(terminal.ends()) << all(terminal);
        EXPECT_EQ(terminal.out(), "main caught KeyboardInterrupt\nmain ends\n") << all(terminal);
        EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
    }
}

TEST_P(Signalled, AThreadPoolEndsAtOnce) {
    Terminal terminal = program(How::on, "pool", "1000");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_TRUE(ended_by_keyboard_interrupt(terminal)) << all(terminal);
}

TEST_P(Signalled, AForkedChildToo) {
    Terminal terminal = program(How::on, "forked");
    ASSERT_TRUE(terminal.says("ready")) << all(terminal);
    terminal.interrupt();
    ASSERT_TRUE(terminal.ends()) << all(terminal);
    EXPECT_EQ(lines(terminal.out()), lines("ready\nparent goes on\nworker cleaned up\n")) << all(terminal);
    EXPECT_TRUE(exited(terminal, 0)) << all(terminal);
}

INSTANTIATE_TEST_SUITE_P(Python, Signalled, testing::ValuesIn(find_interpreters()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cpython_test
