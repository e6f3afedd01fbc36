// Threads and files come and go: each thread can be interrupted, gives its record back, and nothing is left behind.
#include <sys/stat.h>

#include <semaphore>
#include <vector>

#include "contract_programs.h"

namespace interrupt_tests {
namespace {

using interrupt::Call;

uint64_t blocks_of(const std::string& path) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_blocks) * 512 : 0;
}

// All of them blocked at the same time.
TEST(Threads, TwoThousandEachInterruptedOnce) {
    constexpr int count = 2000;
    own_table();
    std::vector<std::thread> threads;
    std::vector<std::atomic<pid_t>> tids(count);
    std::atomic<int> interrupted = 0;
    std::atomic<int> others = 0;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            tids[static_cast<size_t>(i)] = gettid();
            (errno_of_wait(60'000) == EINTR ? interrupted : others) += 1;
        });
    }
    for (const auto& tid : tids) {
        ASSERT_TRUE(eventually([&] { return tid != 0 && own_table().call_of(tid) == Call::poll_; }));
    }
    const uint64_t delivered = own_table().header().delivered;
    EXPECT_GE(own_table().records_in_use(), static_cast<uint32_t>(count));
    for (const auto& tid : tids) {
        EXPECT_EQ(interrupt_thread(tid), 0);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(interrupted, count);
    EXPECT_EQ(others, 0);
    EXPECT_EQ(own_table().header().delivered - delivered, static_cast<uint64_t>(count));
    EXPECT_EQ(own_table().header().threads_unseen, 0u);
}

TEST(Threads, TheirEndReleasesTheRecord) {
    constexpr int count = 20'000;
    const uint32_t before = own_table().records_in_use();
    std::atomic<int> seen = 0;
    for (int i = 0; i < count / 10; ++i) {
        std::thread threads[10];
        for (std::thread& thread : threads) {
            thread = std::thread([&] { seen += own_table().find(gettid()) != nullptr; });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    EXPECT_EQ(seen, count);
    EXPECT_LE(own_table().records_in_use(), before);
    EXPECT_LE(blocks_of(own_table().path()),
              sizeof(interrupt::TableHeader) + own_table().capacity() * sizeof(interrupt::ThreadRecord));
}

// More threads than records, one after the other: each has one.
TEST(Threads, ASmallTableServesManyInTurn) {
    Program program(
        {.target = "lifecycle", .arguments = {"threads", "5000"}, .environment = {{"INTERRUPT_CAPACITY", "8"}}});
    ASSERT_TRUE(program.says("interrupted\n"));
    EXPECT_NE(program.output().find("5000 of 5000"), std::string::npos) << program.output();
    EXPECT_EQ(Table(program.pid()).header().threads_unseen, 0u);
}

// Ends that are no return from the thread's function.
TEST(Threads, EveryEndReleasesTheRecord) {
    const uint32_t before = own_table().records_in_use();
    const auto run = [](void* (*body)(void*), bool cancel) {
        pthread_t thread;
        pthread_create(&thread, nullptr, body, nullptr);
        if (cancel) {
            pthread_cancel(thread);
        }
        pthread_join(thread, nullptr);
    };
    for (int i = 0; i < 200; ++i) {
        run([](void*) -> void* { pthread_exit(nullptr); }, false);
        run(
            [](void*) -> void* {
                pause();
                return nullptr;
            },
            true);
        run(
            [](void*) -> void* {  // a key's destructor that makes interposed calls after everything else
                static pthread_key_t key;
                pthread_key_create(&key, [](void*) { poll(nullptr, 0, 0); });
                pthread_setspecific(key, &key);
                return nullptr;
            },
            false);
    }
    EXPECT_LE(own_table().records_in_use(), before);
}

// A thread that was detached and ends while a requester has a hold of its id.
TEST(Threads, RequestsRaceWithTheirEnd) {
    std::atomic<bool> stop = false;
    std::atomic<pid_t> newest = 0;
    std::thread requester([&] {
        while (!stop) {
            const int error = interrupt_thread(newest);
            if (error != 0 && error != ESRCH) {
                ADD_FAILURE() << error;
                return;
            }
        }
    });
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 5000; ++i) {
        std::thread([&] {
            wrong += interrupt_pending();  // nobody has asked for this one yet
            newest = gettid();
        }).join();
    }
    stop = true;
    requester.join();
    EXPECT_EQ(wrong, 0);
}

// The records of threads that the shim has not seen end are taken back when the table is full.
TEST(Threads, RecordsOfVanishedThreadsAreReclaimed) {
    Program program({.target = "raw_threads", .environment = {{"INTERRUPT_CAPACITY", "16"}}});
    EXPECT_NE(program.finish().find("200 requested, 0 refused, interrupted 1[exit 0]"), std::string::npos)
        << program.output();
}

// --- files ---

TEST(TableFile, IsRemovedAtExit) {
    TableDirectory directory;
    {
        Program program({.target = "steady", .arguments = {"single"}, .environment = {directory.variable()}});
        ASSERT_TRUE(program.says("holding"));
        EXPECT_EQ(directory.files(), 1u);
        struct stat status;
        ASSERT_EQ(stat(Table::path_of(program.pid()).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0600u);
        program.finish();
    }
    EXPECT_EQ(directory.files(), 0u);
}

TEST(TableFile, IsPrivateWhateverTheUmask) {
    TableDirectory directory;
    for (const mode_t mask : {0u, 0777u}) {
        Program program(
            {.target = "steady", .arguments = {"wait"}, .environment = {directory.variable()}, .before_exec = [mask] {
                 umask(mask);
             }});
        ASSERT_TRUE(program.says("waiting"));
        struct stat status;
        ASSERT_EQ(stat(Table::path_of(program.pid()).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0600u);
    }
}

// Killed processes leave their files; later starts remove them, one in sixteen each time.
TEST(TableFile, DeadFilesAreSwept) {
    TableDirectory directory;
    for (int i = 0; i < 5; ++i) {
        Program program({.target = "steady", .arguments = {"wait"}, .environment = {directory.variable()}});
        ASSERT_TRUE(program.says("waiting"));
    }  // killed
    EXPECT_GT(directory.files(), 0u);
    int starts = 0;
    for (; directory.files() > 0 && starts < 600; ++starts) {
        outcome_of({.target = "signal_heir", .environment = {directory.variable()}}, true);
    }
    EXPECT_EQ(directory.files(), 0u) << "after " << starts << " starts";
}

TEST(TableFile, ALivingProcesssFileIsNotSwept) {
    TableDirectory directory;
    Program program({.target = "steady", .arguments = {"wait"}, .environment = {directory.variable()}});
    ASSERT_TRUE(program.says("waiting"));
    for (int i = 0; i < 200; ++i) {
        outcome_of({.target = "signal_heir", .environment = {directory.variable()}}, true);
    }
    EXPECT_TRUE(std::filesystem::exists(Table::path_of(program.pid())));
    EXPECT_TRUE(Outside(program.pid()).post(program.pid()).nudged);
    EXPECT_TRUE(program.says("interrupted, errno 4"));
}

// The shim looks for runtimes that were loaded late when a thread is started; it must not wait for the loader then.
TEST(Threads, StartWhileAnotherOneLoadsALibrary) {
    Program program(
        {.target = "loads_library", .arguments = {std::string(TARGETS_DIR) + "/libwaiting_constructor.so"}});
    EXPECT_EQ(program.finish(), "loaded\n[exit 0]");
}

}  // namespace
}  // namespace interrupt_tests
