// Whatever the shim needs may be missing: the program runs on as if not preloaded, says the same and ends the same; why
// is marked in its address space, and said on stderr only if INTERRUPT_LOG asks.
#include <sys/resource.h>
#include <sys/vfs.h>

#include "contract_programs.h"

namespace interrupt_tests {
namespace {

using interrupt::NoTable;

constexpr char shm[] = "/dev/shm";
const std::string ours = "/dev/shm/interrupt-" + std::to_string(geteuid());

void limit(int resource, rlim_t value) {
    const struct rlimit wanted = {value, value};
    if (setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) {
        _exit(125);
    }
}

// The program is the same with and without the shim, and the shim's reason can be read from outside.
void expect_without_table(Start start, NoTable reason) {
    if (start.target.empty()) {
        start.target = "steady";
    }
    start.arguments = {"hold"};
    expect_invisible(start);
    Program program(start);
    ASSERT_TRUE(program.says("holding")) << program.output();
    EXPECT_EQ(no_table_mark(program.pid()), reason);
    EXPECT_EQ(Table::path_of(program.pid()), "");
    program.finish();
}

void expect_with_table(Start start) {
    start.target = "steady";
    start.arguments = {"hold"};
    expect_invisible(start);
    Program program(start);
    ASSERT_TRUE(program.says("holding")) << program.output();
    EXPECT_EQ(no_table_mark(program.pid()), NoTable::unknown);
    EXPECT_NE(Table::path_of(program.pid()), "");
    program.finish();
}

TEST(Without, Nothing) {
    expect_with_table({.target = "steady"});
}

// --- settings ---

TEST(Without, Disabled) {
    expect_without_table({.target = "steady", .environment = {{"INTERRUPT_DISABLE", "1"}}}, NoTable::disabled);
    expect_with_table({.target = "steady", .environment = {{"INTERRUPT_DISABLE", "0"}}});
}

TEST(Without, AUsableSignal) {
    for (const char* name : {"TERM", "SIGKILL", "USR1", "0", "99", "x", "URGENT"}) {
        SCOPED_TRACE(name);
        expect_without_table({.target = "steady", .environment = {{"INTERRUPT_SIGNAL", name}}}, NoTable::bad_signal);
    }
    for (const char* name : {"WINCH", "SIGURG", "23", "28", ""}) {
        SCOPED_TRACE(name);
        expect_with_table({.target = "steady", .environment = {{"INTERRUPT_SIGNAL", name}}});
    }
}

TEST(Without, AUsableDirectory) {
    for (const std::string& name : {std::string("/nonexistent/interrupt"), "/dev/shm/" + std::string(300, 'x')}) {
        SCOPED_TRACE(name);
        expect_without_table({.target = "steady", .environment = {{"INTERRUPT_DIR", name}}}, NoTable::no_directory);
    }
}

// Exactly the reason, and only where it is asked for.
TEST(Without, TheReasonIsLoggedOnRequest) {
    Start start = {.target = "steady", .environment = {{"INTERRUPT_DIR", "/nonexistent/interrupt"}}};
    EXPECT_EQ(outcome_of(start, true).find("libinterrupt"), std::string::npos);
    start.environment.push_back({"INTERRUPT_LOG", "1"});
    EXPECT_NE(outcome_of(start, true).find("libinterrupt: not active, reason 4; see interruptctl doctor"),
              std::string::npos);
    start.environment = {{"INTERRUPT_LOG", "1"}, {"INTERRUPT_DISABLE", "1"}};
    EXPECT_NE(outcome_of(start, true).find("libinterrupt: not active, reason 1;"), std::string::npos);
    start.environment = {{"INTERRUPT_LOG", "1"}};
    EXPECT_EQ(outcome_of(start, true).find("libinterrupt"), std::string::npos);
}

// --- the file system ---

TEST(Without, Tmpfs) {
    NEEDS_ROOT();
    char name[] = "/var/tmp/contract-XXXXXX";
    const std::string directory = mkdtemp(name);
    struct statfs status;
    if (statfs(directory.c_str(), &status) != 0 || status.f_type == 0x01021994) {
        GTEST_SKIP() << "/var/tmp is on tmpfs";
    }
    expect_without_table({.target = "steady",
                          .before_exec =
                              [directory] {
                                  mount_tmpfs("/mnt", "size=4k");
                                  if (mount(directory.c_str(), shm, nullptr, MS_BIND, nullptr) != 0) {
                                      _exit(126);
                                  }
                              }},
                         NoTable::not_tmpfs);
    std::filesystem::remove_all(directory);
}

TEST(Without, DevShm) {
    NEEDS_ROOT();
    expect_without_table({.target = "steady", .before_exec = [] { mount_tmpfs("/dev", "size=1m"); }},
                         NoTable::no_directory);
}

TEST(Without, AWritableTmpfs) {
    NEEDS_ROOT();
    expect_without_table({.target = "steady", .before_exec = [] { mount_tmpfs(shm, "size=1m", MS_RDONLY); }},
                         NoTable::read_only);
    expect_without_table({.target = "steady",
                          .before_exec =
                              [] {
                                  mount_tmpfs(shm, "size=1m");
                                  mkdir(ours.c_str(), 0700);
                                  mount(nullptr, shm, nullptr, MS_REMOUNT | MS_RDONLY, "size=1m");
                              }},
                         NoTable::read_only);
}

TEST(Without, RoomOnTheTmpfs) {
    NEEDS_ROOT();
    expect_without_table({.target = "steady", .before_exec = [] { mount_tmpfs(shm, "nr_inodes=1"); }},
                         NoTable::no_space);
    expect_without_table({.target = "steady", .before_exec = [] { mount_tmpfs(shm, "nr_inodes=2"); }},
                         NoTable::no_space);
    expect_without_table({.target = "steady",
                          .before_exec =
                              [] {
                                  mount_tmpfs(shm, "size=4k");
                                  std::ofstream("/dev/shm/filler") << std::string(4096, 'f');
                              }},
                         NoTable::no_space);
}

// There is room for the header, or for a few threads' records, and then no more.
TEST(Without, RoomForEveryRecord) {
    NEEDS_ROOT();
    for (const char* size : {"size=4k", "size=8k", "size=12k"}) {
        SCOPED_TRACE(size);
        expect_with_table({.target = "steady", .before_exec = [size] { mount_tmpfs(shm, size); }});
    }
}

TEST(Without, RoomOnceItRuns) {
    NEEDS_ROOT();
    expect_invisible({.target = "steady", .arguments = {"fill", "/dev/shm/filler"}, .before_exec = [] {
                          mount_tmpfs(shm, "size=64k");
                          // With the shim as without it: what the program writes must not meet the table's own pages in
                          // the count.
                      }});
    Program program({.target = "steady", .arguments = {"fill", "/dev/shm/filler"}, .before_exec = [] {
                         mount_tmpfs(shm, "size=64k");
                     }});
    const std::string output = program.finish();
    EXPECT_NE(output.find("filled, errno 28"), std::string::npos) << output;
    EXPECT_NE(output.find("threads 6 sum 150"), std::string::npos) << output;
}

// --- somebody else was there first ---

void with_directory(const std::function<void()>& make, NoTable reason) {
    expect_without_table({.target = "steady",
                          .before_exec =
                              [make] {
                                  mount_tmpfs(shm, "size=1m,mode=1777");
                                  make();
                              }},
                         reason);
}

TEST(Without, ADirectoryOfOurOwn) {
    NEEDS_ROOT();
    with_directory(
        [] {
            mkdir(ours.c_str(), 0700);
            if (chown(ours.c_str(), 12345, 12345) != 0) {
                _exit(126);
            }
        },
        NoTable::directory_not_ours);
    with_directory(
        [] {
            mkdir(ours.c_str(), 0777);
            chmod(ours.c_str(), 0777);
        },
        NoTable::directory_not_ours);
    with_directory([] { mkdir(ours.c_str(), 0750); }, NoTable::directory_not_ours);
}

TEST(Without, ADirectoryInItsPlace) {
    NEEDS_ROOT();
    // The link's target gets nothing: the program would end otherwise.
    with_directory(
        [] {
            mkdir("/dev/shm/elsewhere", 0500);
            if (symlink("/dev/shm/elsewhere", ours.c_str()) != 0) {
                _exit(126);
            }
        },
        NoTable::directory_is_link);
    with_directory(
        [] {
            if (symlink("/dev/shm/dangling", ours.c_str()) != 0) {
                _exit(126);
            }
        },
        NoTable::directory_is_link);
    with_directory([] { std::ofstream(ours.c_str()) << "a file"; }, NoTable::directory_is_link);
    with_directory([] { mkfifo(ours.c_str(), 0600); }, NoTable::directory_is_link);
}

TEST(Without, FollowingALink) {
    TableDirectory directory;
    const std::string target = directory.path() + "/target";
    const std::string link = directory.path() + "/link";
    mkdir(target.c_str(), 0700);
    ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
    expect_without_table({.target = "steady", .environment = {{"INTERRUPT_DIR", link}}}, NoTable::directory_is_link);
    EXPECT_TRUE(std::filesystem::is_empty(target));
}

TEST(Without, Permission) {
    NEEDS_ROOT();
    const Start start = {.target = "steady", .before_exec = [] {
                             mount_tmpfs(shm, "size=1m,mode=755");
                             if (setgid(12345) != 0 || setuid(12345) != 0) {
                                 _exit(126);
                             }
                         }};
    if (outcome_of(start, false) == "[exit 127]" || access("/", X_OK) != 0) {
        GTEST_SKIP() << "another user cannot reach the build directory";
    }
    expect_without_table(start, NoTable::permission);
}

// --- limits ---

TEST(Without, Descriptors) {
    expect_without_table({.target = "steady", .before_exec = [] { limit(RLIMIT_NOFILE, 4); }}, NoTable::no_descriptors);
}

TEST(Without, FileSize) {
    expect_without_table({.target = "steady", .before_exec = [] { limit(RLIMIT_FSIZE, 8192); }},
                         NoTable::file_size_limit);
}

TEST(Without, AddressSpace) {
    Start start = {.target = "steady", .arguments = {"single"}, .environment = {{"INTERRUPT_CAPACITY", "131000"}}};
    rlim_t peak = 0;
    {
        Start bare = start;
        bare.shim = false;
        Program program(bare);
        ASSERT_TRUE(program.says("holding"));
        std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("VmPeak:")) {
                peak = static_cast<rlim_t>(std::stoul(line.substr(7))) * 1024;
            }
        }
    }
    ASSERT_GT(peak, 0u);
    start.before_exec = [peak] { limit(RLIMIT_AS, peak + (8 << 20)); };
    expect_invisible(start);
    Program program(start);
    ASSERT_TRUE(program.says("holding")) << program.output();
    EXPECT_EQ(no_table_mark(program.pid()), NoTable::no_memory);
}

