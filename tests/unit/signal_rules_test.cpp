// INTERRUPT_ON and INTERRUPT_GRACE as both sides read them, and the patterns as the shim matches them.
#include "control/signal_rules.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/name_pattern.h"

namespace interrupt {
namespace {

TEST(SignalRules, TheNudgeIsOneOfTwoSignals) {
    for (const char* name : {"URG", "SIGURG", "23"}) {
        EXPECT_EQ(nudge_signal_named(name), SIGURG) << name;
    }
    for (const char* name : {"WINCH", "SIGWINCH", "28"}) {
        EXPECT_EQ(nudge_signal_named(name), SIGWINCH) << name;
    }
    for (const char* name : {"", "USR1", "10", "0", "-1", "028", " 28", "28x", "SIG28", "XWINCH", "urg", "SIGSIGURG"}) {
        EXPECT_EQ(nudge_signal_named(name), 0) << name;
    }
}

TEST(SignalRules, AreTakenOneByOne) {
    std::string_view rest = R"(SIGINT=all,TERM=a\,b\\,HUP=main)";
    EXPECT_EQ(take_rule(rest), "SIGINT=all");
    EXPECT_EQ(take_rule(rest), R"(TERM=a\,b\\)");
    EXPECT_EQ(take_rule(rest), "HUP=main");
    EXPECT_TRUE(rest.empty());
    rest = R"(INT=x\)";
    EXPECT_EQ(take_rule(rest), R"(INT=x\)");
}

TEST(SignalRules, SayWhomAndWhich) {
    SignalRule rule;
    EXPECT_EQ(parse_rule("SIGINT=all", SIGURG, rule), RuleError::none);
    EXPECT_EQ(rule.signal, SIGINT);
    EXPECT_EQ(rule.whom, Whom::all);
    EXPECT_EQ(parse_rule("CHLD=main", SIGURG, rule), RuleError::none);
    EXPECT_EQ(rule.signal, SIGCHLD);
    EXPECT_EQ(rule.whom, Whom::main);
    EXPECT_EQ(rule.by_default, ByDefault::other);
    EXPECT_EQ(parse_rule("RTMAX-2=a=b", SIGURG, rule), RuleError::none);
    EXPECT_EQ(rule.signal, SIGRTMAX - 2);
    EXPECT_EQ(rule.by_default, ByDefault::ends);
    EXPECT_EQ(rule.whom, Whom::pattern);
    EXPECT_EQ(rule.pattern, "a=b");
    EXPECT_EQ(parse_rule("RTMIN=x", SIGURG, rule), RuleError::none);
    EXPECT_EQ(rule.signal, SIGRTMIN);
    EXPECT_EQ(parse_rule("SIGWINCH=x", SIGURG, rule), RuleError::none);
    EXPECT_EQ(parse_rule("SIGWINCH=x", SIGWINCH, rule), RuleError::nudge);
    for (const char* none : {"RTMIN+=x", "RTMIN+99=x", "RTMIN-1=x", "RTMAX+1=x", "RTMIN+1x=x", "SIG=x", "INTx=x"}) {
        EXPECT_EQ(parse_rule(none, SIGURG, rule), RuleError::no_signal) << none;
    }
}

TEST(SignalRules, GraceIsInSeconds) {
    uint64_t ns = 7;
    for (const char* bad : {"", ".", "-1", "+1", "1e3", "1.2.3", "inf", " 1", "1000001", "99999999999999999999999"}) {
        EXPECT_FALSE(parse_seconds(bad, ns)) << bad;
        EXPECT_EQ(ns, 7u) << bad;
    }
    const std::pair<const char*, uint64_t> good[] = {{"0", 0},
                                                     {"5", 5'000'000'000},
                                                     {"0.25", 250'000'000},
                                                     {".5", 500'000'000},
                                                     {"2.", 2'000'000'000},
                                                     {"0.00000000019", 0},
                                                     {"1000000", 1'000'000'000'000'000}};
    for (const auto& [text, value] : good) {
        EXPECT_TRUE(parse_seconds(text, ns)) << text;
        EXPECT_EQ(ns, value) << text;
    }
}

TEST(NamePattern, MatchesAsFnmatchDoes) {
    const std::vector<std::string> names = {"",  "a",   "b",    "worker-1", "worker-12", "wor*er", "a]b", "a-b",
                                            "]", "[ab", "a\\b", "aab",      "abab",      "-",      "!a"};
    for (const std::string& pattern :
         std::vector<std::string>{"",         "*",     "?",        "a*",       "*a",           "*b",
                                  "a*b",      "**",    "worker-?", "worker-*", "worker-[0-9]", "worker-[!0-9]*",
                                  "wor\\*er", "[]]",   "[!]]",     "[a-b]",    "[^a]",         "[ab",
                                  "a[-]b",    "a[]]b", "a\\\\b",   "*ab",      "a?b",          "*-*",
                                  "[a\\]]",   "?*?",   "[!a]*",    "[a-]",     "*[1-2]"}) {
        for (const std::string& name : names) {
            EXPECT_EQ(matches(pattern, name), ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0)
                << '`' << pattern << "` and `" << name << '`';
        }
    }
}

}  // namespace
}  // namespace interrupt
