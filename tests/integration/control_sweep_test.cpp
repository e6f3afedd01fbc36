// interruptctl sweep, on programs of which it is known what there is to find.
#include <filesystem>
#include <fstream>

#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* swept = TARGETS_DIR "/swept";

Finished sweep(std::vector<std::string> arguments, const std::vector<std::string>& program) {
    arguments.insert(arguments.begin(), "sweep");
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), program.begin(), program.end());
    return interruptctl(arguments);
}

json sweep_json(std::vector<std::string> arguments, const std::vector<std::string>& program) {
    arguments.emplace_back("--json");
    return json::parse(sweep(arguments, program).out);
}

// A directory that goes again.
class Directory {
public:
    Directory() : path_(fs::temp_directory_path() / ("sweep-" + std::to_string(getpid()))) {
        fs::create_directory(path_);
    }
    ~Directory() { fs::remove_all(path_); }
    std::string file(const std::string& name) const { return path_ / name; }

private:
    const fs::path path_;
};

TEST(Sweep, FindsNothingInASoundProgram) {
    for (const char* way : {"sound", "forks"}) {
        const Finished done = sweep({}, {swept, way});
        EXPECT_EQ(done.exit_status, 0) << done.out << done.err;
        EXPECT_NE(done.out.find(" 0 findings"), std::string::npos) << done.out;
    }
}

TEST(Sweep, FindsWhatIsThereAndNothingElse) {
    const std::map<std::string, std::string> found_as{
        {"loses", "output"}, {"fails", "status"}, {"crashes", "crashed"}, {"hangs", "hung"}, {"spins", "spun"}};
    for (const auto& [way, word] : found_as) {
        SCOPED_TRACE(way);
        // Two seconds tell what has stopped from what is slow; every run that is sound takes milliseconds.
        const json swept_json = sweep_json({"--per-site", "1", "--timeout", "2"}, {swept, way});
        EXPECT_EQ(swept_json.at("findings"), 1);
        for (const json& run : swept_json.at("runs")) {
            const json& point = swept_json.at("points").at(run.at("point").get<size_t>() - 1);
            EXPECT_EQ(run.at("finding"), point.at("call") == "recv") << run;
            EXPECT_EQ(run.at("result"), point.at("call") == "recv" ? word : "same") << run;
        }
    }
}

TEST(Sweep, NamesThreadCallAndPlace) {
    const json points = sweep_json({"--list"}, {swept, "sound"}).at("points");
    ASSERT_EQ(points.size(), 2u) << points;
    EXPECT_EQ(points.at(0).at("thread"), "1");
    EXPECT_EQ(points.at(0).at("call"), "write");
    EXPECT_EQ(points.at(0).at("times"), 3);
    EXPECT_EQ(points.at(1).at("thread"), "main");
    EXPECT_EQ(points.at(1).at("call"), "recv");
    EXPECT_EQ(points.at(1).at("times"), 4);
    EXPECT_NE(points.at(1).at("site").get<std::string>().find("swept+0x"), std::string::npos) << points;
    EXPECT_NE(points.at(1).at("symbol").get<std::string>().find("read_letters"), std::string::npos) << points;
    const json forked = sweep_json({"--list", "--in", "recv"}, {swept, "forks"}).at("points");
    EXPECT_TRUE(
        std::any_of(forked.begin(), forked.end(), [](const json& point) { return point.at("thread") == "f1"; }));
}

TEST(Sweep, SaysWhatWasOnStandardErrorToo) {
    const json runs = sweep_json({"--in", "select"}, {"perl", "-e", R"(
        if (select(undef, undef, undef, 0.01) < 0) { warn "cut short\n"; print "half\n" } else { print "all\n" })"})
                          .at("runs");
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs.at(0).at("result"), "output");
    EXPECT_NE(runs.at(0).at("detail").get<std::string>().find("cut short"), std::string::npos) << runs;
}

TEST(Sweep, OfAHungRunOnlyWhatIsStillThereIsNamed) {
    // A child that has ended and is not waited for waits for nothing; a program without the shim is there.
    const json runs = sweep_json({"--in", "select", "--timeout", "1"}, {"perl", "-e", R"(
        exit 0 if !fork;
        if (select(undef, undef, undef, 0.01) < 0) { $ENV{INTERRUPT_DISABLE} = 1; system 'sleep', 100 })"})
                          .at("runs");
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs.at(0).at("result"), "hung");
    const std::string detail = runs.at(0).at("detail");
    EXPECT_NE(detail.find("perl: blocked"), std::string::npos) << detail;
    EXPECT_NE(detail.find("sleep: not under the shim"), std::string::npos) << detail;
    EXPECT_EQ(std::count(detail.begin(), detail.end(), ';'), 1) << detail;
}

