// interruptctl record: what is in its file is what the program did, and what is not in it is counted.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "control/table_layout.h"
#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

using nlohmann::json;

// A recording on its way: begun when this exists.
class Recording {
public:
    explicit Recording(const std::string& pid, std::vector<std::string> options = {})
        : command_(command(pid, std::move(options))) {
        if (!eventually([&] { return std::filesystem::exists(file()); })) {
            throw std::runtime_error("the recording does not begin: " + command_.finish().err);
        }
    }

    // Ends it by that signal, or waits for its own end.
    json finish(int signal = SIGINT, int status = 0) {
        if (signal != 0) {
            command_.send(signal);
        }
        const Finished finished = command_.finish();
        EXPECT_EQ(finished.exit_status, status) << finished.err;
        summary_ = finished.err;
        trace_ = json::parse(contents(file()));
        return trace_.at("otherData");
    }
    void kill() {
        command_.send(SIGKILL);
        command_.finish();
    }
    void stop() { command_.send(SIGSTOP); }
    void go_on() { command_.send(SIGCONT); }

    const std::string& summary() const { return summary_; }
    const json& trace() const { return trace_; }
    std::string file() const { return directory_.path() + "/trace.json"; }

    std::vector<json> events(const std::string& phase, const std::string& name) const {
        std::vector<json> found;
        for (const json& event : trace_.at("traceEvents")) {
            if (event.at("ph") == phase && event.at("name") == name) {
                found.push_back(event);
            }
        }
        return found;
    }

private:
    std::vector<std::string> command(const std::string& pid, std::vector<std::string> options) const {
        options.insert(options.begin(), {INTERRUPTCTL_PATH, "record", pid, "--output", file()});
        return options;
    }

    TemporaryDirectory directory_;
    Child command_;
    std::string summary_;
    json trace_;
};

double end_of(const json& slice) {
    return slice.at("ts").get<double>() + slice.at("dur").get<double>();
}

// The table of a process, as the process itself has it mapped.
class MappedTable {
public:
    explicit MappedTable(pid_t pid) {
        const int fd = ::open(path(pid).c_str(), O_RDWR | O_CLOEXEC);
        memory_ = ::mmap(nullptr, sizeof(interrupt::TableHeader), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
    }
    static std::string path(pid_t pid) {
        std::istringstream maps(contents("/proc/" + std::to_string(pid) + "/maps"));
        for (std::string line; std::getline(maps, line);) {
            if (line.ends_with(".table")) {
                return line.substr(line.find('/'));
            }
        }
        throw std::runtime_error("it has no table");
    }
    ~MappedTable() { ::munmap(memory_, sizeof(interrupt::TableHeader)); }
    bool is_recorded() const { return interrupt::is_recorded(*static_cast<interrupt::TableHeader*>(memory_)); }

private:
    void* memory_ = MAP_FAILED;
};

// targets/repeats
class Record : public testing::Test {
protected:
    Record() : target_({TARGETS_DIR "/repeats", "2"}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}}) {
        target_.line_that_begins("ready");
        interruptctl({"wait", pid(), "--in", "recv", "--count", "3", "--timeout", "60"});
    }
    std::string pid() const { return std::to_string(target_.pid()); }
    Child target_;
};