TEST(Without, RoomInTheTable) {
    for (const char* capacity : {"1", "2", "3", "4"}) {
        SCOPED_TRACE(capacity);
        const Start start = {.target = "steady", .environment = {{"INTERRUPT_CAPACITY", capacity}}};
        expect_with_table(start);
        Start wait = start;
        wait.arguments = {"hold"};
        Program program(wait);
        ASSERT_TRUE(program.says("holding"));
        Table table(program.pid());
        EXPECT_EQ(table.capacity(), static_cast<uint32_t>(std::atoi(capacity)));
        EXPECT_GT(table.header().threads_unseen, 0u);
    }
}

// --- signals cannot be queued: no timer, and the nudge comes without its siginfo ---

TEST(WithoutQueuedSignals, ThePlainNudgeIsTakenAsOurs) {
    Program program({.target = "steady", .arguments = {"wait"}, .before_exec = [] { limit(RLIMIT_SIGPENDING, 0); }});
    ASSERT_TRUE(program.says("waiting"));
    Outside outside(program.pid());
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == interrupt::Call::poll_; }));
    const auto posted = outside.post(program.pid());
    EXPECT_EQ(posted.error, 0);
    EXPECT_TRUE(posted.nudged);
    EXPECT_TRUE(program.says("interrupted, errno 4")) << program.output();
}

TEST(WithoutQueuedSignals, RequestPendingAtEntryIsNotLost) {
    Program program({.target = "steady", .arguments = {"late"}, .before_exec = [] { limit(RLIMIT_SIGPENDING, 0); }});
    ASSERT_TRUE(program.says("computing"));
    Outside outside(program.pid());
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == interrupt::Call::running; }));
    const auto posted = outside.post(program.pid());
    EXPECT_FALSE(posted.nudged);
    ASSERT_TRUE(eventually([&] { return outside.table().call_of(program.pid()) == interrupt::Call::poll_; }));
    EXPECT_TRUE(outside.table().request_of(program.pid()).pending());
    EXPECT_TRUE(eventually([&] {
        outside.nudge_again(program.pid(), posted.sequence);
        return !outside.table().request_of(program.pid()).pending();
    }));
    EXPECT_TRUE(program.says("interrupted, errno 4")) << program.output();
}

}  // namespace
}  // namespace interrupt_tests
