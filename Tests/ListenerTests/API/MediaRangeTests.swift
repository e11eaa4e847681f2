import Testing

@testable import Listener

@Suite("MediaRange")
struct MediaRangeTests {
    @Test(arguments: [
        ("application/json", "application/json", 1.0),
        ("Application/JSON; charset=utf-8", "application/json", 1),
        ("text/* ; q=0.5", "text/*", 0.5),
        ("a/b;q=7", "a/b", 1),
        ("a/b;q=-1", "a/b", 0),
        ("a/b;q=x", "a/b", 0),
        ("", "", 1),
        (";", "", 1),
    ])
    func typeAndQualityAreRead(text: String, type: String, quality: Double) {
        let range = MediaRange(text)
        #expect(range.type == type)
        #expect(range.quality == quality)
    }

    @Test(arguments: [
        (["application/json"], true),
        (["application/json, */*;q=0.5"], true),
        (["text/plain;q=0.1", "application/*"], true),
        (["text/plain;q=0, */*"], true),
        ([], false),
        (["*/*"], false),
        (["application/json, text/plain, */*"], false),
        (["application/json;q=0.5, text/plain"], false),
        (["application/json;q=0"], false),
        (["text/html"], false),
        ([""], false),
    ])
    func jsonIsPreferredOnlyWhenItIsWantedMoreThanText(fields: [String], prefersJSON: Bool) {
        #expect(MediaRange.prefersJSON(accept: fields) == prefersJSON)
    }
}
