// Transfers that take many steps: a signal that is nobody's cuts none of them short, and a request gives the count of
// what was moved and stays pending.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <vector>

#include "interrupt/interrupt.h"
#include "tests/interposers/descriptors.h"
#include "tests/interposers/public_names.h"
#include "tests/interposers/scenario.h"

namespace interrupt_tests {

namespace {

using interrupt::Call;
using Bytes = std::vector<unsigned char>;

Bytes pattern(size_t size) {
    Bytes bytes(size);
    uint32_t state = 1;
    for (unsigned char& byte : bytes) {
        state = state * 1'664'525 + 1'013'904'223;
        byte = static_cast<unsigned char>(state >> 24);
    }
    return bytes;
}

// Many parts of odd sizes, empty ones among them.
std::vector<struct iovec> parts_of(Bytes& bytes) {
    std::vector<struct iovec> parts;
    size_t begin = 0;
    for (size_t i = 0; begin < bytes.size(); ++i) {
        const size_t size =
            i % 7 == 3 ? 0 : std::min<size_t>(bytes.size() - begin, i % 5 == 0 ? 1 : 977 + i * 131 % 1'500);
        parts.push_back({bytes.data() + begin, size});
        begin += size;
    }
    EXPECT_LT(parts.size(), 1'024u);
    return parts;
}

// A transfer of `bytes` by one call, and whether through a pipe or a socket.
struct Transfer {
    const char* name;
    Call call;
    bool receives;
    bool through_pipe;
    ssize_t (*make)(int fd, Bytes& bytes);
};

ssize_t send_parts(int fd, Bytes& bytes) {
    std::vector<struct iovec> parts = parts_of(bytes);
    struct msghdr message = {};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sendmsg(fd, &message, 0);
}
// Four parts to a message. The bytes of all that count as sent.
ssize_t send_messages(int fd, Bytes& bytes) {
    std::vector<struct iovec> parts = parts_of(bytes);
    std::vector<struct mmsghdr> messages;
    for (size_t i = 0; i < parts.size(); i += 4) {
        struct mmsghdr message = {};
        message.msg_hdr.msg_iov = parts.data() + i;
        message.msg_hdr.msg_iovlen = std::min<size_t>(4, parts.size() - i);
        messages.push_back(message);
    }
    const int count = sendmmsg(fd, messages.data(), static_cast<unsigned>(messages.size()), 0);
    ssize_t sent = count < 0 ? -1 : 0;
    for (int i = 0; i < count; ++i) {
        sent += messages[static_cast<size_t>(i)].msg_len;
    }
    return sent;
}
ssize_t write_parts(int fd, Bytes& bytes) {
    std::vector<struct iovec> parts = parts_of(bytes);
    return writev(fd, parts.data(), static_cast<int>(parts.size()));
}
ssize_t receive_parts(int fd, Bytes& bytes) {
    std::vector<struct iovec> parts = parts_of(bytes);
    struct msghdr message = {};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return recvmsg(fd, &message, MSG_WAITALL);
}
ssize_t write_whole(int fd, Bytes& bytes) {
    return write(fd, bytes.data(), bytes.size());
}
ssize_t write_parts_here(int fd, Bytes& bytes) {
    std::vector<struct iovec> parts = parts_of(bytes);
    return pwritev2(fd, parts.data(), static_cast<int>(parts.size()), -1, 0);
}
ssize_t send_file(int fd, Bytes& bytes) {
    const Descriptor file(memfd_create("data", MFD_CLOEXEC));
    EXPECT_EQ(raw_write(file, bytes.data(), bytes.size()), static_cast<long>(bytes.size()));
    EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
    errno = untouched;
    return sendfile(fd, file, nullptr, bytes.size());
}
ssize_t splice_pipe(int fd, Bytes& bytes) {
    const Pipe pipe;
    EXPECT_GE(fcntl(pipe.writer, F_SETPIPE_SZ, 1 << 20), 1 << 20);
    EXPECT_EQ(raw_write(pipe.writer, bytes.data(), bytes.size()), static_cast<long>(bytes.size()));
    errno = untouched;
    return splice(pipe.reader, nullptr, fd, nullptr, bytes.size(), 0);
}

const Transfer transfers[] = {
    {"write_pipe", Call::write_, false, true, write_whole},
    {"write_socket", Call::write_, false, false, write_whole},
    {"__write", Call::write_, false, true,
     [](int fd, Bytes& bytes) { return __write(fd, bytes.data(), bytes.size()); }},
    {"writev_pipe", Call::writev_, false, true, write_parts},
    {"writev_socket", Call::writev_, false, false, write_parts},
    {"send", Call::send_, false, false, [](int fd, Bytes& bytes) { return send(fd, bytes.data(), bytes.size(), 0); }},
    {"__send", Call::send_, false, false,
     [](int fd, Bytes& bytes) { return __send(fd, bytes.data(), bytes.size(), 0); }},
    {"sendto", Call::sendto_, false, false,
     [](int fd, Bytes& bytes) { return sendto(fd, bytes.data(), bytes.size(), 0, nullptr, 0); }},
    {"sendmsg", Call::sendmsg_, false, false, send_parts},
    {"recv", Call::recv_, true, false,
     [](int fd, Bytes& bytes) { return recv(fd, bytes.data(), bytes.size(), MSG_WAITALL); }},
    {"__recv_chk", Call::recv_, true, false,
     [](int fd, Bytes& bytes) { return __recv_chk(fd, bytes.data(), bytes.size(), bytes.size(), MSG_WAITALL); }},
    {"recvfrom", Call::recvfrom_, true, false,
     [](int fd, Bytes& bytes) { return recvfrom(fd, bytes.data(), bytes.size(), MSG_WAITALL, nullptr, nullptr); }},
    {"__recvfrom_chk", Call::recvfrom_, true, false,
     [](int fd, Bytes& bytes) {
         return __recvfrom_chk(fd, bytes.data(), bytes.size(), bytes.size(), MSG_WAITALL, nullptr, nullptr);
     }},
    {"recvmsg", Call::recvmsg_, true, false, receive_parts},
    {"pwritev2", Call::pwritev2_, false, true, write_parts_here},
    {"sendfile", Call::sendfile_, false, false, send_file},
    {"splice", Call::splice_, false, false, splice_pipe},
    {"sendmmsg", Call::sendmmsg_, false, false, send_messages},
};
void PrintTo(const Transfer& transfer, std::ostream* out) {
    *out << transfer.name;
}

// The transfer as a wait: what the peer does is for the test to say.
class TransferWait : public Wait {
public:
    TransferWait(const Transfer& transfer, size_t size)
        : transfer_(transfer), bytes(transfer.receives ? Bytes(size) : pattern(size)) {}
    long call() override { return transfer_.make(ours(), bytes); }
    Returned natural() const override { return {static_cast<long>(bytes.size())}; }
    bool goes_on_after_handler(bool) const override { return false; }
    int ours() const { return transfer_.through_pipe ? pipe_.writer : sockets_.ours; }
    int peer() const { return transfer_.through_pipe ? pipe_.reader : sockets_.peer; }

private:
    const Transfer& transfer_;
    Pipe pipe_;
    SocketPair sockets_;

public:
    Bytes bytes;
};

// All that is there.
Bytes drained(int fd) {
    Bytes bytes;
    unsigned char some[4'096];
    set_nonblocking(fd, true);
    for (long size; (size = raw_read(fd, some, sizeof some)) > 0;) {
        bytes.insert(bytes.end(), some, some + size);
    }
    set_nonblocking(fd, false);
    return bytes;
}

class Transfers : public testing::TestWithParam<Transfer> {
protected:
    const Transfer& transfer() const { return GetParam(); }
    const Subject subject{GetParam().name, GetParam().call, nullptr};

    // When nobody's signals meet the transfer, before it is left with a part moved.
    enum class Cut { never, before_any_byte, after_a_part };

    void meet_signals(const Waiter& waiter) {
        for (int i = 0; i < 3; ++i) {
            waiter.await_blocked();
            EXPECT_EQ(send_signal(waiter.tid(), SIGURG), 0);
        }
        waiter.await_blocked();
    }

    // Makes the transfer, until it has moved a part and waits for the rest.
    std::unique_ptr<Waiter> start(TransferWait& wait, Waiter::Options options, Cut cut) {
        size_t in_the_way = 0;
        if (cut == Cut::before_any_byte && !transfer().receives) {
            in_the_way = fill_counted(wait.ours());
        }
        auto waiter = std::make_unique<Waiter>(subject, wait, options);
        if (cut == Cut::before_any_byte) {
            meet_signals(*waiter);
        }
        if (transfer().receives) {
            EXPECT_EQ(raw_write(wait.peer(), pattern(5).data(), 5), 5);
            await("the part's arrival", [&] { return readable_bytes(wait.ours()) == 0; });
        } else if (in_the_way != 0) {
            Bytes zeros(4'096);
            while (in_the_way > 0) {
                const long count = raw_read(wait.peer(), zeros.data(), std::min(in_the_way, zeros.size()));
                in_the_way -= static_cast<size_t>(count);
            }
        }
        if (cut == Cut::after_a_part) {
            meet_signals(*waiter);
        }
        waiter->await_blocked();
        return waiter;
    }

    // The transfer has ended with the count of what was moved.
    void check_part(TransferWait& wait, const Waiter::Found& found) {
        EXPECT_EQ(found.returned.error, untouched);
        EXPECT_EQ(found.raw_interruptions, 0);
        const size_t count = static_cast<size_t>(found.returned.value);
        if (transfer().receives) {
            EXPECT_EQ(count, 5u);
            EXPECT_TRUE(std::equal(wait.bytes.begin(), wait.bytes.begin() + 5, pattern(5).begin()));
        } else {
            const Bytes moved = drained(wait.peer());
            EXPECT_EQ(count, moved.size());
            EXPECT_GT(count, 0u);
            EXPECT_LT(count, wait.bytes.size());
            EXPECT_TRUE(std::equal(moved.begin(), moved.end(), wait.bytes.begin()));
        }
    }

private:
    static size_t fill_counted(int fd) {
        const Bytes zeros(4'096);
        size_t count = 0;
        set_nonblocking(fd, true);
        for (const size_t some : {zeros.size(), size_t{1}}) {
            for (long size; (size = raw_write(fd, zeros.data(), some)) > 0;) {
                count += static_cast<size_t>(size);
            }
        }
        set_nonblocking(fd, false);
        return count;
    }
    static int readable_bytes(int fd) {
        int count = -1;
        EXPECT_EQ(ioctl(fd, FIONREAD, &count), 0);
        return count;
    }
};
INSTANTIATE_TEST_SUITE_P(Each, Transfers, testing::ValuesIn(transfers),
                         [](const testing::TestParamInfo<Transfer>& info) { return std::string(info.param.name); });

TEST_P(Transfers, AreNotCutBySignalsThatAreNobodys) {
    constexpr size_t size = 700'001;
    TransferWait wait(transfer(), size);
    Waiter waiter(subject, wait);
    std::atomic<bool> over = false;
    std::thread storm([&] {
        while (!over) {
            send_signal(waiter.tid(), SIGURG);
            raw_wait(150);
        }
    });
    // Slowly, by odd amounts.
    const Bytes sent = pattern(size);
    Bytes received;
    size_t moved = 0;
    for (size_t step = 1; moved < size && !waiter.done(); ++step) {
        const size_t some = std::min<size_t>(size - moved, step * 7'919 % 9'973 + 1);
        long count;
        if (transfer().receives) {
            count = raw_write(wait.peer(), sent.data() + moved, some);
        } else {
            received.resize(moved + some);
            count = raw_read(wait.peer(), received.data() + moved, some);
        }
        ASSERT_GT(count, 0);
        moved += static_cast<size_t>(count);
        raw_wait(200);
    }
    received.resize(transfer().receives ? 0 : moved);
    const Waiter::Found& found = waiter.join();
    over = true;
    storm.join();
    EXPECT_EQ(found.returned, wait.natural());
    if (!transfer().receives) {
        const Bytes rest = drained(wait.peer());
        received.insert(received.end(), rest.begin(), rest.end());
    }
    EXPECT_TRUE((transfer().receives ? wait.bytes : received) == sent) << "a byte was lost or repeated";
}

TEST_P(Transfers, GiveTheirCountToARequestThatStaysPending) {
    for (const Cut cut : {Cut::never, Cut::before_any_byte, Cut::after_a_part}) {
        for (const int outcome : {INTERRUPT_DEFAULT, INTERRUPT_ERROR, INTERRUPT_EOF}) {
            if (outcome == INTERRUPT_EOF && !transfer().receives) {
                continue;
            }
            SCOPED_TRACE(testing::Message() << "outcome " << outcome << ", cut " << static_cast<int>(cut));
            TransferWait wait(transfer(), 1'000'001);
            Waiter::Options options;
            int cleared = 0;
            options.afterwards = [&] { cleared = interrupt_clear(); };
            const std::unique_ptr<Waiter> waiter = start(wait, options, cut);
            const interrupt_request request = {outcome, outcome == INTERRUPT_ERROR ? ENETDOWN : 0};
            ASSERT_EQ(interrupt_thread_as(waiter->tid(), &request), 0);
            check_part(wait, waiter->join());
            EXPECT_TRUE(waiter->join().pending);
            EXPECT_EQ(cleared, 1);
        }
    }
}

// A partial transfer is never restarted (signal(7)), with SA_RESTART or without.
TEST_P(Transfers, GiveTheirCountToAHandlerOfTheProgram) {
    for (const Cut cut : {Cut::never, Cut::before_any_byte, Cut::after_a_part}) {
        for (const int flags : {0, SA_RESTART}) {
            SCOPED_TRACE(testing::Message()
                         << (flags != 0 ? "SA_RESTART" : "no SA_RESTART") << ", cut " << static_cast<int>(cut));
            struct sigaction action = {};
            action.sa_handler = [](int) {};
            action.sa_flags = flags;
            ASSERT_EQ(sigaction(SIGUSR2, &action, nullptr), 0);
            TransferWait wait(transfer(), 1'000'001);
            const std::unique_ptr<Waiter> waiter = start(wait, {}, cut);
            ASSERT_EQ(send_signal(waiter->tid(), SIGUSR2), 0);
            check_part(wait, waiter->join());
        }
    }
}

// The socket's time limit is for the whole, however often a signal cuts it.
TEST(LimitedTransfer, GivesItsCountWhenItsTimeIsOver) {
    const Transfer& transfer = transfers[9];
    const Subject subject{transfer.name, transfer.call, nullptr};
    TransferWait wait(transfer, 100);
    set_socket_limit(wait.ours(), SO_RCVTIMEO, Limit::near);
    Waiter waiter(subject, wait);
    ASSERT_EQ(raw_write(wait.peer(), "hello", 5), 5);
    for (const uint64_t start = monotonic_ns(); monotonic_ns() - start < near_ms * 800'000ull;) {
        send_signal(waiter.tid(), SIGURG);
        raw_wait(10'000);
    }
    const Waiter::Found& found = waiter.join();
    EXPECT_EQ(found.returned, Returned{5});
    EXPECT_GE(found.nanoseconds, (near_ms - 10) * 1'000'000ull);
    EXPECT_LE(found.nanoseconds, near_ms * 1'600'000ull);
}

}  // namespace

}  // namespace interrupt_tests
