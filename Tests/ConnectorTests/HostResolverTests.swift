import NIOCore
import NIOPosix
import Shared
import TestSupport
import Testing

@testable import Connector

@Suite("HostResolver")
struct HostResolverTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

    @Test(arguments: ["127.0.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"])
    func anAddressNeedsNoQuestion(text: String) async throws {
        let hosts = HostResolver { _, _ throws(HostResolverError) in throw .notFound("asked") }
        let addresses = try await hosts.ask(text, port: 80, on: eventLoop).answer.get()
        #expect(addresses == [try SocketAddress(ipAddress: text, port: 80)])
    }

    @Test(arguments: ["localhost", "0x7f.1", "2130706433"])
    func theSystemIsAskedForNamesAndOddNumbers(name: String) async throws {
        let addresses = try await HostResolver().ask(name, port: 80, on: eventLoop).answer.get()
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { ["127.0.0.1", "::1"].contains($0.ipAddress) && $0.port == 80 })
        #expect(Set(addresses).count == addresses.count)
    }

    @Test func aNameWithoutAddressesIsNotFound() async throws {
        // RFC 6761 §6.4: no such name ever exists.
        await #expect(throws: HostResolverError.self) {
            _ = try await HostResolver().ask("nowhere.invalid", port: 80, on: eventLoop).answer.get()
        }
        let empty = HostResolver { _, _ throws(HostResolverError) in [] }
        await #expect(throws: HostResolverError.notFound("it has no address")) {
            _ = try await empty.ask("a", port: 80, on: eventLoop).answer.get()
        }
    }

    @Test func questionsBeyondTheBoundAreRefused() async throws {
        let isReleased = Monitor(false)
        let hosts = Self.blocked(until: isReleased, maxPending: 2)
        let questions = (0..<3).map { _ in hosts.ask("a", port: 80, on: eventLoop) }
        let error = await #expect(throws: HostResolverError.self) { _ = try await questions[2].answer.get() }
        #expect(error == .overloaded("too many names at once"))
        isReleased.withLock { $0 = true }
        for question in questions.prefix(2) {
            _ = try await question.answer.get()
        }
        #expect(try await !hosts.ask("a", port: 80, on: eventLoop).answer.get().isEmpty)
    }

    @Test func aQuestionThatIsCancelledWhileItWaitsIsNeverAsked() async throws {
        let isReleased = Monitor(false)
        let hosts = Self.blocked(until: isReleased)
        let others = (0..<HostResolver.threadCount).map { _ in hosts.ask("a", port: 80, on: eventLoop) }
        let isAsked = Monitor(false)
        let watched = HostResolver { _, _ throws(HostResolverError) in
            isAsked.withLock { $0 = true }
            return []
        }
        let question = watched.ask("b", port: 80, on: eventLoop)
        question.cancel()
        isReleased.withLock { $0 = true }
        await #expect(throws: HostResolverError.cancelled) { _ = try await question.answer.get() }
        #expect(isAsked.withLock { !$0 })
        for other in others {
            _ = try await other.answer.get()
        }
    }

    /// A resolver that answers nothing until it is released, and 127.0.0.1 then.
    private static func blocked(until isReleased: Monitor<Bool>, maxPending: Int = 100) -> HostResolver {
        HostResolver(maxPending: maxPending) { _, port throws(HostResolverError) in
            _ = isReleased.wait(until: .after(Deadline.patience)) { $0 ? true : nil }
            do {
                return [try SocketAddress(ipAddress: "127.0.0.1", port: Int(port))]
            } catch {
                return []
            }
        }
    }
}
