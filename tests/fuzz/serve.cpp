// Any bytes as what a client of `interruptctl serve` sends, in pieces of any size: control/serve/protocol.cpp,
// session.cpp, operations.cpp. Each line that is not empty gets one answer that is an object, sooner or later; nothing
// that a client says makes the session hold more than its bounds. No process can be opened here: it might be
// somebody's.
#include <fuzzer/FuzzedDataProvider.h>

#include "control/serve/session.h"
#include "tests/fuzz/expect.h"

using namespace interrupt::control;
using namespace interrupt::control::serve;

std::shared_ptr<OpenProcess> Shared::open(pid_t pid) {
    throw Failure(Status::not_found, text("there is no process ", pid, "."));
}

namespace {

void expect_answer(std::string_view line) {
    const auto answer = nlohmann::json::parse(line, nullptr, false);
    EXPECT(answer.is_object() && answer.contains("id") && answer.at("ok").is_boolean());
    if (answer.at("ok") == false) {
        const std::string message = answer.at("error").at("message");
        EXPECT(!message.empty() && interrupt_fuzz::is_printable(message));
        EXPECT(answer.at("error").at("code") != "done");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    FuzzedDataProvider data(bytes, size);
    Shared shared;
    Session session(shared);
    std::string output;
    const auto take_output = [&](size_t most) {
        output += session.output().substr(0, most);
        session.sent(std::min(most, session.output().size()));
    };
    const bool pad = data.ConsumeBool();
    size_t lines = 0;
    bool in_line = false;
    while (data.remaining_bytes() > 0) {
        std::string piece = data.ConsumeRandomLengthString(512);
        if (pad && data.ConsumeBool()) {  // long lines, of which there is never enough in an input
            piece +=
                std::string(data.ConsumeIntegralInRange<size_t>(0, 2 * longest_line), data.ConsumeBool() ? ' ' : '[');
        }
        if (data.ConsumeBool()) {
            piece += '\n';
        }
        for (const char byte : piece) {
            lines += byte != '\n' && byte != ' ' && byte != '\t' && byte != '\r' && !in_line;
            in_line = byte == '\n' ? false : in_line || (byte != ' ' && byte != '\t' && byte != '\r');
        }
        session.receive(piece);
        session.step(monotonic_now());
        take_output(data.ConsumeIntegralInRange<size_t>(0, 4096));
    }
    session.end_input();
    for (int rounds = 0; !session.finished(); ++rounds) {
        EXPECT(rounds < 1'000'000);
        session.step(monotonic_now());
        take_output(SIZE_MAX);
    }
    size_t answers = 0;
    for (size_t start = 0; start < output.size(); ++answers) {
        const size_t end = output.find('\n', start);
        EXPECT(end != std::string::npos);
        expect_answer(std::string_view(output).substr(start, end - start));
        start = end + 1;
    }
    // One for each line; and for a line of blanks that is too long.
    EXPECT(pad ? answers >= lines : answers == lines);
    return 0;
}