TEST_F(Record, HasEachWaitRequestAndDelivery) {
    Recording recording(pid(), {"--shortest", "0"});
    for (int i = 0; i < 20; ++i) {
        expect_status(0,
                      interruptctl({"interrupt", pid(), "--name", "waiter", "--as", "errno:EIO", "--timeout", "20"}));
    }
    const json about = recording.finish();
    EXPECT_EQ(about.at("requests"), 40);
    EXPECT_EQ(about.at("deliveries"), 40);
    EXPECT_EQ(about.at("lost_events"), 0);
    EXPECT_EQ(about.at("gaps"), 0);
    const auto requests = recording.events("i", "request errno:EIO");
    const auto deliveries = recording.events("i", "delivered errno:EIO");
    const auto waits = recording.events("X", "recv");
    ASSERT_EQ(deliveries.size(), 40u);
    ASSERT_EQ(requests.size(), 40u);
    for (const json& delivery : deliveries) {
        EXPECT_EQ(delivery.at("args").at("call"), "recv");
        const auto request = std::find_if(requests.begin(), requests.end(), [&](const json& request) {
            return request.at("tid") == delivery.at("tid") &&
                   request.at("args").at("sequence") == delivery.at("args").at("sequence");
        });
        ASSERT_NE(request, requests.end());
        EXPECT_NEAR(delivery.at("ts").get<double>() - request->at("ts").get<double>(),
                    delivery.at("args").at("latency_us").get<double>(), 0.1);
        EXPECT_TRUE(std::any_of(waits.begin(), waits.end(),
                                [&](const json& wait) {
                                    return wait.at("tid") == delivery.at("tid") && wait.at("ts") <= delivery.at("ts") &&
                                           end_of(wait) + 0.001 >= delivery.at("ts").get<double>();
                                }))
            << delivery << " ended no wait";
    }
    // Of each thread one was there before, and one is not over.
    EXPECT_EQ(std::count_if(waits.begin(), waits.end(), [](const json& wait) { return wait.contains("sf"); }), 38);
    for (const json& wait : waits) {
        EXPECT_EQ(wait.at("cat"), "wait");
        EXPECT_TRUE(wait.at("args").contains("fd")) << wait;
        if (wait.contains("sf")) {
            EXPECT_TRUE(wait.at("args").at("site").get<std::string>().starts_with("repeats+0x")) << wait;
            const json& frame = recording.trace().at("stackFrames").at(std::to_string(wait.at("sf").get<int>()));
            EXPECT_EQ(frame.at("category"), "repeats");
        }
    }
}

TEST_F(Record, HasOneTrackForEachThreadWithoutOverlaps) {
    Recording recording(pid(), {"--shortest", "0"});
    expect_status(0, interruptctl({"storm", pid(), "--rate", "1000", "--for", "0.5", "--timeout", "20"}));
    recording.finish();
    std::map<int, std::vector<json>> tracks;
    std::set<int> named;
    for (const json& event : recording.trace().at("traceEvents")) {
        if (event.at("ph") == "X") {
            EXPECT_TRUE(named.count(event.at("tid")) != 0) << "its name comes first";
            tracks[event.at("tid")].push_back(event);
        } else if (event.at("name") == "thread_name") {
            named.insert(event.at("tid").get<int>());
        }
    }
    EXPECT_GE(tracks.size(), 4u);
    for (auto& [tid, slices] : tracks) {
        std::sort(slices.begin(), slices.end(), [](const json& one, const json& other) {
            return one.at("ts").get<double>() < other.at("ts").get<double>();
        });
        for (size_t i = 1; i < slices.size(); ++i) {
            EXPECT_LE(end_of(slices[i - 1]), slices[i].at("ts").get<double>() + 0.002) << slices[i - 1] << slices[i];
        }
    }
}

TEST_F(Record, ShowsRulesAndWhatIsTakenBack) {
    Recording recording(pid());
    expect_status(0, interruptctl({"inject", pid(), "recv:errno:EIO:when=1:thread=waiter"}));
    expect_status(0, interruptctl({"interrupt", pid(), "--name", "waiter", "--timeout", "20"}));
    expect_status(5, interruptctl({"interrupt", pid(), "--name", "masked", "--timeout", "0.01"}));
    const json about = recording.finish();
    EXPECT_EQ(about.at("rules_acted"), 1);
    EXPECT_EQ(about.at("withdrawals"), 1);
    EXPECT_EQ(recording.events("i", "withdrawn default").size(), 1u);
    const auto rules = recording.events("i", "rule 1");
    ASSERT_EQ(rules.size(), 1u);
    EXPECT_EQ(rules[0].at("args").at("rule"), "recv:errno:EIO:when=1:thread=waiter");
}

TEST_F(Record, KeepsWhatTheThreadsDidLastWhenTheProcessIsKilled) {
    Recording recording(pid());
    target_.send(SIGKILL);
    target_.finish();
    recording.finish(0);
    const auto waits = recording.events("X", "recv");
    EXPECT_EQ(waits.size(), 3u);
    std::multiset<std::string> names;
    for (const json& event : recording.events("M", "thread_name")) {
        names.insert(event.at("args").at("name").get<std::string>());
    }
    EXPECT_EQ(names, (std::multiset<std::string>{"masked", "repeats", "waiter", "waiter"})) << "seen before the end";
    for (const json& wait : waits) {
        EXPECT_EQ(wait.at("args").at("end"), "with the process, or not at all");
    }
}

