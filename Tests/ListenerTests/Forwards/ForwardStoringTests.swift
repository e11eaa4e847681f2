import Logging
import NIOCore
import NIOPosix
import Shared
import TestSupport
import Testing

@testable import Listener

/// What a ``ForwardTable`` stores, and in which order.
@Suite("ForwardTable: storing", .timeLimit(.minutes(1)))
struct ForwardStoringTests {
    @Test func openIsListenedOnAndStoredBeforeItReturns() async throws {
        let stored = StoredForwards(beforeSave: { forward in
            // Listening comes first: a port that cannot be had is not stored.
            let visit = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: Int(forward.port.number)).get()
            try await visit.close().get()
        })
        let fixture = try ForwardFixture(stored: stored)
        let forward = try await fixture.table.open(try fixture.request())
        #expect(stored.forwards == [forward])
        #expect(!forward.port.isAnyFree)
        await fixture.table.closeAll()
        #expect(stored.forwards == [forward], "shutting down forgets nothing")
    }

    @Test func portIsFreeAgainWhenItsForwardCannotBeStored() async throws {
        let recorder = LogRecorder()
        let fixture = try ForwardFixture(recorder: recorder)
        let port = try await fixture.table.open(try fixture.request()).port
        try await fixture.table.close(port)
        fixture.stored.isFailing = true
        await #expect(throws: ForwardError.notStored(port, cause: "disk full")) {
            try await fixture.openAgain(try fixture.request(port))
        }
        #expect(await fixture.table.list().isEmpty)
        #expect(recorder.lines(at: .error).map(\.message) == ["forward could not be stored"])
        let foreign = try await ForwardFixture.foreignListener(on: port)
        try await foreign.close().get()
        fixture.stored.isFailing = false
        #expect(try await fixture.openAgain(try fixture.request(port)).port == port)
        await fixture.table.closeAll()
    }

    @Test func closeRemovesTheForwardBeforeTheSocketIsClosed() async throws {
        let stored = StoredForwards(beforeRemove: { port in
            let visit = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: Int(port.number)).get()
            try await visit.close().get()
        })
        let fixture = try ForwardFixture(stored: stored)
        let forward = try await fixture.table.open(try fixture.request())
        try await fixture.table.close(forward.port)
        #expect(stored.forwards.isEmpty)
        await fixture.table.closeAll()
    }

    @Test func forwardThatCannotBeRemovedStaysOpenWithItsVisitors() async throws {
        let recorder = LogRecorder()
        let fixture = try ForwardFixture(recorder: recorder)
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        fixture.stored.isFailing = true
        await #expect(throws: ForwardError.notRemoved(forward.port, cause: "disk full")) {
            try await fixture.table.close(forward.port)
        }
        #expect(await fixture.table.list().map(\.isListening) == [true])
        #expect(recorder.lines(at: .error).map(\.message) == ["forward could not be removed from the store"])
        #expect(visitor.channel.isActive)
        fixture.stored.isFailing = false
        try await fixture.table.close(forward.port)
        #expect(await fixture.table.list().isEmpty)
        try await visit.closeFuture.get()
    }

    @Test func forwardThatIsStoredWhenTheListenerStopsIsForgottenAndRefused() async throws {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let (saves, save) = AsyncStream.makeStream(of: Void.self)
        let stored = StoredForwards(beforeSave: { _ in
            save.yield()
            for await _ in stops { break }
        })
        let fixture = try ForwardFixture(stored: stored)
        let request = try fixture.request()
        let opening = Task { try await fixture.table.open(request) }
        for await _ in saves { break }
        await fixture.table.closeAll()
        stop.yield()
        await #expect(throws: ForwardError.shuttingDown) { try await opening.value }
        #expect(stored.forwards.isEmpty)
        #expect(await fixture.table.list().isEmpty)
    }
}
