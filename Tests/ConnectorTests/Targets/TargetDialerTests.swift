import NIOCore
import NIOPosix
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Connector

@Suite("TargetDialer")
struct TargetDialerTests {
    /// A name server that gives each question an answer of its own, and none to those beyond.
    private final class Names: Sendable {
        private let answers: Mutex<[[SocketAddress]]>
        private let count = Atomic(0)

        init(_ answers: [HostPort]...) throws {
            self.answers = Mutex(
                try answers.map { try $0.map { try SocketAddress(ipAddress: $0.host, port: $0.port) } }
            )
        }

        var questionCount: Int { count.load(ordering: .relaxed) }

        var resolver: HostResolver {
            HostResolver { [self] _, _ throws(HostResolverError) in
                count.add(1, ordering: .relaxed)
                return answers.withLock { $0.isEmpty ? [] : $0.removeFirst() }
            }
        }
    }

    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let target: TargetAddress

    init() throws {
        target = try TargetAddress(host: "db.example", port: 5432)
    }

    private func dialer(
        _ hosts: HostResolver,
        allow: [String]? = nil,
        deny: [String] = [],
        timeout: TimeAmount = .seconds(30)
    ) throws -> TargetDialer {
        let policy = TargetPolicy(
            allow: try allow?.map { try TargetRule($0) },
            deny: try deny.map { try TargetRule($0) }
        )
        return TargetDialer(timeout: timeout, policy: policy, hosts: hosts)
    }

    private func dial(_ dialer: TargetDialer, _ address: HostPort? = nil) async throws -> any Channel {
        let target = try address.map { try TargetAddress(host: $0.host, port: UInt16($0.port)) } ?? target
        return try await eventLoop.flatSubmit {
            dialer.dial(target, on: eventLoop, cancellation: DialCancellation())
        }.get()
    }