TEST(Sweep, NamesNoFunctionThatIsMerelyTheOneBefore) {
    // What fails to start a command writes that into a pipe, in a function that perl does not export.
    const json points = sweep_json({"--list"}, {"perl", "-e", "no warnings; system '/no/such/command'"}).at("points");
    for (const json& point : points) {
        if (point.at("call") == "write") {
            const std::string symbol = point.at("symbol");
            EXPECT_TRUE(symbol.empty() || symbol.find("exec_failed") != symbol.npos) << point;
        }
    }
    EXPECT_TRUE(
        std::any_of(points.begin(), points.end(), [](const json& point) { return point.at("call") == "write"; }));
}

TEST(Sweep, TriesEachOutcomeWhereItCanBe) {
    const json runs = sweep_json({"--as", "default,errno:EIO,eof", "--per-site", "1"}, {swept, "loses"}).at("runs");
    std::map<std::string, int> tried;
    for (const json& run : runs) {
        ++tried[run.at("outcome")];
    }
    EXPECT_EQ(tried, (std::map<std::string, int>{{"default", 2}, {"errno:EIO", 2}, {"eof", 1}}));
}

TEST(Sweep, WritesJUnitAndGoesOnWhereItStopped) {
    const Directory directory;
    const std::string results = directory.file("results");
    const std::vector<std::string> options{"--output", results, "--junit", directory.file("sweep.xml")};
    EXPECT_EQ(sweep(options, {swept, "loses"}).exit_status, 1);
    std::ifstream xml(directory.file("sweep.xml"));
    const std::string written((std::istreambuf_iterator<char>(xml)), std::istreambuf_iterator<char>());
    EXPECT_NE(written.find("tests=\"6\" failures=\"3\""), std::string::npos) << written;

    expect_status(2, sweep(options, {swept, "loses"}));  // there are results already
    std::string lines;
    {
        std::ifstream kept(results + "/results");
        std::getline(kept, lines);
        std::string second;
        std::getline(kept, second);
        lines += '\n' + second + "\n{\"case\": \"cut sho";
    }
    std::ofstream(results + "/results") << lines;
    std::vector<std::string> resumed = options;
    resumed.emplace_back("--resume");
    EXPECT_EQ(sweep(resumed, {swept, "loses"}).exit_status, 1);
    expect_status(2, sweep(resumed, {swept, "fails"}));  // of another command
}

TEST(Sweep, EndsProgramsThatDoNotEnd) {
    const std::vector<std::string> program{"perl", "-e", "$| = 1; print \"ready\\n\"; sleep 100 while 1"};
    EXPECT_EQ(sweep({"--until", "ready", "--in", "sleep,nanosleep,clock_nanosleep"}, program).exit_status, 0);
    const Finished endless = sweep({"--timeout", "0.5"}, program);
    expect_status(5, endless);
    EXPECT_NE(endless.err.find("--until"), std::string::npos) << endless.err;
}

TEST(Sweep, LeavesOutWhatChangesByItself) {
    const std::vector<std::string> program{"perl", "-e", "print \"at $$\\n\""};
    const Finished changing = sweep({}, program);
    expect_status(2, changing);
    EXPECT_NE(changing.err.find("--ignore"), std::string::npos) << changing.err;
    EXPECT_EQ(sweep({"--ignore", "[0-9]+"}, program).exit_status, 0);
    expect_status(2, sweep({"--ignore", "("}, program));
}

TEST(Sweep, RefusesWhatItCannotDo) {
    expect_status(2, sweep({"--as", "signal:USR1"}, {"true"}));
    expect_status(2, sweep({"--in", "recvv"}, {"true"}));
    expect_status(2, sweep({"--resume"}, {"true"}));
    expect_status(2, sweep({}, {}));
    expect_status(3, sweep({}, {"/no/such/program"}));
    expect_status(3, sweep({"--input", "/no/such/file"}, {"true"}));
    expect_status(3, sweep({"--only", "7"}, {"true"}));
}

}  // namespace
}  // namespace interrupt_tests
