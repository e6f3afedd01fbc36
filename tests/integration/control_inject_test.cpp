// interruptctl inject, and run --inject.
#include <unistd.h>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

using nlohmann::json;

// A script whose pipe is descriptor 20, and which says how its reads ended.
Finished script_with(const std::vector<std::string>& rules, const std::string& script) {
    std::vector<std::string> arguments{"run"};
    for (const std::string& rule : rules) {
        arguments.insert(arguments.end(), {"--inject", rule});
    }
    arguments.insert(arguments.end(), {"perl", "-e", script});
    return interruptctl(arguments);
}

constexpr const char* five_reads = R"(
    use POSIX; pipe(my $out, my $in); syswrite($in, "abcde"); POSIX::dup2(fileno($out), 20);
    for (1..5) { my $n = POSIX::read(20, my $b, 1); print defined $n ? "$n$b " : $!{EINTR} ? "EINTR " : $!{EIO} ? "EIO " : "? "; }
)";

TEST(Inject, MakesTheThirdCallFail) {
    const Finished done = script_with({"read:errno:EINTR:when=3:fd=20"}, five_reads);
    expect_status(0, done);
    EXPECT_EQ(done.out, "1a 1b EINTR 1c 1d ");
}

TEST(Inject, TheFirstRuleThatIsDueActs) {
    const Finished done =
        script_with({"read:errno:EIO:when=2..4+2:fd=20", "read:errno:EINTR:when=1..2:fd=20"}, five_reads);
    expect_status(0, done);
    EXPECT_EQ(done.out, "EINTR EIO 1a EIO 1b ");
}

TEST(Inject, AForkedChildBeginsWithTheRulesOfTheEnvironmentAndCountsForItself) {
    const Finished done = script_with(
        {"read:errno:EIO:when=2:fd=20"},
        "use POSIX; pipe(my $out, my $in); syswrite($in, 'abcdef'); $| = 1; POSIX::dup2(fileno($out), 20);"
        "for my $who ('child', 'parent') { next if $who eq 'child' && ($pid = fork()); waitpid($pid, 0) if $pid;"
        "  for (1..3) { my $n = POSIX::read(20, my $b, 1); print $who, defined $n ? '+' : '-'; } print ' '; exit if "
        "!$pid }");
    expect_status(0, done);
    EXPECT_EQ(done.out, "child+child-child+ parent+parent-parent+ ");
}

TEST(Inject, ARunningProcessGetsRulesListsThemAndLosesThem) {
    Sleeper sleeper({"recv", "poll"});
    expect_status(0,
                  interruptctl({"inject", sleeper.pid(), "nanosleep:default", "recv:errno:EIO:when=7:thread=nobody"}));
    const json listed = json::parse(interruptctl({"inject", sleeper.pid(), "--list", "--json"}).out);
    ASSERT_EQ(listed.at("rules").size(), 2u);
    EXPECT_EQ(listed.at("rules").at(1).at("rule"), "recv:errno:EIO:when=7:thread=nobody");
    EXPECT_EQ(listed.at("rules").at(1).at("number"), 2);
    EXPECT_EQ(listed.at("rules").at(1).at("met"), 0);

    const Finished cleared = interruptctl({"inject", sleeper.pid(), "--clear", "1"});
    EXPECT_EQ(cleared.out, "1 rule taken away\n");
    expect_status(3, interruptctl({"inject", sleeper.pid(), "--clear", "1"}));
    const Finished left = interruptctl({"inject", sleeper.pid(), "--list"});
    EXPECT_EQ(left.out.find("nanosleep"), std::string::npos) << left.out;
    EXPECT_NE(left.out.find("recv:errno:EIO"), std::string::npos) << left.out;
    expect_status(0, interruptctl({"inject", sleeper.pid(), "--clear"}));
    EXPECT_TRUE(json::parse(interruptctl({"inject", sleeper.pid(), "--list", "--json"}).out).at("rules").empty());
}

TEST(Inject, HasRoomFor32Rules) {
    Sleeper sleeper({"recv"});
    std::vector<std::string> rules{"inject", sleeper.pid()};
    rules.resize(2 + 32, "recv:default:when=1000");
    expect_status(0, interruptctl(rules));
    const Finished one_more = interruptctl({"inject", sleeper.pid(), "recv:default"});
    expect_status(6, one_more);
    EXPECT_NE(one_more.err.find("--clear"), std::string::npos) << one_more.err;
}

TEST(Inject, RefusesWhatTheProcessCannotHave) {
    Sleeper sleeper({"recv"});
    expect_status(2, interruptctl({"inject", sleeper.pid(), "recv:exception:queue.Empty"}));
    expect_status(2, interruptctl({"inject", sleeper.pid()}));
    expect_status(2, interruptctl({"inject", sleeper.pid(), "--list", "--clear"}));
    expect_status(4, interruptctl({"inject", std::to_string(getpid()), "recv:default"}));
}

TEST(Inject, PointsAtAMistakeBeforeTheProgramStarts) {
    const Finished done = interruptctl({"run", "--inject", "recv:errno:EPIP:when=3", "perl", "-e", "print 'started'"});
    expect_status(2, done);
    EXPECT_EQ(done.out, "");
    EXPECT_NE(done.err.find("\n    recv:errno:EPIP:when=3\n               ^^^^\n"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("Did you mean `EPIPE`?"), std::string::npos) << done.err;
    expect_status(2, interruptctl({"run", "--inject", "read:eof;read:eof", "true"}));
    expect_status(2, interruptctl({"run", "true"}, {.environment = {{"INTERRUPT_INJECT", "read:never"}}}));
}

TEST(Inject, AMistakeInTheEnvironmentIsNotObeyedAndDoctorSaysSo) {
    Sleeper sleeper({"recv"}, true, {.environment = {{"INTERRUPT_INJECT", "recv:default;poll:eof"}}});
    const Finished doctor = interruptctl({"doctor", sleeper.pid()});
    EXPECT_NE(doctor.out.find("INTERRUPT_INJECT is ignored, for `poll:eof`"), std::string::npos) << doctor.out;
    EXPECT_TRUE(json::parse(interruptctl({"inject", sleeper.pid(), "--list", "--json"}).out).at("rules").empty());
}

}  // namespace
}  // namespace interrupt_tests
