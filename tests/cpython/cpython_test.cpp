// The CPython adapter in every CPython of this machine. Each case is one run of an interpreter; what it does stands in
// the script of that name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <tuple>

#include "tests/cpython/embed.h"
#include "tests/cpython/python_process.h"

namespace cpython_test {

namespace {

using Parameters = std::tuple<const char*, Interpreter>;

std::string test_name(const testing::TestParamInfo<Parameters>& info) {
    return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name;
}

class Script : public testing::TestWithParam<Parameters> {
protected:
    void run_case(const char* script, bool under_shim = true, int seconds = 100) {
        const auto& [name, interpreter] = GetParam();
        const Finished finished = run_script(interpreter, script, name, under_shim, seconds);
        if (finished.ended_with(77)) {
            GTEST_SKIP() << finished.output;
        }
        EXPECT_TRUE(finished.in_time) << "it was still running";
        EXPECT_TRUE(finished.ended_with(0)) << "status " << finished.status;
        // Such as CPython's perror("sem_wait") and warnings; a script prints its requests, and why it failed.
        EXPECT_EQ(finished.output.find("sem_wait:"), std::string::npos) << "noise on stderr";
        if (HasFailure()) {
            ADD_FAILURE() << interpreter.path << ' ' << script << ' ' << name << ":\n" << finished.output;
        }
    }
};

// --- waits_*.py

constexpr const char* waits[] = {
    "sleep",
    "lock_acquire",
    "lock_acquire_timeout",
    "lock_with",
    "rlock_acquire",
    "rlock_acquire_timeout",
    "rlock_with",
    "condition_wait",
    "condition_wait_timeout",
    "condition_of_plain_lock",
    "event_wait",
    "event_wait_timeout",
    "semaphore_acquire",
    "barrier_wait",
    "queue_get",
    "queue_get_timeout",
    "queue_put",
    "queue_join",
    "simple_queue_get",
    "simple_queue_get_timeout",
    "thread_join",
    "thread_join_timeout",
    "future_result",
    "future_result_timeout",
    "process_lock_acquire",
    "process_lock_acquire_timeout",
    "process_lock_with",
    "process_semaphore_acquire",
    "recv",
    "recv_into",
    "recvfrom",
    "recvfrom_into",
    "recvmsg",
    "recvmsg_into",
    "recv_timeout",
    "recv_with_timeout_gets_data",
    "send",
    "sendall",
    "sendmsg",
    "sendto",
    "send_timeout",
    "accept",
    "accept_timeout",
    "connect",
    "connect_ex",
    "connect_timeout",
    "connect_ex_timeout",
    "select_select",
    "select_select_timeout",
    "select_poll",
    "select_poll_timeout",
    "select_epoll",
    "select_epoll_timeout",
    "os_read",
    "os_readv",
    "os_write",
    "os_writev",
    "os_open",
    "open_fifo",
    "fileio_read",
    "fileio_readinto",
    "fileio_readall",
    "fileio_write",
    "buffered_readline",
    "text_readline",
    "buffered_flush",
    "socket_makefile_readline",
    "connection_recv",
    "popen_wait",
    "os_waitpid",
    "os_wait",
    "os_wait3",
    "os_wait4",
    "os_waitid",
    "sigwait",
    "sigwaitinfo",
    "sigtimedwait",
    "pause",
    "os_preadv",
    "os_pwritev",
    "os_sendfile",
    "os_splice",
    "os_eventfd_read",
    "os_eventfd_write",
    "fcntl_flock",
    "fcntl_lockf",
    "fcntl_fcntl",
    "os_lockf",
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_ex",
    "gethostbyaddr",
    "getnameinfo",
    "ssl_read",
    "ssl_read_with_timeout",
    "ssl_read_timeout",
    "ssl_read_of_a_file",
    "ssl_write",
    "ssl_write_with_timeout",
    "ssl_handshake",
    "ssl_handshake_with_timeout",
    "ssl_shutdown",
    "ssl_shutdown_with_timeout",
    "sqlite_connection_execute",
    "sqlite_connection_executemany",
    "sqlite_connection_executescript",
    "sqlite_execute",
    "sqlite_executemany",
    "sqlite_executescript",
    "sqlite_commit",
    "sqlite_exit",
    "sqlite_blobopen",
    "sqlite_backup",
    "sqlite_backup_with_progress",
    "input_at_terminal",
    "input_with_readline",
    "input_with_readline_half_typed",
    "getpass_at_terminal",
    "stdin_readline",
    "input_from_a_pipe",
    "connection_poll",
    "process_queue_get",
    "process_queue_put",
    "process_join",
    "pool_apply_get",
    "pool_map",
    "pool_join",
    "communicate",
    "check_output",
    "futures_wait",
    "futures_as_completed",
    "executor_map",
    "executor_shutdown",
    "timer_join",
    "serve_forever",
    "http_serve_forever",
    "http_getresponse",
    "urlopen",
    "selector_select",
    "asyncio_run",
};

class Wait : public Script {};

// Interrupted in a worker and in the main thread, waited again, and undisturbed.
TEST_P(Wait, IsInterrupted) {
    run_case("waits.py");
}

INSTANTIATE_TEST_SUITE_P(Python, Wait,
                         testing::Combine(testing::ValuesIn(waits), testing::ValuesIn(find_interpreters())), test_name);

// The same undisturbed results in an interpreter without the shim: otherwise the case expects the wrong thing. The
// oldest and the newest that are found, and the system's, are enough for that; with CPYTHON_ALL set, all of them.
class BareWait : public Script {};
TEST_P(BareWait, IsAsExpected) {
    run_case("waits.py", false);
}

std::vector<Interpreter> some_interpreters() {
    const std::vector<Interpreter> all = find_interpreters();
    if (all.size() <= 3 || getenv("CPYTHON_ALL") != nullptr) {
        return all;
    }
    const auto older = [](const Interpreter& a, const Interpreter& b) { return a.minor < b.minor; };
    const auto [oldest, newest] = std::minmax_element(all.begin(), all.end() - 1, older);
    return {*oldest, *newest, all.back()};
}

INSTANTIATE_TEST_SUITE_P(Python, BareWait,
                         testing::Combine(testing::ValuesIn(waits), testing::ValuesIn(some_interpreters())), test_name);

// --- the other scripts

class Trap : public Script {};
TEST_P(Trap, IsAvoided) {
    run_case("traps.py");
}
INSTANTIATE_TEST_SUITE_P(Python, Trap,
                         testing::Combine(testing::Values("join_does_not_end_the_thread", "join_uses_no_cpu",
                                                          "join_of_many", "names_of_threading", "condition_of_rlock",
                                                          "condition_of_lock", "shutdown_joins",
                                                          "control_c_at_terminal", "control_c_with_readline"),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);

class Storm : public Script {};
TEST_P(Storm, LosesNothing) {
    run_case("storms.py", true, getenv("CPYTHON_STORM") != nullptr ? 3600 : 250);
}
INSTANTIATE_TEST_SUITE_P(Python, Storm,
                         testing::Combine(testing::Values("receiving", "receiving_by_ssl",
                                                          "receiving_by_ssl_with_timeout", "inserting", "with_lock",
                                                          "computing", "mixed", "everything", "straight_to_a_builtin",
                                                          "straight_to_an_instance"),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);

class OutcomeOf : public Script {};
TEST_P(OutcomeOf, IsAsAsked) {
    run_case("outcomes.py");
}
INSTANTIATE_TEST_SUITE_P(
    Python, OutcomeOf,
    testing::Combine(testing::Values("chosen_classes", "class_that_is_not_there", "class_that_is_defined_again",
                                     "chosen_class_through_a_generator", "plain_signal", "error_in_recv",
                                     "error_in_sleep", "error_in_lock", "error_in_waitpid", "timeout_of_lock",
                                     "timeout_of_sleep", "timeout_of_socket", "timeout_of_select",
                                     "end_of_file_in_recv", "end_of_file_in_read", "error_in_a_library",
                                     "timeout_of_ssl", "constructor_of_a_file", "outcome_waits_for_its_wait"),
                     testing::ValuesIn(find_interpreters())),
    test_name);

class OutsideOfBuiltins : public Script {};
TEST_P(OutsideOfBuiltins, IsAsAsked) {
    run_case("outside_builtins.py");
}
INSTANTIATE_TEST_SUITE_P(
    Python, OutsideOfBuiltins,
    testing::Combine(testing::Values("call_of_a_c_library", "computing_before_a_call_of_a_c_library",
                                     "semaphore_of_a_c_library", "masked_thread", "only_in_blocking_calls"),
                     testing::ValuesIn(find_interpreters())),
    test_name);

class Recalled : public Script {};
TEST_P(Recalled, IsNotRaised) {
    run_case("recalls.py");
}
INSTANTIATE_TEST_SUITE_P(Python, Recalled,
                         testing::Combine(testing::Values("by_clear", "by_clear_with_the_gil", "by_clear_from_outside",
                                                          "by_clear_of_what_is_owed", "by_mask", "by_mask_with_the_gil",
                                                          "by_mask_for_computing"),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);

class Process : public Script {};
TEST_P(Process, IsAsBefore) {
    run_case("process.py");
}
INSTANTIATE_TEST_SUITE_P(
    Python, Process,
    testing::Combine(testing::Values("imported_only_when_asked", "one_thread_and_no_descriptor",
                                     "compute_in_main_alone", "compute_while_main_waits", "compute_in_all_threads",
                                     "compute_in_c", "compute_in_c_at_once", "compute_in_c_in_all_threads",
                                     "native_threads", "captured_references", "instances_made_by_hand",
                                     "class_is_as_documented", "uncaught_in_a_worker", "traced_and_profiled",
                                     "garbage_is_collected", "forked_child", "sub_interpreter"),
                     testing::ValuesIn(find_interpreters())),
    test_name);

class Life : public Script {};
TEST_P(Life, GoesOn) {
    run_case("life.py", true, 200);
}
INSTANTIATE_TEST_SUITE_P(
    Python, Life,
    testing::Combine(testing::Values("starting_threads", "fork_warnings", "fork_while_pending",
                                     "fork_and_interrupt_oneself", "fork_in_a_worker", "signal_in_another_thread",
                                     "fork_in_a_handler", "stand_in_for_a_module", "signal_beside_an_eventfd",
                                     "futex_of_a_c_library", "process_by_fork", "process_by_forkserver",
                                     "process_by_spawn", "interpreter_with_its_own_gil"),
                     testing::ValuesIn(find_interpreters())),
    test_name);

class BeginningsAndEnds : public Script {};
TEST_P(BeginningsAndEnds, GoOn) {
    run_case("beginnings_and_ends.py", true, 200);
}
INSTANTIATE_TEST_SUITE_P(Python, BeginningsAndEnds,
                         testing::Combine(testing::Values("interrupted_start", "interrupted_exit",
                                                          "interrupted_main_at_exit"),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);

// --- starting the interpreter

class Start : public testing::TestWithParam<Interpreter> {
protected:
    Finished python(std::vector<std::string> arguments, bool under_shim = true) {
        arguments.insert(arguments.begin(), GetParam().path);
        return run(arguments, under_shim ? LIBINTERRUPT_PATH : "");
    }
};

constexpr const char* import_and_catch =
    "import sys; assert 'libinterrupt' not in sys.modules; import libinterrupt; "
    "assert issubclass(libinterrupt.ThreadInterrupted, BaseException); "
    "import ctypes, time; lib = ctypes.CDLL(None); lib.interrupt_thread(lib.gettid())\n"
    "try: time.sleep(20)\n"
    "except libinterrupt.ThreadInterrupted: print('raised')";

TEST_P(Start, ImportsInEveryMode) {
    for (const std::vector<std::string>& flags :
         std::vector<std::vector<std::string>>{{}, {"-I"}, {"-S"}, {"-E"}, {"-I", "-S", "-E"}, {"-O"}}) {
        std::vector<std::string> arguments = flags;
        arguments.insert(arguments.end(), {"-c", import_and_catch});
        const Finished finished = python(arguments);
        EXPECT_TRUE(finished.ended_with(0)) << finished.output;
        EXPECT_EQ(finished.output, "raised\n") << (flags.empty() ? "" : flags[0]);
    }
}

TEST_P(Start, WithoutTheShimThereIsNothing) {
    const Finished finished = python({"-c", "import libinterrupt"}, false);
    EXPECT_TRUE(finished.ended_with(1));
    EXPECT_NE(finished.output.find("No module named 'libinterrupt'"), std::string::npos) << finished.output;
}

TEST_P(Start, SaysNothingAndChangesNothing) {
    const char* const program =
        "import sys, threading, socket, select, subprocess; print(sorted(sys.modules)); "
        "print(sys.builtin_module_names, len(sys.meta_path), sys.path, threading.active_count())";
    EXPECT_EQ(python({"-I", "-c", program}).output, python({"-I", "-c", program}, false).output);
}

INSTANTIATE_TEST_SUITE_P(Python, Start, testing::ValuesIn(find_interpreters()),
                         [](const auto& info) { return info.param.name; });

// --- the tests themselves

// python3 is a dependency of the tests.
TEST(Interpreters, AreFound) {
    ASSERT_FALSE(find_interpreters().empty());
}

TEST(Interpreters, RunEveryWaitOfTheScript) {
    const Finished listed = run({find_interpreters().at(0).path, SOURCE_DIR "/tests/cpython/waits.py", "--list"});
    ASSERT_TRUE(listed.ended_with(0)) << listed.output;
    std::istringstream lines(listed.output);
    std::set<std::string> in_script;
    for (std::string line; std::getline(lines, line);) {
        in_script.insert(line);
    }
    EXPECT_EQ(in_script, std::set<std::string>(std::begin(waits), std::end(waits)));
}

}  // namespace
}  // namespace cpython_test

int main(int argc, char** argv) {
    if (argc >= 3 && strcmp(argv[1], "--embed") == 0) {
        return cpython_test::embed(argv[2], argc > 3 ? argv[3] : nullptr);
    }
    signal(SIGPIPE, SIG_IGN);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
