// Tables cut short and overwritten with noise: interruptctl ends with a sentence and a status of its own, never
// crashes, and sends nothing to a process that the table does not call for.

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "control/thread_table_abi.h"
#include "tests/integration/control_support.h"

namespace interrupt_tests {
namespace {

using namespace interrupt;

class Damage : public testing::Test {
protected:
    Damage() : place_("/dev/shm"), holder_({TARGETS_DIR "/table_holder", place_.path()}) {
        path_ = holder_.line();
        table_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        intact_ = contents(path_);
        pid_ = std::to_string(holder_.pid());
        const auto tid = static_cast<uint32_t>(holder_.pid());
        uint32_t capacity;
        std::memcpy(&capacity, intact_.data() + offsetof(TableHeader, capacity), sizeof capacity);
        record_ = sizeof(TableHeader) + first_probe(tid, capacity) * sizeof(ThreadRecord);
    }
    ~Damage() override { ::close(table_); }

    int nudges() {
        holder_.write("\n");
        return std::stoi(holder_.line());
    }
    void overwrite(size_t offset, const void* bytes, size_t size) {
        ASSERT_EQ(::pwrite(table_, bytes, size, static_cast<off_t>(offset)), static_cast<ssize_t>(size));
    }
    void restore() {
        ASSERT_EQ(::ftruncate(table_, static_cast<off_t>(intact_.size())), 0);
        overwrite(0, intact_.data(), intact_.size());
    }
    std::vector<std::string> interrupt_command(const std::string& timeout) const {
        return {"interrupt", pid_, pid_, "--timeout", timeout};
    }
    // A status of the contract, and words.
    static void expect_orderly(const Finished& done, const std::string& what) {
        EXPECT_EQ(done.signal, 0) << what;
        EXPECT_TRUE(done.exit_status == 0 || (done.exit_status >= 3 && done.exit_status <= 6))
            << what << ": " << done.exit_status << ' ' << done.err;
        EXPECT_FALSE(done.out.empty() && done.err.empty()) << what;
        for (const char byte : done.out + done.err) {
            ASSERT_TRUE(byte == '\n' || static_cast<unsigned char>(byte) >= 0x20)
                << what << " prints control characters";
        }
    }