    private func expectFailure(_ expected: RelayStatus, of dialer: TargetDialer, at address: HostPort? = nil) async {
        let error = await #expect(throws: TargetDialError.self) {
            _ = try await dial(dialer, address)
        }
        #expect(error?.status == expected, "\(error.map { "\($0)" } ?? "")")
    }

    @Test func aNameIsResolvedOnceAndOnlyWhatWasJudgedIsDialled() async throws {
        let allowed = try TCPAcceptor(on: HostPort(host: "127.0.0.1", port: 0))
        let denied = try TCPAcceptor(on: HostPort(host: "127.0.0.2", port: 0))
        // The second answer would be let in by nothing but a second question.
        let names = try Names([allowed.endpoint], [denied.endpoint])
        let dialer = try dialer(names.resolver, deny: ["127.0.0.2"])

        let channel = try await dial(dialer)
        #expect(channel.remoteAddress?.ipAddress == "127.0.0.1")
        try await channel.close()
        #expect(names.questionCount == 1)

        await expectFailure(.notAllowed, of: dialer)
        #expect(names.questionCount == 2)
        #expect(throws: SocketError.self) { try denied.accept(timeout: .zero) }
    }

    @Test func addressesThatAreNotAllowedAreNotEvenTried() async throws {
        let allowed = try TCPAcceptor(on: HostPort(host: "127.0.0.1", port: 0))
        let others = try ["127.0.0.2", "::1"].map { try TCPAcceptor(on: HostPort(host: $0, port: 0)) }
        let names = try Names(others.map(\.endpoint) + [allowed.endpoint])
        let dialer = try dialer(names.resolver, allow: ["127.0.0.1:5432"])

        let channel = try await dial(dialer)
        #expect(channel.remoteAddress?.ipAddress == "127.0.0.1")
        try await channel.close()
        for other in others {
            #expect(throws: SocketError.self) { try other.accept(timeout: .zero) }
        }
    }

    @Test(
        arguments: [
            (nil, ["db.example"]), (nil, ["*:5432"]), ([], []), (["*:80"], []), (["*"], ["*.example:5000-6000"]),
        ] as [([String]?, [String])]
    )
    func whatNeedsNoAddressIsRefusedWithoutAskingForOne(allow: [String]?, deny: [String]) async throws {
        let names = try Names()
        await expectFailure(.notAllowed, of: try dialer(names.resolver, allow: allow, deny: deny))
        #expect(names.questionCount == 0)
    }

    @Test func notAllowedIsToldFromNotFoundRefusedAndOverloaded() async throws {
        let nobody = try ReservedPort()
        await expectFailure(.notAllowed, of: try dialer(try Names([nobody.endpoint]).resolver, deny: ["127.0.0.0/8"]))
        await expectFailure(.refused, of: try dialer(try Names([nobody.endpoint]).resolver))
        await expectFailure(.nameNotFound, of: try dialer(try Names().resolver))
        let exhausted = HostResolver { _, _ throws(HostResolverError) in throw .overloaded("no memory") }
        await expectFailure(.overloaded, of: try dialer(exhausted))
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.2", "::1"])
    func anAddressOfThisMachineIsReachedWithoutAQuestion(host: String) async throws {
        let acceptor = try TCPAcceptor(on: HostPort(host: host, port: 0))
        let names = try Names()
        let channel = try await dial(try dialer(names.resolver), acceptor.endpoint)
        #expect(channel.isActive)
        #expect(channel.remoteAddress?.ipAddress == host)
        // Nothing is read yet, and a close is a reset: nobody has said that the stream is over.
        let target = try acceptor.accept()
        try target.send("hello")
        try await channel.close()
        #expect(try target.receiveToEnd().end == .reset)
        #expect(names.questionCount == 0)
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func anAddressOfThisMachineIsJudgedAndRefusedLikeAnyOther(host: String) async throws {
        let nobody = try ReservedPort(host: host)
        await expectFailure(.refused, of: try dialer(try Names().resolver), at: nobody.endpoint)
        let acceptor = try TCPAcceptor(on: HostPort(host: host, port: 0))
        let denied = try dialer(try Names().resolver, deny: ["127.0.0.0/8", "::1"])
        await expectFailure(.notAllowed, of: denied, at: acceptor.endpoint)
        #expect(throws: SocketError.self) { try acceptor.accept(timeout: .zero) }
    }

    @Test func anAddressThatDoesNotAnswerAtOnceHasTheDialTimeout() async throws {
        let silent = try SilentTarget()
        let dialer = try dialer(try Names().resolver, timeout: .milliseconds(50))
        await expectFailure(.timedOut, of: dialer, at: silent.endpoint)
    }

    @Test func theRefusalOfOneAddressSaysMoreThanTheLackOfARouteToAnother() async throws {
        let nobody = try ReservedPort()
        // TCP has no broadcast: the kernel refuses to dial that address at once.
        let broadcast = HostPort(host: "255.255.255.255", port: 9)
        await expectFailure(.unreachable, of: try dialer(try Names([broadcast]).resolver))
        await expectFailure(.refused, of: try dialer(try Names([broadcast, nobody.endpoint]).resolver))
    }

    @Test func theDialTimeoutCountsWhileTheNameIsResolved() async throws {
        let isReleased = Monitor(false)
        let silent = HostResolver { _, _ throws(HostResolverError) in
            _ = isReleased.wait(until: .after(Deadline.patience)) { $0 ? true : nil }
            throw .notFound("at last")
        }
        await expectFailure(.timedOut, of: try dialer(silent, timeout: .milliseconds(50)))
        // The late answer finds nobody, and nothing happens.
        isReleased.withLock { $0 = true }
    }

    @Test func aDialThatIsGivenUpEndsSoon() async throws {
        let silent = try SilentTarget()
        let dialer = try dialer(try Names([silent.endpoint]).resolver)
        let cancellation = NIOLoopBoundBox.makeBoxSendingValue(DialCancellation(), eventLoop: eventLoop)
        let dial = try await eventLoop.submit {
            NIOLoopBound(
                dialer.dial(target, on: eventLoop, cancellation: cancellation.value).map { _ in },
                eventLoop: eventLoop
            )
        }.get()
        eventLoop.execute { cancellation.value.cancel() }
        await #expect(throws: TargetDialError.self) {
            try await eventLoop.flatSubmit { dial.value }.get()
        }
    }
}
