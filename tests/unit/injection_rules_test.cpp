// Injection rules as text: what they mean, and where they are wrong.
#include "control/injection_rules.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace interrupt {
namespace {

Injection meaning_of(std::string_view rule) {
    const ParsedInjection parsed = parse_injection(rule);
    EXPECT_EQ(parsed.error.mistake, RuleMistake::none) << rule << ": " << sentence_of(parsed.error.mistake);
    return parsed.injection;
}

TEST(InjectionRules, AreReadAsTheyAreWritten) {
    const Injection rule =
        meaning_of("recv,read:errno:ECONNRESET:when=3..9+2:per=thread:thread=w*:fd=5:after=0.5:force");
    EXPECT_TRUE(rule.calls.has(Call::recv_));
    EXPECT_TRUE(rule.calls.has(Call::read_));
    EXPECT_FALSE(rule.calls.has(Call::poll_));
    EXPECT_EQ(rule.outcome, Outcome::error);
    EXPECT_EQ(rule.error, ECONNRESET);
    EXPECT_EQ(rule.first, 3u);
    EXPECT_EQ(rule.last, 9u);
    EXPECT_EQ(rule.step, 2u);
    EXPECT_TRUE(rule.per_thread);
    EXPECT_STREQ(rule.thread, "w*");
    EXPECT_EQ(rule.fd, 5);
    EXPECT_EQ(rule.after, 500'000'000u);
    EXPECT_TRUE(rule.force);
}

TEST(InjectionRules, WithoutFieldsAreAboutEveryCall) {
    const Injection rule = meaning_of("poll:default");
    EXPECT_EQ(rule.outcome, Outcome::default_);
    EXPECT_EQ(rule.fd, -1);
    EXPECT_EQ(rule.after, 0u);
    EXPECT_FALSE(rule.per_thread || rule.force);
    EXPECT_STREQ(rule.thread, "");
    for (const uint32_t number : {1u, 2u, 1000u, UINT32_MAX}) {
        EXPECT_TRUE(rule.is_due(number));
    }
}

TEST(InjectionRules, ChooseCallsByNumber) {
    const auto chosen = [](const std::string& when) {
        const Injection rule = meaning_of("recv:default:when=" + when);
        std::string numbers;
        for (uint32_t number = 1; number <= 12; ++number) {
            numbers += rule.is_due(number) ? " " + std::to_string(number) : "";
        }
        return numbers;
    };
    EXPECT_EQ(chosen("3"), " 3");
    EXPECT_EQ(chosen("2..5"), " 2 3 4 5");
    EXPECT_EQ(chosen("2..8+3"), " 2 5 8");
    EXPECT_EQ(chosen("2..2+1"), " 2");
    EXPECT_EQ(chosen("10+"), " 10 11 12");
    EXPECT_EQ(chosen("1+5"), " 1 6 11");
}

TEST(InjectionRules, APatternStandsForTheCallsThatCanEndSo) {
    const Injection eof = meaning_of("*:eof");
    EXPECT_TRUE(eof.calls.has(Call::recv_));
    EXPECT_FALSE(eof.calls.has(Call::poll_));
    const Injection on_descriptor = meaning_of("*:default:fd=3");
    EXPECT_TRUE(on_descriptor.calls.has(Call::epoll_wait_));
    EXPECT_FALSE(on_descriptor.calls.has(Call::poll_));
    EXPECT_FALSE(on_descriptor.calls.has(Call::nanosleep_));
}

TEST(InjectionRules, OtherOutcomes) {
    EXPECT_EQ(meaning_of("poll:timeout").outcome, Outcome::timeout);
    EXPECT_EQ(meaning_of("poll:cancel").outcome, Outcome::cancel);
    EXPECT_EQ(meaning_of("poll:signal:SIGUSR1").signal, SIGUSR1);
    EXPECT_EQ(meaning_of("poll:signal:USR1").outcome, Outcome::none);
    EXPECT_EQ(parse_injection("recv:exception:queue.Empty:when=2").exception, "queue.Empty");
    EXPECT_EQ(meaning_of("recv:errno:EWOULDBLOCK").error, EAGAIN);
}

TEST(InjectionRules, ABackslashKeepsASeparatorInAPattern) {
    EXPECT_STREQ(meaning_of("recv:default:thread=a\\:b\\;c").thread, "a:b;c");
    std::string_view list = "recv:default:thread=a\\;b;poll:default";
    EXPECT_EQ(take_injection(list), "recv:default:thread=a\\;b");
    EXPECT_EQ(take_injection(list), "poll:default");
    EXPECT_TRUE(list.empty());
}

struct Mistaken {
    const char* rule;
    RuleMistake mistake;
    const char* wrong;  // the part that is pointed at
};

TEST(InjectionRules, SayWhatIsWrongAndWhere) {
    const std::string long_pattern(64, 'x');
    const std::string with_long_pattern = "recv:default:thread=" + long_pattern;
    const std::string too_long = "recv:default:thread=" + std::string(300, 'x');
    const Mistaken all[] = {
        {"recv", RuleMistake::no_outcome, ""},
        {"", RuleMistake::no_outcome, ""},
        {":eof", RuleMistake::no_call, ""},
        {"recv,:eof", RuleMistake::no_call, ""},
        {",recv:eof", RuleMistake::no_call, ""},
        {"recvv:eof", RuleMistake::no_such_call, "recvv"},
        {"recv,z*:eof", RuleMistake::no_such_call, "z*"},
        {"recv:end", RuleMistake::no_such_outcome, "end"},
        {"recv:errno", RuleMistake::no_such_error, ""},
        {"recv:errno:EPIP", RuleMistake::no_such_error, "EPIP"},
        {"recv:errno:32", RuleMistake::no_such_error, "32"},
        {"recv:signal:FOO", RuleMistake::no_such_signal, "FOO"},
        {"recv:exception:", RuleMistake::no_class_name, ""},
        {"recv:exception:KeyError", RuleMistake::no_class_name, "KeyError"},
        {"sleep:eof", RuleMistake::impossible_outcome, "eof"},
        {"flock:errno:EIO:after=1:force:cancel", RuleMistake::no_such_field, "cancel"},
        {"flock:cancel", RuleMistake::impossible_outcome, "cancel"},
        {"pthread_join:default", RuleMistake::shown_only, "pthread_join"},
        {"running:default", RuleMistake::no_such_call, "running"},
        {"thread_join:default", RuleMistake::no_such_call, "thread_join"},
        {"recv:eof:", RuleMistake::no_such_field, ""},
        {"recv:eof::force", RuleMistake::no_such_field, ""},
        {"recv:eof:wen=3", RuleMistake::no_such_field, "wen=3"},
        {"recv:eof:when=", RuleMistake::bad_when, ""},
        {"recv:eof:when=0", RuleMistake::bad_when, "0"},
        {"recv:eof:when=5..3", RuleMistake::bad_when, "5..3"},
        {"recv:eof:when=2..", RuleMistake::bad_when, "2.."},
        {"recv:eof:when=2+0", RuleMistake::bad_when, "2+0"},
        {"recv:eof:when=4294967296", RuleMistake::bad_when, "4294967296"},
        {"recv:eof:when=99999999999999999999999", RuleMistake::bad_when, "99999999999999999999999"},
        {"recv:eof:when=1:when=2", RuleMistake::given_twice, "when=2"},
        {"recv:eof:force:force", RuleMistake::given_twice, "force"},
        {"recv:eof:after=0", RuleMistake::bad_seconds, "0"},
        {"recv:eof:after=-1", RuleMistake::bad_seconds, "-1"},
        {"recv:eof:after=1s", RuleMistake::bad_seconds, "1s"},
        {"recv:eof:fd=", RuleMistake::bad_fd, ""},
        {"recv:eof:fd=-1", RuleMistake::bad_fd, "-1"},
        {"recv:eof:fd=2147483648", RuleMistake::bad_fd, "2147483648"},
        {"poll:default:fd=3", RuleMistake::no_fd, "3"},
        {"recv:eof:per=process", RuleMistake::bad_per, "process"},
        {"recv:eof:thread=", RuleMistake::no_pattern, ""},
        {with_long_pattern.c_str(), RuleMistake::long_pattern, long_pattern.c_str()},
        {too_long.c_str(), RuleMistake::too_long, too_long.c_str() + longest_injection_rule},
    };
    for (const Mistaken& expected : all) {
        SCOPED_TRACE(expected.rule);
        const MisreadRule found = parse_injection(expected.rule).error;
        EXPECT_EQ(static_cast<int>(found.mistake), static_cast<int>(expected.mistake)) << sentence_of(found.mistake);
        const std::string_view rule = expected.rule;
        ASSERT_LE(found.at + found.size, rule.size());
        EXPECT_EQ(rule.substr(found.at, found.size), expected.wrong);
    }
}

}  // namespace
}  // namespace interrupt
