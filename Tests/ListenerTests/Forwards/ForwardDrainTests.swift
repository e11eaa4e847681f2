import NIOCore
import Shared
import TestSupport
import Testing

@testable import Listener

/// How a ``ForwardTable`` is shut down in two steps.
@Suite("ForwardTable: draining", .timeLimit(.minutes(1)))
struct ForwardDrainTests {
    @Test func portsAreFreedAtOnceAndVisitorsStayUntilTheyAreEnded() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())

        await fixture.table.stopAccepting()
        #expect(visitor.channel.isActive)
        #expect(visitor.channel.parent?.isActive == false)
        let foreign = try await ForwardFixture.foreignListener(on: forward.port)
        try await foreign.close().get()
        await #expect(throws: ForwardError.shuttingDown) { try await fixture.table.open(try fixture.request()) }
        #expect(await fixture.table.list().map(\.problem) == [.shuttingDown])

        await fixture.table.endVisitors()
        #expect(!visitor.channel.isActive)
        try await visit.closeFuture.get()
        #expect(await fixture.table.list().isEmpty)
        #expect(fixture.stored.forwards == [forward])
    }

    @Test func forwardCanBeClosedWhileItsVisitorsDrain() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        await fixture.table.stopAccepting()
        try await fixture.table.close(forward.port)
        #expect(!visitor.channel.isActive)
        #expect(fixture.stored.forwards.isEmpty)
        await fixture.table.endVisitors()
        try await visit.closeFuture.get()
    }

    @Test func bothStepsMayBeTakenTwice() async throws {
        let fixture = try ForwardFixture()
        _ = try await fixture.table.open(try fixture.request())
        await fixture.table.stopAccepting()
        await fixture.table.stopAccepting()
        await fixture.table.closeAll()
        await fixture.table.endVisitors()
        #expect(await fixture.table.list().isEmpty)
    }
}
