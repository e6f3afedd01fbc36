// The systems whose work this project does, row by row: each row of the table `rows` is a program in features/, run
// under the shim in every CPython of this machine, and where that shows something also without it, where it must fail.
// The results make a table, which is printed at the end:
//
//     features_test                 runs them all, and prints the table
//     features_test --table FILE    prints the table of the results that runs have left in FILE, by FEATURES_RESULTS
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <tuple>

#include "tests/cpython/feature_shows.h"

namespace cpython_test {
namespace {

// --- the table

struct Row {
    const char* name;
    std::string (*show)(const Run&);
    bool fails_without = false;
};

constexpr Row rows[] = {
    {"A1", is_as_without},
    {"A2", is_as_without},
    {"A3", checks_itself, true},
    {"A4", checks_itself},
    {"A5", checks_itself, true},
    {"A6", checks_itself},
    {"B1", is_as_without},
    {"B2", is_as_without},
    {"B3", is_as_without},
    {"B4", is_as_without},
    {"B5", workers_are_interrupted, true},
    {"B6", download_is_cancelled, true},
    {"C1", checks_itself},
    {"C2", checks_itself},
    {"C3", checks_itself},
    {"C4", checks_itself},
    {"C5", checks_itself},
    {"C6", checks_itself},
    {"C7", checks_itself},
    {"C8", checks_itself},
    {"C9", checks_itself},
    {"C10", checks_itself},
    {"C11", checks_itself, true},
    {"C12", checks_itself, true},
    {"C13", checks_itself, true},
    {"C14", checks_itself, true},
    {"C15", checks_itself, true},
    {"C16", checks_itself, true},
    {"C17", unchanged_program_is_interrupted},
    {"C18", checks_itself},
    {"D1", ctrl_c_is_as_without},
    {"D2", ctrl_c_ends_threads, true},
    {"D3", ctrl_c_ends_threads, true},
};

std::string program_of(const Row& row) {
    std::string name = row.name;
    name[0] = static_cast<char>(tolower(name[0]));
    return SOURCE_DIR "/tests/cpython/features/" + name + ".py";
}

// "yes", "no", or "-" where the row does not apply, by row, interpreter and whether under the shim.
using Results = std::map<std::tuple<std::string, std::string, bool>, std::string>;

// By version, and the system's own last.
std::vector<Interpreter> columns() {
    std::vector<Interpreter> interpreters = find_interpreters();
    std::stable_sort(interpreters.begin(), interpreters.end(), [](const Interpreter& a, const Interpreter& b) {
        const auto key = [](const Interpreter& each) {
            return std::tuple(each.name == "system", each.name.size(), each.name);
        };
        return key(a) < key(b);
    });
    return interpreters;
}

void print_table(const Results& results) {
    const std::vector<Interpreter> interpreters = columns();
    std::printf("\n%-18s", "");
    for (const Interpreter& interpreter : interpreters) {
        std::printf(" %10s", interpreter.name.c_str());
    }
    for (const bool under_shim : {true, false}) {
        std::printf("\n");
        for (const Row& row : rows) {
            if (!under_shim && !row.fails_without) {
                continue;
            }
            std::printf("\n%-18s", (std::string(row.name) + (under_shim ? "" : " without it")).c_str());
            for (const Interpreter& interpreter : interpreters) {
                const auto result = results.find({row.name, interpreter.name, under_shim});
                std::printf(" %10s", result == results.end() ? "not run" : result->second.c_str());
            }
        }
    }
    std::printf("\n");
}

Results results;

// A run that is a part of several leaves its results in a file, a line each.
void keep_results() {
    if (const char* const path = getenv("FEATURES_RESULTS")) {
        std::ofstream file(path, std::ios::app);
        for (const auto& [key, result] : results) {
            file << std::get<0>(key) << ' ' << std::get<1>(key) << ' ' << std::get<2>(key) << ' ' << result << '\n';
        }
    } else if (results.size() > 1) {
        print_table(results);
    }
}

int print_table_of(const char* path) {
    std::ifstream file(path);
    std::string row, interpreter, result;
    bool under_shim = false;
    bool right = true;
    while (file >> row >> interpreter >> under_shim >> result) {
        results[{row, interpreter, under_shim}] = result;
        right &= result == "-" || result == (under_shim ? "yes" : "no");
    }
    print_table(results);
    return results.empty() || !right;
}

// --- the tests

using Parameters = std::tuple<Row, Interpreter>;

class Feature : public testing::TestWithParam<Parameters> {
protected:
    static std::string show(bool under_shim) {
        const auto& [row, interpreter] = GetParam();
        const std::string wrong = row.show({interpreter, program_of(row), under_shim});
        results[{row.name, interpreter.name, under_shim}] = wrong.empty() ? "yes" : wrong == not_there ? "-" : "no";
        return wrong;
    }
};

TEST_P(Feature, Works) {
    const std::string wrong = show(true);
    if (wrong == not_there) {
        GTEST_SKIP() << not_there;
    }
    EXPECT_EQ(wrong, "");
}

class FeatureOfTheShim : public Feature {};

TEST_P(FeatureOfTheShim, FailsWithout) {
    const std::string wrong = show(false);
    EXPECT_NE(wrong, "") << "it works without the shim";
    EXPECT_NE(wrong, not_there);
    EXPECT_EQ(wrong.find("it does not end"), std::string::npos) << wrong;  // it is to be seen to fail
    std::cout << wrong << '\n';
}

std::vector<Row> rows_that(bool (*are)(const Row&)) {
    std::vector<Row> found;
    for (const Row& row : rows) {
        if (access(program_of(row).c_str(), R_OK) == 0 || row.show == workers_are_interrupted) {
            if (are(row)) {
                found.push_back(row);
            }
        }
    }
    return found;
}

std::string test_name(const testing::TestParamInfo<Parameters>& info) {
    return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

INSTANTIATE_TEST_SUITE_P(Python, Feature,
                         testing::Combine(testing::ValuesIn(rows_that([](const Row&) { return true; })),
                                          testing::ValuesIn(find_interpreters())),
                         test_name);
// By one CPython: that the row shows something is the program's doing.
std::vector<Interpreter> one_interpreter() {
    const std::vector<Interpreter> all = find_interpreters();
    return {all.end() - !all.empty(), all.end()};
}
INSTANTIATE_TEST_SUITE_P(Python, FeatureOfTheShim,
                         testing::Combine(testing::ValuesIn(rows_that([](const Row& row) {
                                              return row.fails_without;
                                          })),
                                          testing::ValuesIn(one_interpreter())),
                         test_name);

}  // namespace
}  // namespace cpython_test

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "--table") == 0) {
        return cpython_test::print_table_of(argv[2]);
    }
    signal(SIGPIPE, SIG_IGN);
    testing::InitGoogleTest(&argc, argv);
    const int failed = RUN_ALL_TESTS();
    cpython_test::keep_results();
    return failed;
}
