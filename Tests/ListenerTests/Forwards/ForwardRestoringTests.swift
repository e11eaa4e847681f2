import Logging
import NIOCore
import Shared
import TestSupport
import Testing

@testable import Listener

/// How a ``ForwardTable`` brings forwards back: at the start, and when a port is lost.
@Suite("ForwardTable: restoring", .timeLimit(.minutes(1)))
struct ForwardRestoringTests {
    private static let nothing = ForwardMeter.Reading()

    private let recorder = LogRecorder()

    private func waitForLine(_ message: String) async throws {
        _ = try #require(await recorder.stream.first { $0.message == message })
    }

    /// A forward whose port another program has, and that program's socket.
    private func takenForward(in fixture: ForwardFixture) async throws -> (Forward, any Channel) {
        let foreign = try await ForwardFixture.foreignListener()
        let port = ForwardPort(UInt16(try #require(foreign.localAddress?.port)))
        return (try fixture.request(port), foreign)
    }

    /// A port that was free a moment ago.
    private func freePort() async throws -> ForwardPort {
        let foreign = try await ForwardFixture.foreignListener()
        let port = ForwardPort(UInt16(try #require(foreign.localAddress?.port)))
        try await foreign.close().get()
        return port
    }

    @Test func restoredForwardListensWithoutASession() async throws {
        let fixture = try ForwardFixture(recorder: recorder)
        let forward = try fixture.request(try await freePort(), uid: "bob")
        await fixture.table.restore([forward])
        // Not at once, perhaps: see `openAgain`.
        let line = await recorder.stream.first { $0.message.hasSuffix("restored") || $0.message.hasSuffix("again") }
        #expect(line?.metadata[LogKeys.forwardPort] == "\(forward.port)")
        let status = ForwardStatus(forward: forward, problem: nil, reading: Self.nothing)
        #expect(await fixture.table.list() == [status])
        let visit = try await fixture.visit(forward.port)
        #expect(await fixture.visitors.next()?.forward == forward)
        await fixture.table.closeAll()
        try await visit.closeFuture.get()
    }

    @Test func portThatIsTakenIsListedWithTheErrorAndListensWhenItIsFree() async throws {
        let fixture = try ForwardFixture(recorder: recorder)
        let (forward, foreign) = try await takenForward(in: fixture)
        await fixture.table.restore([forward])
        let problem = ForwardError.portInUse(forward.port, cause: ForwardFixture.addressInUse)
        let status = ForwardStatus(forward: forward, problem: problem, reading: Self.nothing)
        #expect(await fixture.table.list() == [status])
        #expect(!status.isListening)
        try await waitForLine("forward still cannot be listened on")
        #expect(await fixture.table.list() == [status])
        #expect(recorder.lines(at: .warning).count == 1)
        await #expect(throws: ForwardError.portInUse(forward.port, cause: "it is open as a forward")) {
            try await fixture.table.open(forward)
        }

        try await foreign.close().get()
        try await waitForLine("forward is listened on again")
        #expect(await fixture.table.list().map(\.problem) == [nil])
        let visit = try await fixture.visit(forward.port)
        #expect(await fixture.visitors.next()?.forward == forward)
        await fixture.table.closeAll()
        try await visit.closeFuture.get()
    }

    @Test func portThatIsTakenCanBeClosed() async throws {
        let fixture = try ForwardFixture(recorder: recorder)
        let (forward, foreign) = try await takenForward(in: fixture)
        try await fixture.stored.recorder.save(forward)
        await fixture.table.restore([forward])

        fixture.stored.isFailing = true
        await #expect(throws: ForwardError.notRemoved(forward.port, cause: "disk full")) {
            try await fixture.table.close(forward.port)
        }
        let problem = ForwardError.portInUse(forward.port, cause: ForwardFixture.addressInUse)
        #expect(await fixture.table.list().map(\.problem) == [problem])

        fixture.stored.isFailing = false
        try await fixture.table.close(forward.port)
        #expect(await fixture.table.list().isEmpty)
        #expect(fixture.stored.forwards.isEmpty)
        try await foreign.close().get()
        // Nobody tries any more: the port is anybody's.
        let next = try await ForwardFixture.foreignListener(on: forward.port)
        try await next.close().get()
        #expect(!recorder.lines.contains { $0.message == "forward is listened on again" })
    }

    @Test func deadSocketIsListenedOnAgainWithItsVisitorsAndItsMeter() async throws {
        let fixture = try ForwardFixture(recorder: recorder)
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        try await visitor.channel.eventLoop.submit { visitor.meter.value.relayOpened() }.get()
        try await visitor.channel.parent?.close().get()

        try await waitForLine("forward is listened on again")
        #expect(
            recorder.lines(at: .error).map(\.message)
                == ["forward's socket failed; trying to listen again until it can"]
        )
        #expect(visitor.channel.isActive)
        #expect(await fixture.table.list().map(\.reading.openRelays) == [1])
        let second = try await fixture.visit(forward.port)
        let secondVisitor = try #require(await fixture.visitors.next())
        try await visitor.channel.eventLoop.submit {
            #expect(secondVisitor.meter.value === visitor.meter.value)
        }.get()
        #expect(fixture.stored.forwards == [forward])

        try await fixture.table.close(forward.port)
        #expect(!visitor.channel.isActive)
        #expect(!secondVisitor.channel.isActive)
        try await visit.closeFuture.get()
        try await second.closeFuture.get()
    }

    @Test func retryingEndsWithTheTable() async throws {
        let fixture = try ForwardFixture(recorder: recorder)
        let (forward, foreign) = try await takenForward(in: fixture)
        await fixture.table.restore([forward])
        await fixture.table.closeAll()
        #expect(await fixture.table.list().isEmpty)
        try await foreign.close().get()
        let next = try await ForwardFixture.foreignListener(on: forward.port)
        try await next.close().get()
    }
}
