// Interpreters that another program embeds, ends and begins again.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "tests/cpython/embed.h"
#include "tests/cpython/python_process.h"

namespace cpython_test {
namespace {

// Imports come first; then there is a request.
constexpr const char* imports = "import libinterrupt, time, threading\n";  // builtin: RTLD_LOCAL hides the rest
constexpr const char* life =
    "try: time.sleep(20)\n"
    "except libinterrupt.ThreadInterrupted: print('raised', flush=True)\n"
    "thread = threading.Thread(target=time.sleep, args=(0.1,))\n"
    "thread.start()\n"
    "thread.join()\n"
    "with threading.Lock(): time.sleep(0.01)\n"
    "class Chosen(Exception): pass\n"
    "libinterrupt.interrupt(threading.main_thread(), exception=Chosen)\n"
    "try: time.sleep(20)\n"
    "except Chosen: print('chosen', flush=True)\n";

}  // namespace

int embed(const char* home, const char* library) {
    void* const python = library != nullptr ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : RTLD_DEFAULT;
    const auto symbol = [&](const char* name) { return dlsym(python, name); };
    const auto initialize = reinterpret_cast<void (*)()>(symbol("Py_Initialize"));
    const auto finalize = reinterpret_cast<void (*)()>(symbol("Py_Finalize"));
    const auto run_string = reinterpret_cast<int (*)(const char*, void*)>(symbol("PyRun_SimpleStringFlags"));
    const auto interrupt_thread = reinterpret_cast<int (*)(pid_t)>(dlsym(RTLD_DEFAULT, "interrupt_thread"));
    setenv("PYTHONHOME", home, 1);
    for (int lives = 0; lives < 3; ++lives) {
        initialize();
        if (run_string(imports, nullptr) != 0 || interrupt_thread(gettid()) != 0 || run_string(life, nullptr) != 0) {
            return 1;
        }
        finalize();
    }
    return 0;
}

namespace {

class Embedded : public testing::TestWithParam<Interpreter> {
protected:
    void SetUp() override {
        const std::string& path = GetParam().path;
        home_ = path.substr(0, path.rfind("/bin/"));
        glob_t libraries;
        if (glob((home_ + "/lib/libpython3.*.so.1.0").c_str(), 0, nullptr, &libraries) != 0) {
            GTEST_SKIP() << "no shared library of " << path;
        }
        library_ = libraries.gl_pathv[0];
        globfree(&libraries);
    }

    static void expect_three_lives(const Finished& finished) {
        EXPECT_TRUE(finished.ended_with(0)) << finished.status;
        EXPECT_EQ(finished.output, "raised\nchosen\nraised\nchosen\nraised\nchosen\n");
    }

    std::string home_;
    std::string library_;
};

TEST_P(Embedded, EndsAndBeginsAgain) {
    expect_three_lives(run({"/proc/self/exe", "--embed", home_}, LIBINTERRUPT_PATH ":" + library_));
}

TEST_P(Embedded, IsLoadedLate) {
    expect_three_lives(run({"/proc/self/exe", "--embed", home_, library_}, LIBINTERRUPT_PATH));
}

// Only if the adapter knows which str and which True are in use can `libinterrupt` be found and a lock be known as had.
TEST_P(Embedded, InAProgramThatHasCopiesOfItsObjects) {
    char program[] = "/tmp/embedder-XXXXXX";
    close(mkstemp(program));
    const Finished compiled = run(
        {C_COMPILER, "-o", program, SOURCE_DIR "/tests/cpython/embedder.c", library_, "-Wl,-rpath," + home_ + "/lib"});
    ASSERT_TRUE(compiled.ended_with(0)) << compiled.output;
    const std::string join =
        "import libinterrupt, time, threading\n"
        "go = threading.Event()\n"
        "thread = threading.Thread(target=go.wait)\n"
        "thread.start()\n"
        "main = threading.get_ident()\n"
        "threading.Timer(0.1, lambda: libinterrupt.interrupt(main)).start()\n"
        "try: thread.join()\n"
        "except libinterrupt.ThreadInterrupted: print('raised', thread.is_alive(), flush=True)\n"
        "go.set()\n"
        "thread.join()\n";
    const Finished finished = run({"/usr/bin/env", "PYTHONHOME=" + home_, program, join}, LIBINTERRUPT_PATH);
    unlink(program);
    EXPECT_TRUE(finished.ended_with(0)) << finished.status;
    EXPECT_EQ(finished.output, "raised True\n");
}

INSTANTIATE_TEST_SUITE_P(Python, Embedded, testing::ValuesIn(find_interpreters()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cpython_test