TEST_F(Record, HasOneRecorderAtATime) {
    Recording first(pid());
    const TemporaryDirectory directory;
    const std::string other = directory.path() + "/other.json";
    expect_status(6, interruptctl({"record", pid(), "--output", other, "--for", "1"}));
    EXPECT_FALSE(std::filesystem::exists(other));
    first.kill();
    expect_status(0, interruptctl({"record", pid(), "--output", other, "--for", "0.1"}));
    EXPECT_TRUE(json::parse(contents(other)).at("otherData").contains("waits"));
    EXPECT_FALSE(MappedTable(target_.pid()).is_recorded());
}

// targets/counted
class RecordMany : public testing::Test {
protected:
    static constexpr uint64_t threads = 3;
    static constexpr uint64_t calls = 30'000;
    RecordMany()
        : target_({TARGETS_DIR "/counted", std::to_string(threads), std::to_string(calls)},
                  {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}}) {
        target_.line_that_begins("ready");
    }
    std::string pid() const { return std::to_string(target_.pid()); }
    void work() {
        target_.write("go\n");
        target_.line_that_begins("done");
    }
    static void expect_all(uint64_t found) {
        EXPECT_GE(found, 2 * threads * calls);
        EXPECT_LE(found, 2 * threads * calls + 4 * threads + 20) << "what the main thread does besides";
    }
    Child target_;
};

TEST_F(RecordMany, CountsWhatItCouldNotWrite) {
    Recording recording(pid(), {"--shortest", "0"});
    work();
    const json about = recording.finish();
    EXPECT_EQ(about.at("shorter_waits"), 0);
    expect_all(about.at("waits").get<uint64_t>() + about.at("lost_events").get<uint64_t>());
    EXPECT_LE(recording.events("X", "recv").size(), threads * calls);
    EXPECT_GE(recording.events("X", "recv").size() + about.at("lost_events").get<uint64_t>(), threads * calls);
}

TEST_F(RecordMany, CountsWhatIsTooShort) {
    Recording recording(pid(), {"--shortest", "1000"});
    work();
    const json about = recording.finish();
    EXPECT_EQ(about.at("lost_events"), 0);
    expect_all(about.at("waits").get<uint64_t>() + about.at("shorter_waits").get<uint64_t>());
    EXPECT_NE(recording.summary().find("shorter than 1000.0 s are not in it"), std::string::npos)
        << recording.summary();
}

TEST_F(RecordMany, EndsWithTheReaderOfItsOutput) {
    const MappedTable table(target_.pid());
    Child pipe({"/bin/sh", "-c", INTERRUPTCTL_PATH " record " + pid() + " --shortest 0 --output - | head -c 100"}, {});
    EXPECT_TRUE(eventually([&] { return table.is_recorded(); }));
    work();
    EXPECT_NE(pipe.finish().err.find("Broken pipe"), std::string::npos);
    EXPECT_FALSE(table.is_recorded());
}

TEST_F(RecordMany, ShowsNoWaitThatIsTooShortAsALongOne) {
    Recording recording(pid(), {"--shortest", "1000"});
    for (int i = 0; i < 10; ++i) {
        work();
    }
    recording.finish();
    for (const char* call : {"recv", "send"}) {
        for (const json& wait : recording.events("X", call)) {
            EXPECT_EQ(wait.at("args").at("end"), "not yet, when the recording ended") << wait;
        }
    }
}

// A recorder that is stopped, or was killed, costs the process no more than a ring's worth of events.
TEST_F(RecordMany, SaysWhenTheProcessDidNotRecord) {
    const MappedTable table(target_.pid());
    Recording recording(pid(), {"--shortest", "0"});
    recording.stop();
    EXPECT_TRUE(eventually([&] {
        work();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it takes ten seconds
        return !table.is_recorded();
    }));
    recording.go_on();
    EXPECT_TRUE(eventually([&] { return table.is_recorded(); }));
    const json about = recording.finish();
    EXPECT_EQ(about.at("gaps"), 1);
    EXPECT_GT(about.at("lost_events"), 0);
}

TEST(RecordProcesses, GoesOnBehindAnExec) {
    Child target({"/bin/sh", "-c", "echo ready; read line; exec " TARGETS_DIR "/repeats 1"},
                 {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}});
    target.line_that_begins("ready");
    const std::string pid = std::to_string(target.pid());
    Recording recording(pid);
    target.write("\n");
    target.line_that_begins("ready");
    expect_status(0, interruptctl({"wait", pid, "--in", "recv", "--count", "2", "--timeout", "60"}));
    ASSERT_TRUE(eventually([&] {
        interruptctl({"interrupt", pid, "--name", "waiter", "--timeout", "20"});
        return MappedTable(target.pid()).is_recorded();
    }));
    expect_status(0, interruptctl({"interrupt", pid, "--name", "waiter", "--timeout", "20"}));
    const json about = recording.finish();
    EXPECT_GE(about.at("deliveries"), 1);
    EXPECT_EQ(recording.events("i", "recording begins").size(), 2u);
    EXPECT_FALSE(recording.events("X", "read").empty()) << "the shell's";
    EXPECT_FALSE(recording.events("X", "recv").empty());
}

