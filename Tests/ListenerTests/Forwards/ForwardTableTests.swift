import NIOCore
import NIOPosix
import Shared
import TestSupport
import Testing

@testable import Listener

@Suite("ForwardTable", .timeLimit(.minutes(1)))
struct ForwardTableTests {
    @Test func anyFreePortIsReportedAndListedTruthfully() async throws {
        let fixture = try ForwardFixture()
        let first = try await fixture.table.open(try fixture.request())
        let second = try await fixture.table.open(try fixture.request())
        #expect(!first.port.isAnyFree)
        #expect(first.port != second.port)
        #expect(await fixture.forwards() == [first, second].sorted { $0.port < $1.port })
        await fixture.table.closeAll()
    }

    @Test func visitorIsAdoptedWithItsForwardAndTCPOptions() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        #expect(visitor.forward == forward)
        #expect(visitor.channel.remoteAddress == visit.localAddress)
        #expect(try await visitor.channel.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
        #expect(try await visitor.channel.getOption(.allowRemoteHalfClosure).get())
        await fixture.table.closeAll()
        try await visit.closeFuture.get()
    }

    @Test func unknownUIDOpensNothing() async throws {
        let fixture = try ForwardFixture()
        await #expect(throws: ForwardError.unknownClientUID(try ClientUID("bob"))) {
            try await fixture.table.open(try fixture.request(uid: "bob"))
        }
        #expect(await fixture.forwards().isEmpty)
    }

    @Test func portOfAnotherProgramIsInUse() async throws {
        let fixture = try ForwardFixture()
        let foreign = try await ForwardFixture.foreignListener()
        let port = ForwardPort(UInt16(try #require(foreign.localAddress?.port)))
        await #expect(throws: ForwardError.portInUse(port, cause: ForwardFixture.addressInUse)) {
            try await fixture.table.open(try fixture.request(port))
        }
        try await foreign.close().get()
        #expect(try await fixture.openAgain(try fixture.request(port)).port == port)
        await fixture.table.closeAll()
    }

    @Test func portThatIsOpenIsInUseEvenForTheSameTarget() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        await #expect(throws: ForwardError.portInUse(forward.port, cause: "it is open as a forward")) {
            try await fixture.table.open(forward)
        }
        #expect(await fixture.forwards() == [forward])
        await fixture.table.closeAll()
    }

    @Test func addressOfAnotherMachineIsUnavailable() async throws {
        let fixture = try ForwardFixture(bindAddress: "192.0.2.1")
        let error = await #expect(throws: ForwardError.self) { try await fixture.table.open(try fixture.request()) }
        guard case .addressUnavailable("192.0.2.1", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func closeAbortsRelaysAndFreesThePortBeforeItReturns() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        let visits = [try await fixture.visit(forward.port), try await fixture.visit(forward.port)]
        let visitors = [await fixture.visitors.next(), await fixture.visitors.next()].compactMap { $0 }
        #expect(visitors.count == 2)

        try await fixture.table.close(forward.port)

        #expect(await fixture.forwards().isEmpty)
        #expect(visitors.allSatisfy { !$0.channel.isActive && $0.channel.parent?.isActive == false })
        let foreign = try await ForwardFixture.foreignListener(on: forward.port)
        try await foreign.close().get()
        for visit in visits {
            try await visit.closeFuture.get()
        }
        #expect(try await fixture.openAgain(forward) == forward)
        await fixture.table.closeAll()
    }

    @Test func closeEndsVisitorsThatDoNotAbort() async throws {
        let fixture = try ForwardFixture(onForwardClosed: .ignore, visitorGrace: .milliseconds(20))
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        try await fixture.table.close(forward.port)
        #expect(!visitor.channel.isActive)
        try await visit.closeFuture.get()
    }

    @Test func portThatIsBeingClosedIsInUseAndNotListed() async throws {
        let fixture = try ForwardFixture(onForwardClosed: .ignore)
        let forward = try await fixture.table.open(try fixture.request())
        let visit = try await fixture.visit(forward.port)
        let visitor = try #require(await fixture.visitors.next())
        let socket = try #require(visitor.channel.parent)
        async let closing: Void = fixture.table.close(forward.port)
        // From here on only the visitor, which ignores the event, holds the port in its state.
        try await socket.closeFuture.get()
        #expect(await fixture.forwards().isEmpty)
        await #expect(throws: ForwardError.portInUse(forward.port, cause: "it is being closed")) {
            try await fixture.table.open(forward)
        }
        async let second: Void = fixture.table.close(forward.port)
        try await visit.close().get()
        try await visitor.channel.close().get()
        try await closing
        try await second
        #expect(try await fixture.openAgain(forward) == forward)
        await fixture.table.closeAll()
    }

    @Test func unknownPortIsNotFound() async throws {
        let fixture = try ForwardFixture()
        await #expect(throws: ForwardError.notFound(ForwardPort(9))) { try await fixture.table.close(ForwardPort(9)) }
        await #expect(throws: ForwardError.notFound(.anyFree)) { try await fixture.table.close(.anyFree) }
    }

    @Test func ofConcurrentOpensOfOnePortOneSucceeds() async throws {
        let fixture = try ForwardFixture()
        let forward = try await fixture.table.open(try fixture.request())
        try await fixture.table.close(forward.port)
        // In rare rounds the system itself refuses the port; see `openAgain`.
        var opened = 0
        while opened == 0 {
            opened = await concurrentOpens(of: forward, in: fixture)
        }
        #expect(opened == 1)
        #expect(await fixture.forwards() == [forward])
        await fixture.table.closeAll()
    }

    /// How many of 20 calls open the port.
    private func concurrentOpens(of forward: Forward, in fixture: ForwardFixture) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(ForwardError) {
                        _ = try await fixture.table.open(forward)
                        return 1
                    } catch {
                        guard case .portInUse(forward.port, _) = error else {
                            Issue.record("\(error)")
                            return 0
                        }
                        return 0
                    }
                }
            }
            return await group.reduce(0, +)
        }
    }

    @Test func concurrentOpensAndClosesLeaveEveryPortInOneStateAndTheStoreInTheSame() async throws {
        let stored = StoredForwards(beforeSave: { _ in await Task.yield() }, beforeRemove: { _ in await Task.yield() })
        let fixture = try ForwardFixture(stored: stored)
        let forward = try await fixture.table.open(try fixture.request())
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    do throws(ForwardError) {
                        if index.isMultiple(of: 2) {
                            try await fixture.table.close(forward.port)
                        } else {
                            _ = try await fixture.table.open(forward)
                        }
                    } catch {
                        switch error {
                        case .portInUse(forward.port, _), .notFound(forward.port): break
                        default: Issue.record("\(error)")
                        }
                    }
                }
            }
        }
        #expect(await fixture.forwards() == stored.forwards)
        // Whatever the order was: what is listed can be closed, and what is closed can be opened.
        for listed in await fixture.forwards() {
            try await fixture.table.close(listed.port)
        }
        #expect(try await fixture.openAgain(forward) == forward)
        await fixture.table.closeAll()
        let foreign = try await ForwardFixture.foreignListener(on: forward.port)
        try await foreign.close().get()
    }

    @Test func closeAllFreesEveryPortAndRefusesNewOnes() async throws {
        let fixture = try ForwardFixture()
        var forwards: [Forward] = []
        for _ in 0..<3 {
            forwards.append(try await fixture.table.open(try fixture.request()))
        }
        await fixture.table.closeAll()
        #expect(await fixture.forwards().isEmpty)
        for forward in forwards {
            let foreign = try await ForwardFixture.foreignListener(on: forward.port)
            try await foreign.close().get()
        }
        await #expect(throws: ForwardError.shuttingDown) { try await fixture.table.open(try fixture.request()) }
    }

    @Test func unspecifiedIPv6AddressTakesVisitorsOfBothFamilies() async throws {
        let fixture = try ForwardFixture(bindAddress: "::")
        let forward = try await fixture.table.open(try fixture.request())
        for host in ["127.0.0.1", "::1"] {
            let visit = try await fixture.visit(forward.port, host: host)
            let visitor = try #require(await fixture.visitors.next())
            #expect(visitor.forward == forward)
            try await visit.close().get()
        }
        await fixture.table.closeAll()
    }
}
