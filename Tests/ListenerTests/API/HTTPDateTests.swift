import Testing

@testable import Listener

@Suite("HTTPDate")
struct HTTPDateTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),  // RFC 9110 §5.6.7's example
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
    ])
    func momentsAreToldAsHTTPDoes(seconds: Int, text: String) {
        #expect("\(HTTPDate(secondsSince1970: seconds))" == text)
    }
}