// A handler may run, and wait, on the way out of a call that has not been recorded yet.
TEST(RecordHandlers, HasTheWaitsThatTheyRunOnTopOf) {
    Child target({TARGETS_DIR "/handled", "40000"}, {.environment = {{"LD_PRELOAD", LIBINTERRUPT_PATH}}});
    target.line_that_begins("ready");
    Recording recording(std::to_string(target.pid()), {"--shortest", "0"});
    target.write("\n");
    target.line_that_begins("done");
    const json about = recording.finish();
    std::vector<std::pair<double, int>> calls;
    for (const json& wait : recording.events("X", "recv")) {
        calls.emplace_back(wait.at("ts"), wait.at("args").at("fd"));
    }
    std::sort(calls.begin(), calls.end());
    uint64_t missing = 0;
    for (size_t i = 1; i < calls.size(); ++i) {
        const int step = (calls[i].second - calls[i - 1].second + 100) % 100;
        missing += std::max(step, 1) - 1;
    }
    EXPECT_LE(missing, about.at("lost_events"));
    const auto& events = recording.trace().at("traceEvents");
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const json& event) { return event.at("ph") == "X"; }),
              about.at("waits"));
    target.write("\n");
    EXPECT_EQ(target.finish().exit_status, 0);
}

TEST(RecordProcesses, OneThatIsDamagedCostsTheOthersNothing) {
    Sleeper whole({"recv"});
    Sleeper damaged({"recv"});
    Recording recording(whole.pid(), {damaged.pid()});
    std::filesystem::resize_file(MappedTable::path(damaged.child().pid()), sizeof(interrupt::TableHeader));
    ASSERT_EQ(interruptctl({"interrupt", whole.pid(), "--all", "--timeout", "20"}).exit_status, 0);
    const json about = recording.finish(SIGINT, 4);
    EXPECT_NE(recording.summary().find("cut short"), std::string::npos) << recording.summary();
    EXPECT_GE(about.at("deliveries"), 1);
}

TEST(RecordProcesses, TouchesNoFileBeforeAllOfThemAreThere) {
    Sleeper sleeper({"recv"});
    const TemporaryDirectory directory;
    const std::string file = directory.path() + "/kept.json";
    std::ofstream(file) << "kept";
    expect_status(4, interruptctl({"record", sleeper.pid(), std::to_string(getpid()), "--output", file}));
    EXPECT_EQ(contents(file), "kept");
    EXPECT_FALSE(MappedTable(sleeper.child().pid()).is_recorded());
}

TEST(RecordProcesses, EndsAsItShouldWhenItHasJustBegun) {
    Sleeper sleeper({"recv"});
    for (int i = 0; i < 10; ++i) {
        Recording recording(sleeper.pid());
        EXPECT_EQ(recording.finish().at("gaps"), 0);
    }
    EXPECT_FALSE(MappedTable(sleeper.child().pid()).is_recorded());
}

TEST(RecordUsage, IsCheckedFirst) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {}, {"0"}, {"no"}, {"1", "--for", "0"}, {"1", "--for", "x"}, {"1", "--shortest", "-1"}}) {
        std::vector<std::string> command = words;
        command.insert(command.begin(), "record");
        expect_status(2, interruptctl(command));
    }
}

TEST(RecordUsage, SaysWhatCannotBeWritten) {
    Sleeper sleeper({"recv"});
    expect_status(6, interruptctl({"record", sleeper.pid(), "--output", "/nowhere/trace.json"}));
    const Finished full = interruptctl({"record", sleeper.pid(), "--output", "/dev/full", "--for", "0.1"});
    expect_status(6, full);
    EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
    EXPECT_FALSE(MappedTable(sleeper.child().pid()).is_recorded());
    const Finished out = interruptctl({"record", sleeper.pid(), "--output", "-", "--for", "0.1"});
    expect_status(0, out);
    EXPECT_TRUE(json::parse(out.out).contains("traceEvents"));
}

}  // namespace
}  // namespace interrupt_tests