    TemporaryDirectory place_;
    Child holder_;
    std::string path_;
    int table_ = -1;
    std::string intact_;
    std::string pid_;
    size_t record_ = 0;
};

TEST_F(Damage, NoneIsSeenInAnIntactTable) {
    expect_status(0, interruptctl({"threads", pid_}));
    EXPECT_EQ(interruptctl(interrupt_command("0.01")).exit_status, 5);
    EXPECT_EQ(nudges(), 0) << "a thread that runs is not nudged";
    // The proof that nudges are counted: the record says that the thread is blocked.
    const uint64_t state = State::make(1, Call::recv_).word;
    overwrite(record_ + offsetof(ThreadRecord, state), &state, sizeof state);
    EXPECT_EQ(interruptctl(interrupt_command("0.01")).exit_status, 5);
    EXPECT_GT(nudges(), 0);
}

TEST_F(Damage, ATableCutShortIsRefused) {
    std::vector<size_t> lengths{0,
                                1,
                                7,
                                8,
                                63,
                                64,
                                127,
                                4095,
                                4096,
                                4097,
                                record_,
                                record_ + 1,
                                record_ + 127,
                                intact_.size() - 4096,
                                intact_.size() - sizeof(ThreadRecord),
                                intact_.size() - 1};
    for (size_t length = 0; length < intact_.size(); length += 997) {
        lengths.push_back(length);
    }
    for (const size_t length : lengths) {
        restore();
        ASSERT_EQ(::ftruncate(table_, static_cast<off_t>(length)), 0);
        for (const auto& command : {std::vector<std::string>{"threads", pid_}, interrupt_command("0.01"),
                                    std::vector<std::string>{"clear", pid_, pid_}}) {
            const Finished done = interruptctl(command);
            expect_status(4, done);
            EXPECT_NE(done.err.find("cut short"), std::string::npos) << length << ": " << done.err;
        }
    }
    EXPECT_EQ(interruptctl({"doctor", pid_}).exit_status, 4);
    expect_orderly(interruptctl({"ps"}), "ps");
    EXPECT_EQ(nudges(), 0);
}

// Its first word is written last.
TEST_F(Damage, ATableThatIsBeingMadeIsNone) {
    const uint64_t nothing = 0;
    overwrite(offsetof(TableHeader, magic), &nothing, sizeof nothing);
    const Finished done = interruptctl({"threads", pid_});
    expect_status(4, done);
    EXPECT_NE(done.err.find("just being made"), std::string::npos) << done.err;
    EXPECT_EQ(nudges(), 0);
}

TEST_F(Damage, ATableCutShortMeanwhileEndsTheWait) {
    for (const size_t length : {size_t{0}, sizeof(TableHeader)}) {
        restore();
        std::vector<std::string> command = interrupt_command("1000");
        command.insert(command.begin(), INTERRUPTCTL_PATH);
        Child waiting(command);
        ASSERT_TRUE(eventually([&] {
            uint64_t request = 0;
            return ::pread(table_, &request, sizeof request,
                           static_cast<off_t>(record_ + offsetof(ThreadRecord, request))) == sizeof request &&
                   Request{request}.pending();
        }));
        ASSERT_EQ(::ftruncate(table_, static_cast<off_t>(length)), 0);
        const Finished done = waiting.finish();
        expect_status(4, done);
        EXPECT_NE((done.out + done.err).find("cut short"), std::string::npos) << done.out << done.err;
    }
    EXPECT_EQ(nudges(), 0);
}

TEST_F(Damage, NoiseInAnyByteOfTheHeader) {
    std::mt19937 random(1);
    for (size_t offset = 0; offset < offsetof(TableHeader, pid_namespace) + 16; ++offset) {
        const unsigned char old = static_cast<unsigned char>(intact_[offset]);
        for (const unsigned char noise : {static_cast<unsigned char>(~old), static_cast<unsigned char>(random())}) {
            restore();
            overwrite(offset, &noise, 1);
            const std::string what = "header byte " + std::to_string(offset) + " = " + std::to_string(noise);
            expect_orderly(interruptctl(interrupt_command("0.002")), what);
            expect_orderly(interruptctl({"doctor", pid_}), what);
        }
    }
    EXPECT_EQ(nudges(), 0);
}

TEST_F(Damage, NoiseInAnyByteOfTheRecord) {
    std::mt19937 random(2);
    const size_t state = offsetof(ThreadRecord, state);
    for (size_t offset = 0; offset < sizeof(ThreadRecord); ++offset) {
        restore();
        const int before = nudges();
        const unsigned char noise = static_cast<unsigned char>(random() | 1);
        overwrite(record_ + offset, &noise, 1);
        const std::string what = "record byte " + std::to_string(offset) + " = " + std::to_string(noise);
        expect_orderly(interruptctl({"threads", pid_}), what);
        expect_orderly(interruptctl(interrupt_command("0.002")), what);
        expect_orderly(interruptctl({"clear", pid_, pid_}), what);
        if (offset < state || offset >= state + sizeof(uint64_t)) {
            EXPECT_EQ(nudges(), before) << what << ": the record says that the thread is running";
        }
    }
}

TEST_F(Damage, NoiseEverywhere) {
    std::mt19937 random(3);
    for (int round = 0; round < 40; ++round) {
        // The first rounds leave the header's fixed part alone, or nothing else would be reached.
        const size_t first = round < 20 ? offsetof(TableHeader, flags) : 0;
        std::string noise(intact_.size() - first, '\0');
        for (char& byte : noise) {
            byte = static_cast<char>(random());
        }
        restore();
        overwrite(first, noise.data(), noise.size());
        const std::string what = "round " + std::to_string(round);
        expect_orderly(interruptctl({"threads", pid_}), what);
        expect_orderly(interruptctl(interrupt_command("0.002")), what);
        expect_orderly(interruptctl({"doctor", pid_}), what);
        expect_orderly(interruptctl({"ps"}), what);
    }
}

TEST_F(Damage, AFullTableIsSaid) {
    ThreadRecord record{};
    record.tid = 1;  // of nobody here
    record.generation = 1;
    for (size_t at = sizeof(TableHeader); at < intact_.size(); at += sizeof record) {
        overwrite(at, &record, sizeof record);
    }
    const Finished done = interruptctl(interrupt_command("0.01"));
    EXPECT_EQ(done.exit_status, 5);
    EXPECT_NE((done.out + done.err).find("full"), std::string::npos) << done.out << done.err;
    EXPECT_EQ(nudges(), 0);
}

TEST_F(Damage, AThreadWithoutARecordIsGivenOne) {
    const ThreadRecord none{};
    overwrite(record_, &none, sizeof none);
    EXPECT_TRUE(eventually([&] { return interruptctl({"threads", pid_}).out.find("outside") != std::string::npos; }));
    expect_status(0, interruptctl({"interrupt", pid_, pid_, "--sticky", "--timeout", "0", "--as", "errno:EIO"}));
    ThreadRecord claimed{};
    ASSERT_EQ(::pread(table_, &claimed, sizeof claimed, static_cast<off_t>(record_)),
              static_cast<ssize_t>(sizeof claimed));
    EXPECT_EQ(claimed.tid, static_cast<uint32_t>(holder_.pid()));
    EXPECT_EQ(claimed.generation, 1u);
    EXPECT_EQ(claimed.flags, record_unadopted);
    EXPECT_EQ(Request{claimed.request}.outcome(), Outcome::error);
    EXPECT_EQ(Request{claimed.request}.error(), EIO);
    EXPECT_TRUE(Request{claimed.request}.pending());
    EXPECT_NE(contents("/proc/" + pid_ + "/stat").find(" " + std::to_string(claimed.since) + " "), std::string::npos)
        << "by the thread's start time it tells that it is meant, and no earlier thread of that number";
    EXPECT_EQ(claimed.lock & LockWord::owner_mask, 0u);
    EXPECT_EQ(nudges(), 0);
    expect_status(0, interruptctl({"clear", pid_, pid_}));
}

TEST_F(Damage, AFullFileSystemIsSaid) {
    const TemporaryDirectory mount_point;
    if (::mount("tmpfs", mount_point.path().c_str(), "tmpfs", 0, "size=32k,mode=700") != 0) {
        GTEST_SKIP() << "no tmpfs can be mounted here: " << std::strerror(errno);
    }
    {
        Child holder({TARGETS_DIR "/table_holder", mount_point.path()});
        const std::string path = holder.line();
        const std::string pid = std::to_string(holder.pid());
        // Its record is gone with the page that held it, and the rest of the space is taken.
        const int table = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        EXPECT_EQ(::fallocate(table, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, sizeof(TableHeader),
                              static_cast<off_t>(intact_.size() - sizeof(TableHeader))),
                  0);
        const int filler = ::open((mount_point.path() + "/filler").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        for (off_t page = 0; ::fallocate(filler, 0, page * 4096, 4096) == 0; ++page) {
        }
        const Finished done = interruptctl({"interrupt", pid, pid, "--timeout", "0.01"});
        EXPECT_EQ(done.exit_status, 5);
        EXPECT_NE((done.out + done.err).find("no room"), std::string::npos) << done.out << done.err;
        ::close(table);
        ::close(filler);
    }
    ::umount2(mount_point.path().c_str(), MNT_DETACH);
}

TEST_F(Damage, OtherVersionsAreNamedBoth) {
    const uint32_t version = 77;
    overwrite(offsetof(TableHeader, abi_version), &version, sizeof version);
    const Finished done = interruptctl({"threads", pid_});
    expect_status(4, done);
    EXPECT_NE(done.err.find("version 77"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("version " + std::to_string(table_abi_version)), std::string::npos) << done.err;
}

TEST_F(Damage, ARemovedOrReplacedFileIsRefused) {
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    const Finished removed = interruptctl({"threads", pid_});
    expect_status(4, removed);
    EXPECT_NE(removed.err.find("removed"), std::string::npos) << removed.err;
    EXPECT_EQ(nudges(), 0);
}

TEST_F(Damage, ALockThatItsDeadOwnerHoldsIsBroken) {
    Child dead({"true"});
    const uint64_t owner = static_cast<uint64_t>(dead.pid());
    dead.finish();
    overwrite(record_ + offsetof(ThreadRecord, lock), &owner, sizeof owner);
    EXPECT_EQ(interruptctl(interrupt_command("0.01")).exit_status, 5);
    uint64_t broken = 0;
    ASSERT_EQ(::pread(table_, &broken, sizeof broken, offsetof(TableHeader, locks_broken)), 8);
    EXPECT_EQ(broken, 1u);
}

}  // namespace
}  // namespace interrupt_tests
