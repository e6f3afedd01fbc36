#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "control/commands.h"
#include "control/failure.h"
#include "control/launcher.h"
#include "control/names.h"

namespace interrupt::control {
namespace {

std::string complaint(auto call) {
    try {
        call();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.status(), Status::usage);
        return failure.what();
    }
    return "none";
}

TEST(Outcomes, AreParsed) {
    EXPECT_EQ(parse_outcome("default").outcome, Outcome::default_);
    EXPECT_EQ(parse_outcome("timeout").outcome, Outcome::timeout);
    EXPECT_EQ(parse_outcome("eof").outcome, Outcome::eof);
    EXPECT_EQ(parse_outcome("exception:package.Class").outcome, Outcome::exception);
    EXPECT_EQ(parse_outcome("exception:package.Class").exception, "package.Class");
    EXPECT_EQ(parse_outcome("exception:KeyError").exception, "builtins.KeyError");
    EXPECT_EQ(parse_outcome("signal:SIGINT").signal, SIGINT);
    EXPECT_EQ(parse_outcome("signal:usr1").signal, SIGUSR1);
    EXPECT_EQ(parse_outcome("signal:RTMIN+2").signal, SIGRTMIN + 2);
    for (const char* word : {"exception:", "exception:.", "exception:a..b", "exception:a.", "exception:a b",
                             "signal:", "signal:INTR", "signal:0"}) {
        EXPECT_NE(complaint([&] { parse_outcome(word); }), "none") << word;
    }
    const WantedOutcome error = parse_outcome("errno:ECONNRESET");
    EXPECT_EQ(error.outcome, Outcome::error);
    EXPECT_EQ(error.error, ECONNRESET);
    EXPECT_EQ(parse_outcome("errno:EWOULDBLOCK").error, EAGAIN);
    EXPECT_EQ(parse_outcome("errno:EOPNOTSUPP").error, parse_outcome("errno:ENOTSUP").error);
}

TEST(Outcomes, OthersAreRefusedWithTheNearest) {
    EXPECT_NE(complaint([] { parse_outcome("timout"); }).find("`timeout`"), std::string::npos);
    EXPECT_NE(complaint([] { parse_outcome("errno:EINTER"); }).find("`EINTR`"), std::string::npos);
    EXPECT_NE(complaint([] { parse_outcome("errno:eintr"); }), "none");
    for (const char* word : {"", "Default", "errno", "errno:", "errno:4", "canceled", "eof ", "zzzzzzzz"}) {
        EXPECT_NE(complaint([&] { parse_outcome(word); }), "none") << word;
    }
    EXPECT_EQ(complaint([] { parse_outcome("zzzzzzzz"); }).find("Did you mean"), std::string::npos);
}

TEST(Outcomes, EveryNameReadsBack) {
    for (int error = 1; error < 134; ++error) {
        if (strerrorname_np(error)) {
            EXPECT_EQ(parse_outcome(outcome_name(Outcome::error, static_cast<uint16_t>(error))).error, error);
        }
    }
    EXPECT_EQ(outcome_name(Outcome::error, 4000), "errno:4000");
    EXPECT_EQ(outcome_name(static_cast<Outcome>(200), 0), "unknown");
}

TEST(Calls, EachIsKnownByItsName) {
    for (uint16_t i = 1; i < static_cast<uint16_t>(Call::count); ++i) {
        EXPECT_EQ(parse_call(call_name(static_cast<Call>(i))), static_cast<Call>(i));
    }
    EXPECT_EQ(call_name(Call::count), "unknown call");
    EXPECT_EQ(call_name(static_cast<Call>(0xffff)), "unknown call");
}

TEST(Calls, VariantsNameTheCallTheyAre) {
    EXPECT_NE(complaint([] { parse_call("__recv_chk"); }).find("`recv`"), std::string::npos);
    EXPECT_NE(complaint([] { parse_call("open64"); }).find("`open`"), std::string::npos);
    EXPECT_NE(complaint([] { parse_call("running"); }), "none");
    EXPECT_NE(complaint([] { parse_call("recvform"); }).find("`recvfrom`"), std::string::npos);
}

TEST(ParseCalls, TakesSeveralOrAny) {
    EXPECT_EQ(parse_calls("recv"), std::vector{Call::recv_});
    EXPECT_EQ(parse_calls("recv,read"), (std::vector{Call::recv_, Call::read_}));
    EXPECT_TRUE(parse_calls("any").empty());
    EXPECT_TRUE(is_one_of({}, Call::recv_));
    EXPECT_FALSE(is_one_of({Call::read_}, Call::recv_));
    for (const char* wrong : {"", ",", "recv,", ",recv", "recv,any", "recv,,read"}) {
        EXPECT_NE(complaint([&] { parse_calls(wrong); }), "none") << wrong;
    }
    EXPECT_EQ(calls_text({Call::recv_, Call::read_, Call::poll_}), "recv, read or poll");
}

TEST(Calls, AreShownWithWhatTheyWaitFor) {
    EXPECT_EQ(call_text(Call::recv_, 5), "recv(fd 5)");
    EXPECT_EQ(call_text(Call::epoll_wait_, 7), "epoll_wait(fd 7)");
    EXPECT_EQ(call_text(Call::poll_, 0x7f0012345678), "poll");
    EXPECT_EQ(call_text(Call::sem_wait_, 0x7f0012345678), "sem_wait(0x7f0012345678)");
    EXPECT_EQ(call_text(Call::waitpid_, 1234), "waitpid(1234)");
    EXPECT_EQ(call_text(Call::wait_, static_cast<uint64_t>(-1)), "wait(any)");
    EXPECT_EQ(call_text(Call::wait_, uint32_t(-1)), "wait(any)");
    EXPECT_EQ(call_text(Call::nanosleep_, 99), "nanosleep");
    EXPECT_EQ(call_text(static_cast<Call>(0xfff0), 99), "unknown call");
}

TEST(Texts, OfTime) {
    constexpr uint64_t ms = 1'000'000;
    EXPECT_EQ(duration_text(0), "0ms");
    EXPECT_EQ(duration_text(350 * ms), "350ms");
    EXPECT_EQ(duration_text(999 * ms + 999'999), "999ms");
    EXPECT_EQ(duration_text(12'100 * ms), "12.1s");
    EXPECT_EQ(duration_text(185'000 * ms), "3m05s");
    EXPECT_EQ(duration_text(7'380'000 * ms), "2h03m");
    EXPECT_EQ(duration_text(uint64_t{277'200'000} * ms), "3d05h");
    EXPECT_EQ(latency_text(31'400), "31 us");
    EXPECT_EQ(latency_text(12 * ms), "12 ms");
    EXPECT_EQ(latency_text(12'340 * ms), "12.3 s");
}

TEST(Words, AreReadWhole) {
    EXPECT_EQ(parse_id("42", "process"), 42);
    for (const char* word : {"", "0", "-1", "4 2", "42x", "2147483648"}) {
        EXPECT_NE(complaint([&] { parse_id(word, "process"); }), "none") << word;
    }
    EXPECT_EQ(parse_timeout("0.25"), 250'000'000u);
    EXPECT_EQ(parse_timeout("0"), 0u);
    EXPECT_EQ(parse_timeout("1e3"), 1'000'000'000'000u);
    for (const char* word : {"", "-1", "nan", "inf", "1s", "1e30", " "}) {
        EXPECT_NE(complaint([&] { parse_timeout(word); }), "none") << word;
    }
}

TEST(Preload, PutsTheLibraryInFrontOfAllButSanitizers) {
    const std::string ours = "/x/libinterrupt.so";
    EXPECT_EQ(preload_with(ours, "", ""), ours);
    EXPECT_EQ(preload_with(ours, "a.so b.so:c.so", ""), ours + ":a.so:b.so:c.so");
    EXPECT_EQ(preload_with(ours, "a.so:" + ours, ""), "a.so:" + ours);
    EXPECT_EQ(preload_with(ours, "/lib/libasan.so.8:a.so", ""), "/lib/libasan.so.8:" + ours + ":a.so");
    EXPECT_EQ(preload_with(ours, "a.so", "libasan.so.8"), "libasan.so.8:" + ours + ":a.so");
    EXPECT_EQ(preload_with(ours, ours + ":a.so", "libasan.so.8"), "libasan.so.8:" + ours + ":a.so");
    EXPECT_EQ(preload_with(ours, " : ::", ""), ours);
}

TEST(Preload, KnowsTheSanitizersThatHaveToBeFirst) {
    EXPECT_EQ(sanitizer_in_front("", {"libm.so.6", "libasan.so.8", "libubsan.so.1"}), "libasan.so.8");
    EXPECT_EQ(sanitizer_in_front("", {"libubsan.so.1", "libasan.so.8"}), "libasan.so.8");
    EXPECT_EQ(sanitizer_in_front("a.so", {"libtsan.so.2"}), "libtsan.so.2");
    EXPECT_EQ(sanitizer_in_front("", {"libclang_rt.asan-x86_64.so"}), "libclang_rt.asan-x86_64.so");
    EXPECT_EQ(sanitizer_in_front("", {"libubsan.so.1", "liblsan.so.0", "libc.so.6"}), "");
    EXPECT_EQ(sanitizer_in_front("/lib/libasan.so.8:a.so", {"libasan.so.8"}), "");
    EXPECT_EQ(sanitizer_in_front("", {}), "");
}

TEST(Preload, RefusesPathsThatItWouldTakeApart) {
    EXPECT_NO_THROW(check_preloadable("/x/libinterrupt.so"));
    EXPECT_THROW(check_preloadable("/x y/libinterrupt.so"), Failure);
    EXPECT_THROW(check_preloadable("/x:y/libinterrupt.so"), Failure);
}

}  // namespace
}  // namespace interrupt::control
