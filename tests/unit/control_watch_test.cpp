// The lists that `interruptctl watch` shows, without a terminal.
#include <gtest/gtest.h>

#include <clocale>

#include "control/watch/list.h"
#include "control/watch/text.h"

namespace interrupt::control {
namespace {

class WatchText : public testing::Test {
protected:
    WatchText() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
    ~WatchText() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(WatchText, IsCutBetweenCharacters) {
    EXPECT_EQ(fit("recv", 6), "recv  ");
    EXPECT_EQ(fit("recvfrom", 4), "recv");
    EXPECT_EQ(fit("a\xc3\xa9z", 2), "a\xc3\xa9");
    EXPECT_EQ(fit("", 2), "  ");
    EXPECT_EQ(fit("abc", 0), "");
    // Two cells wide: half of one is not shown.
    EXPECT_EQ(cells_of("日本語"), 6u);
    EXPECT_EQ(fit("日本語", 5), "日本 ");
    EXPECT_EQ(fit("日本語", 1), " ");
    // What is put on top of a letter stays there.
    EXPECT_EQ(fit("e\xcc\x81x", 1), "e\xcc\x81");
    EXPECT_EQ(without_last("日本"), "日");
    EXPECT_EQ(without_last(""), "");
    EXPECT_EQ(to_utf8(U'語') + to_utf8(U'é') + to_utf8(U'x') + to_utf8(U'😀'), "語éx😀");
}

TEST_F(WatchText, NeverCommandsTheTerminal) {
    EXPECT_EQ(fit("a\x1b[2Jb", 6), "a?[2Jb");
    EXPECT_EQ(fit("a\nb\tc", 5), "a?b?c");
    EXPECT_EQ(fit("\xc2\x9b", 1), "?");          // CSI as one character
    EXPECT_EQ(fit("x\xe2\x80\xae!", 3), "x?!");  // right to left
    EXPECT_EQ(fit("\xff\xc3\x28\xed\xa0\x80", 6).substr(0, 3), std::string(2, '?') + "(");
    std::setlocale(LC_CTYPE, "C");
    EXPECT_EQ(fit("日x", 2), "?x");
}

Row row(pid_t id, const std::string& name, const std::string& call, int64_t since) {
    return {id, {{std::to_string(id), id}, {name}, {call}, {std::to_string(since) + "ms", since}}, Style::plain};
}

List three() {
    List list({{"TID", 0, 10}, {"NAME", 2, 8}, {"CALL", 1, 20}, {"SINCE", 3, 10}});
    list.set_rows({row(12, "web", "recv(fd 5)", 70), row(10, "main", "poll", 900), row(11, "日本語日本語", "read", 8)});
    return list;
}

std::vector<std::string> text_of(const std::vector<Line>& lines) {
    std::vector<std::string> text;
    for (const Line& line : lines) {
        text.push_back(line.text.substr(0, line.text.find_last_not_of(' ') + 1));
    }
    return text;
}

class WatchList : public WatchText {};

TEST_F(WatchList, DropsColumnsByRankAndNeverWraps) {
    List list = three();
    EXPECT_EQ(text_of(list.draw(80, 10)),
              (std::vector<std::string>{"TID  NAME      CALL        SINCE", "10   main      poll        900ms",
                                        "11   日本語日  read        8ms", "12   web       recv(fd 5)  70ms"}));
    EXPECT_EQ(text_of(list.draw(25, 10))[1], "10   main      poll");
    EXPECT_EQ(text_of(list.draw(20, 10))[3], "12   recv(fd 5)");
    EXPECT_EQ(text_of(list.draw(14, 10))[3], "12   recv(fd 5") << "the last one is cut";
    EXPECT_EQ(text_of(list.draw(12, 10))[3], "12");
    for (size_t width = 1; width < 60; ++width) {
        for (size_t height = 1; height < 7; ++height) {
            const auto lines = list.draw(width, height);
            EXPECT_LE(lines.size(), height);
            for (const Line& line : lines) {
                EXPECT_EQ(cells_of(line.text), width);
            }
        }
    }
    EXPECT_TRUE(list.draw(80, 0).empty());
}

TEST_F(WatchList, KeepsWhatIsChosen) {
    List list = three();
    list.move(1);
    ASSERT_EQ(list.chosen()->id, 11);
    list.set_rows({row(9, "new", "poll", 1), row(11, "x", "read", 5), row(12, "web", "recv", 2)});
    EXPECT_EQ(list.chosen()->id, 11);
    list.set_rows({row(9, "new", "poll", 1), row(12, "web", "recv", 2)});
    EXPECT_EQ(list.chosen()->id, 12) << "the one in its place";
    list.set_rows({});
    EXPECT_EQ(list.chosen(), nullptr);
    list.move(5);
    list.page(1);
    EXPECT_EQ(text_of(list.draw(80, 10)).size(), 1u);
}

TEST_F(WatchList, MovesWithinItsEnds) {
    List list = three();
    list.move(-1);
    EXPECT_EQ(list.chosen()->id, 10);
    list.move(1'000'000'000);
    EXPECT_EQ(list.chosen()->id, 12);
    EXPECT_EQ(text_of(list.draw(80, 2)).back(), "12   web       recv(fd 5)  70ms");
    list.page(-1);
    EXPECT_EQ(text_of(list.draw(80, 2)).back(), "11   日本語日  read        8ms");
}

TEST_F(WatchList, FiltersAndSorts) {
    List list = three();
    list.filter("REC");
    EXPECT_EQ(list.seen(), 1u);
    EXPECT_EQ(list.size(), 3u);
    EXPECT_EQ(list.chosen()->id, 12);
    list.filter("");
    EXPECT_EQ(list.chosen()->id, 12) << "still the same";
    for (int i = 0; i < 3; ++i) {
        list.sort_by_next();
    }
    EXPECT_EQ(list.sorted_by(), "SINCE");
    EXPECT_EQ(text_of(list.draw(80, 10))[1].substr(0, 2), "11");
    list.reverse();
    EXPECT_EQ(text_of(list.draw(80, 10))[1].substr(0, 2), "10");
}

TEST_F(WatchList, OfThousandsDrawsAScreen) {
    List list({{"TID", 0, 10}, {"NAME", 2, 8}, {"CALL", 1, 20}, {"SINCE", 3, 10}});
    std::vector<Row> rows;
    for (int i = 0; i < 10'000; ++i) {
        rows.push_back(row(i + 1, "worker", "poll", i));
    }
    list.set_rows(std::move(rows));
    list.move(5'000);
    const auto lines = list.draw(80, 25);
    EXPECT_EQ(lines.size(), 25u);
    EXPECT_EQ(lines.back().style, Style::chosen);
    EXPECT_EQ(lines.back().text.substr(0, 4), "5001");
}

}  // namespace
}  // namespace interrupt::control
